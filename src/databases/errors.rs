//! Why a database's capacity could not be read. No message carries a password or a piece of a connection string that
//! may be one.

use super::Engine;

/// Why a database's capacity could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The connection string cannot be used. It is never repeated: it holds a password.
    #[error("the connection string cannot be used: {0}")]
    ConnectionString(String),
    /// No server answered, or none in time.
    #[error("cannot reach the database at {host}: {cause}")]
    Unreachable {
        /// All hosts that were tried, `host:port`.
        host: String,
        /// The whole chain of causes.
        cause: String,
    },
    /// TLS failed: the server has none, or its certificate is not trusted.
    #[error("TLS with the database at {host} failed: {cause}")]
    Tls {
        /// All hosts that were tried, `host:port`.
        host: String,
        /// The whole chain of causes.
        cause: String,
    },
    /// The server does not accept this user or password.
    #[error("the database at {host} does not let {user:?} in: {cause}")]
    Authentication {
        /// All hosts that were tried, `host:port`.
        host: String,
        /// The user of the connection string.
        user: String,
        /// What the server said.
        cause: String,
    },
    /// The server is full, or the user has all that it may have: not even the operator gets a connection.
    #[error("the database at {host} has no connection left for {user:?}: {cause}; keep one free: raise the budget's \
        reserve{}", keep_one(*.engine))]
    TooManyConnections {
        /// What the server speaks.
        engine: Engine,
        /// All hosts that were tried, `host:port`.
        host: String,
        /// The user of the connection string.
        user: String,
        /// What the server said.
        cause: String,
    },
    /// It answered with something that cannot be used.
    #[error("the database at {host} gave no usable answer: {cause}")]
    Invalid {
        /// All hosts that were tried, `host:port`.
        host: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// What else keeps a connection free for the operator.
const fn keep_one(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => ", and on PostgreSQL 16 and newer grant pg_use_reserved_connections to that user",
        Engine::MySql => "",
    }
}

impl DatabaseError {
    /// The reason as it stands in conditions and metric labels.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ConnectionString(_) => "InvalidConnectionString",
            Self::Unreachable { .. } => "DatabaseUnreachable",
            Self::Tls { .. } => "TlsFailed",
            Self::Authentication { .. } => "AuthenticationFailed",
            Self::TooManyConnections { .. } => "TooManyConnections",
            Self::Invalid { .. } => "DatabaseAnswerInvalid",
        }
    }
}
