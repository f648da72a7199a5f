//! The one connection, and what its errors mean.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Error, error::SqlState};
use tokio_util::task::AbortOnDropHandle;

use super::{address::Address, answer};
use crate::{
    databases::{DatabaseError, Engine, Reading, kept},
    text::chain,
};

/// The longest that reading may take; the server itself gives up a second earlier.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(in crate::databases) struct Session {
    client: Client,
    /// Drives the socket; dropping it closes the connection.
    _driver: AbortOnDropHandle<()>,
}

impl kept::Session for Session {
    type Address = Address;

    async fn open(address: &Address) -> Result<Self, DatabaseError> {
        let connecting = address.config.connect(address.tls.clone());
        let limit = address.time_limit();
        let connected = timeout(limit, connecting).await.map_err(|_| no_answer(address, limit))?;
        let (client, connection) = connected.map_err(|error| classify(&error, address))?;
        // Its error is told to every waiting query too.
        let driver = async move { drop(connection.await) };
        Ok(Self { client, _driver: AbortOnDropHandle::new(tokio::spawn(driver)) })
    }

    async fn read(&mut self, address: &Address) -> Result<Reading, DatabaseError> {
        // A simple query: one round trip, and no prepared statement that a pooler in between would lose.
        let answer = timeout(READ_TIMEOUT, self.client.simple_query(answer::QUERY)).await;
        let answer =
            answer.map_err(|_| no_answer(address, READ_TIMEOUT))?.map_err(|error| classify(&error, address))?;
        answer::reading(&answer).map_err(|cause| DatabaseError::Invalid { host: address.host(), cause })
    }
}

fn no_answer(address: &Address, limit: Duration) -> DatabaseError {
    DatabaseError::Unreachable { host: address.host(), cause: format!("no answer within {} s", limit.as_secs()) }
}

fn classify(error: &Error, address: &Address) -> DatabaseError {
    let (host, user) = (address.host(), address.user());
    let cause = chain(error);
    match error.code() {
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            DatabaseError::TooManyConnections { engine: Engine::Postgres, host, user, cause }
        }
        Some(
            &(SqlState::INVALID_PASSWORD
            | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | SqlState::INSUFFICIENT_PRIVILEGE),
        ) => DatabaseError::Authentication { host, user, cause },
        // Starting up, shutting down, or lost on the way: it will be back.
        Some(code) if code.code().starts_with("57P") || code.code().starts_with("08") => {
            DatabaseError::Unreachable { host, cause }
        }
        Some(_) => DatabaseError::Invalid { host, cause },
        // The kind of other errors is told by their first words only.
        None => match error.to_string().as_str() {
            "error performing TLS handshake" => DatabaseError::Tls { host, cause },
            "authentication error" | "invalid configuration" => DatabaseError::Authentication { host, user, cause },
            _ => DatabaseError::Unreachable { host, cause },
        },
    }
}

#[cfg(test)]
mod tests;
