//! Databases, as far as a connection budget asks: how many connections do they accept, how many are open, and does
//! anybody else keep a ledger on them?
//!
//! One connection a budget, whatever the number of scalers: an autoscaler must not eat the budget it keeps.

mod errors;
mod host;
mod kept;
mod mysql;
mod postgres;
mod reading;
mod role;
mod secret;
mod tls;

use std::sync::Arc;

use self::kept::Kept;
pub use self::{
    errors::DatabaseError,
    host::HostPort,
    reading::{Limits, Method, OpenConnections, OtherLedger, Reading},
    role::{Dialect, LeastPrivilege, RoleName, RoleNameError},
    secret::{SecretError, connection_url},
    tls::{Roots, RootsError},
};

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// PostgreSQL 15 and newer, and what is compatible with it.
    Postgres,
    /// MySQL 8 and newer, MariaDB 10.5 and newer, and what is compatible with one of them.
    MySql,
}

/// A database whose capacity is read. It holds at most one connection; dropping it closes that. Cloning is cheap and
/// shares it.
#[derive(Clone, Debug)]
pub struct Database(Server);

#[derive(Clone, Debug)]
enum Server {
    Postgres(Arc<Kept<postgres::Session>>),
    MySql(Arc<Kept<mysql::Session>>),
}

impl Database {
    /// Does not connect yet. The options that `url` may carry are those of its engine: see `docs/budget.md`. The budget's
    /// UID is told to the server, so that a second ledger on the same database can be seen.
    ///
    /// # Errors
    /// [`DatabaseError::ConnectionString`].
    pub fn new(engine: Engine, url: &str, budget_uid: &str, roots: &Roots) -> Result<Self, DatabaseError> {
        let server = match engine {
            Engine::Postgres => {
                Server::Postgres(Arc::new(Kept::new(postgres::Address::parse(url, budget_uid, roots)?)))
            }
            Engine::MySql => Server::MySql(Arc::new(Kept::new(mysql::Address::parse(url, budget_uid, roots)?))),
        };
        Ok(Self(server))
    }

    /// Every host that may be connected to, for the check against what the operator trusts.
    pub fn hosts(&self) -> &[HostPort] {
        match &self.0 {
            Server::Postgres(kept) => kept.address().hosts(),
            Server::MySql(kept) => std::slice::from_ref(kept.address().host()),
        }
    }

    /// Reads what the server says of its connections, over the kept connection; connects first if there is none. After
    /// a failure it waits before it connects again (1 s, doubled each time, at most 60 s), and gives the last error
    /// meanwhile.
    ///
    /// # Errors
    /// Nothing is known now; what was read before is no longer confirmed.
    pub async fn read(&self) -> Result<Reading, DatabaseError> {
        match &self.0 {
            Server::Postgres(kept) => kept.read().await,
            Server::MySql(kept) => kept.read().await,
        }
    }
}
