//! What a database says of its connections, whatever its engine.

use std::fmt;

use hybridscaler_core::{Connections, budget::PostgresLimits};

/// What a database said at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How many connections it accepts.
    pub limits: Limits,
    /// How many of them are open.
    pub open: OpenConnections,
    /// The ledgers of other budgets that count on the same connections; a second process with ours is none.
    pub other_ledgers: Vec<OtherLedger>,
}

impl Reading {
    /// The connections that ordinary roles may open together.
    pub const fn usable(&self) -> Connections {
        self.limits.usable()
    }
}

/// The settings that decide how many connections ordinary roles may open together. They print as the arithmetic, such
/// as `360 (max_connections) - 3 (superuser_reserved_connections)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Of a PostgreSQL server.
    Postgres(PostgresLimits),
    /// Of a MySQL or MariaDB server. What it has beyond that is for administrators only: one connection more, and those
    /// of a port of its own.
    MySql {
        /// `max_connections`; it may be changed at any moment.
        max_connections: Connections,
    },
}

impl Limits {
    /// The connections that ordinary roles may open together.
    pub const fn usable(&self) -> Connections {
        match self {
            Self::Postgres(limits) => limits.usable(),
            Self::MySql { max_connections } => *max_connections,
        }
    }
}

/// The connections that are open, our own included.
///
/// A number to show and to be alarmed by, never one to grant by: a replica that is starting has not connected yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenConnections {
    /// How many.
    pub count: Connections,
    /// How they were counted.
    pub method: Method,
}

/// How open connections were counted: what the account may see decides what the number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// PostgreSQL, as a role with `pg_read_all_stats`: the client backends. Before PostgreSQL 18 those that are still
    /// logging in are missing.
    ClientBackends,
    /// PostgreSQL, as any other role, which is not told what kind a session is: the sessions of a role in a database.
    /// Workers of parallel queries are among them; those that are still logging in are missing.
    Sessions,
    /// MySQL and MariaDB: `Threads_connected`, with those that are still logging in, and without those of the
    /// administrators' port.
    ThreadsConnected,
}

impl Method {
    /// The name as it stands in a status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientBackends => "ClientBackends",
            Self::Sessions => "Sessions",
            Self::ThreadsConnected => "ThreadsConnected",
        }
    }
}

/// A ledger that is not ours, on the same database: each of them grants what the other may have granted already.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OtherLedger {
    /// The UID of its `ConnectionBudget`, in this cluster or another one.
    Budget(String),
    /// The number of its connection to a MySQL or MariaDB server: `SHOW PROCESSLIST` tells its account and host.
    Connection(u64),
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(PostgresLimits {
                max_connections,
                superuser_reserved,
                reserved,
                rds_superuser_reserved,
            }) => {
                write!(f, "{max_connections} (max_connections)")?;
                let reserves = [
                    (superuser_reserved, "superuser_reserved_connections"),
                    (reserved, "reserved_connections"),
                    (rds_superuser_reserved, "rds.rds_superuser_reserved_connections"),
                ];
                let mut set = reserves.into_iter().filter(|(count, _)| **count > Connections::ZERO);
                set.try_for_each(|(count, name)| write!(f, " - {count} ({name})"))
            }
            Self::MySql { max_connections } => write!(f, "{max_connections} (max_connections)"),
        }
    }
}

impl fmt::Display for OtherLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(uid) => write!(f, "the ConnectionBudget with UID {uid}"),
            Self::Connection(id) => write!(f, "another ConnectionBudget, over connection {id} of the server"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_print_as_the_arithmetic_that_makes_their_usable_count() {
        let limits = |reserved, rds| {
            Limits::Postgres(PostgresLimits {
                max_connections: Connections(360),
                superuser_reserved: Connections(3),
                reserved: Connections(reserved),
                rds_superuser_reserved: Connections(rds),
            })
        };
        assert_eq!(limits(0, 0).to_string(), "360 (max_connections) - 3 (superuser_reserved_connections)");
        assert_eq!(
            limits(4, 2).to_string(),
            "360 (max_connections) - 3 (superuser_reserved_connections) - 4 (reserved_connections) \
             - 2 (rds.rds_superuser_reserved_connections)"
        );
        assert_eq!(limits(4, 2).usable(), Connections(351));
    }
}
