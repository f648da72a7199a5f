//! The one connection, and what its errors mean.

use std::time::Duration;

use hybridscaler_core::Connections;
use mysql_async::{Conn, DriverError, Error, IoError, Row, prelude::Queryable as _};
use tokio::time::timeout;

use super::address::Address;
use crate::databases::{DatabaseError, Engine, Limits, Method, OpenConnections, OtherLedger, Reading, kept};

/// The longest that connecting may take, with TLS and the password.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that reading may take.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// Not that of the session, which has none, and needs no privilege.
const LIMIT: &str = "SELECT @@GLOBAL.max_connections";
/// The one form that both MySQL and MariaDB answer to every account.
const OPEN: &str = "SHOW GLOBAL STATUS LIKE 'Threads_connected'";

#[derive(Debug)]
pub(in crate::databases) struct Session(Conn);

impl kept::Session for Session {
    type Address = Address;

    async fn open(address: &Address) -> Result<Self, DatabaseError> {
        let connecting = timeout(CONNECT_TIMEOUT, Conn::new(address.opts.clone())).await;
        let connected = connecting.map_err(|_| no_answer(address, CONNECT_TIMEOUT))?;
        connected.map(Self).map_err(|error| classify(&error, address))
    }

    async fn read(&mut self, address: &Address) -> Result<Reading, DatabaseError> {
        let asking = timeout(READ_TIMEOUT, ask(&mut self.0, &address.presence)).await;
        let [limit, open, presence] =
            asking.map_err(|_| no_answer(address, READ_TIMEOUT))?.map_err(|error| classify(&error, address))?;
        let reading = || {
            let max_connections = Connections(required(limit.as_ref(), 0, "max_connections")?);
            let count = Connections(required(open.as_ref(), 1, "Threads_connected")?);
            let other = number(presence.as_ref(), 0, "the holder of another budget's lock")?;
            Ok(Reading {
                limits: Limits::MySql { max_connections },
                open: OpenConnections { count, method: Method::ThreadsConnected },
                other_ledgers: other.map(OtherLedger::Connection).into_iter().collect(),
            })
        };
        reading().map_err(|cause| DatabaseError::Invalid { host: address.host().to_string(), cause })
    }
}

async fn ask(connection: &mut Conn, presence: &str) -> Result<[Option<Row>; 3], Error> {
    Ok([
        connection.query_first(LIMIT).await?,
        connection.query_first(OPEN).await?,
        connection.query_first(presence).await?,
    ])
}

fn required(row: Option<&Row>, column: usize, name: &str) -> Result<u32, String> {
    let value = number(row, column, name)?.ok_or_else(|| format!("{name} is not set"))?;
    u32::try_from(value).map_err(|_| format!("{name} is {value}"))
}

fn number(row: Option<&Row>, column: usize, name: &str) -> Result<Option<u64>, String> {
    let value = row.and_then(|row| row.get_opt::<Option<u64>, _>(column));
    value.ok_or_else(|| format!("it said nothing of {name}"))?.map_err(|error| format!("{name}: {error}"))
}

fn no_answer(address: &Address, limit: Duration) -> DatabaseError {
    let cause = format!("no answer within {} s", limit.as_secs());
    DatabaseError::Unreachable { host: address.host().to_string(), cause }
}

fn classify(error: &Error, address: &Address) -> DatabaseError {
    let (host, user) = (address.host().to_string(), address.user());
    match error {
        Error::Server(server) => {
            let cause = format!("{} ({}): {}", server.code, server.state, server.message);
            match server.code {
                // ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED.
                1040 | 1203 | 1226 => DatabaseError::TooManyConnections { engine: Engine::MySql, host, user, cause },
                // ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR, ER_HOST_NOT_PRIVILEGED, ER_ACCESS_DENIED_NO_PASSWORD_ERROR,
                // ER_MUST_CHANGE_PASSWORD_LOGIN, ER_ACCOUNT_HAS_BEEN_LOCKED of MySQL and of MariaDB.
                1044 | 1045 | 1130 | 1698 | 1862 | 3118 | 4151 => DatabaseError::Authentication { host, user, cause },
                // ER_SERVER_SHUTDOWN: it will be back.
                1053 => DatabaseError::Unreachable { host, cause },
                _ => DatabaseError::Invalid { host, cause },
            }
        }
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => DatabaseError::Authentication { host, user, cause: error.to_string() },
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            DatabaseError::Tls { host, cause: "the server offers none".into() }
        }
        Error::Io(IoError::Tls(cause)) => DatabaseError::Tls { host, cause: cause.to_string() },
        // A handshake that fails is an I/O error with the reason inside.
        Error::Io(IoError::Io(io))
            if io.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) =>
        {
            DatabaseError::Tls { host, cause: io.to_string() }
        }
        Error::Io(IoError::Io(io)) => DatabaseError::Unreachable { host, cause: io.to_string() },
        _ => DatabaseError::Unreachable { host, cause: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
