//! One database connection whose end is the server's end, not ours.

use std::{
    io,
    pin::Pin,
    str::FromStr,
    task::{Context, Poll, ready},
};

use mysql_async::{Conn, Opts, prelude::Queryable as _};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Mutex,
    task::JoinHandle,
};
use tokio_postgres::{Client, Config, NoTls, config::Host, error::SqlState, types::Type};

/// Each handled message is one row, so that the database counts what was done, and counts a message delivered twice once.
const HANDLE: &str = "INSERT INTO handled (queue, message) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const HANDLE_IN_MARIADB: &str = "INSERT IGNORE INTO work.handled (queue, message) VALUES (?, ?)";

/// `ER_CON_COUNT_ERROR`: the server has no slot left.
const TOO_MANY_CONNECTIONS: u16 = 1040;

/// Where and as whom to connect.
#[derive(Clone, Debug)]
pub enum Login {
    /// To a PostgreSQL.
    Postgres(Box<Config>),
    /// To a MariaDB, without TLS.
    MariaDb(Opts),
}

impl From<Config> for Login {
    fn from(config: Config) -> Self {
        Self::Postgres(Box::new(config))
    }
}

impl FromStr for Login {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        if !url.starts_with("mysql:") {
            return Ok(Self::Postgres(Box::new(url.parse()?)));
        }
        // The options are the operator's.
        let bare = url.split_once('?').map_or(url, |(bare, _)| bare);
        Ok(Self::MariaDb(Opts::from_url(bare)?))
    }
}

/// An open connection. Dropping it closes it too, but only [`Connection::close`] says when the slot is free.
pub(crate) enum Connection {
    /// It runs on a task of its own.
    Postgres { client: Client, driver: JoinHandle<()> },
    /// One statement at a time.
    MariaDb(Box<Mutex<Conn>>),
}

/// Why a connection could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The server has no slot left (SQLSTATE 53300): what a connection budget exists to prevent.
    #[error("connection refused: {0}")]
    Refused(String),
    /// The server answered with another error, or ended the connection.
    #[error("database: {0}")]
    Database(String),
    /// The server could not be reached.
    #[error("database is unreachable: {0}")]
    Unreachable(#[from] io::Error),
    /// The login does not say where the server is.
    #[error("database URL must name one TCP host")]
    NoHost,
}

impl From<tokio_postgres::Error> for ConnectionError {
    fn from(error: tokio_postgres::Error) -> Self {
        let said = error
            .as_db_error()
            .map_or_else(|| error.to_string(), |said| format!("{} {}", said.severity(), said.message()));
        if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) { Self::Refused(said) } else { Self::Database(said) }
    }
}

impl From<mysql_async::Error> for ConnectionError {
    fn from(error: mysql_async::Error) -> Self {
        match &error {
            mysql_async::Error::Server(said) if said.code == TOO_MANY_CONNECTIONS => Self::Refused(said.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

impl Connection {
    /// Connects as `login` says, to PostgreSQL under the given `application_name`.
    pub(crate) async fn open(login: &Login, application_name: &str) -> Result<Self, ConnectionError> {
        match login {
            Login::Postgres(login) => Self::open_postgres(login, application_name).await,
            Login::MariaDb(login) => Ok(Self::MariaDb(Box::new(Mutex::new(Conn::new(login.clone()).await?)))),
        }
    }

    async fn open_postgres(login: &Config, application_name: &str) -> Result<Self, ConnectionError> {
        let (Some(Host::Tcp(host)), Some(port)) = (login.get_hosts().first(), login.get_ports().first()) else {
            return Err(ConnectionError::NoHost);
        };
        let socket = TcpStream::connect((host.as_str(), *port)).await?;
        socket.set_nodelay(true)?;
        let mut login = login.clone();
        let (client, connection) =
            login.application_name(application_name).connect_raw(UntilServerEnds(socket), NoTls).await?;
        // How a connection ends is told to whoever uses it: a pending or later statement fails.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self::Postgres { client, driver })
    }

    /// Asks whether the server answers.
    pub(crate) async fn ask(&self) -> Result<(), ConnectionError> {
        const NOTHING: &str = "SELECT 1";
        match self {
            Self::Postgres { client, .. } => client.simple_query(NOTHING).await.map(drop)?,
            Self::MariaDb(conn) => conn.lock().await.query_drop(NOTHING).await?,
        }
        Ok(())
    }

    /// Enters a message of `queue` as handled.
    pub(crate) async fn handle(&self, queue: &str, message: &str) -> Result<(), ConnectionError> {
        match self {
            Self::Postgres { client, .. } => {
                client.execute_typed(HANDLE, &[(&queue, Type::TEXT), (&message, Type::TEXT)]).await.map(drop)?;
            }
            Self::MariaDb(conn) => conn.lock().await.exec_drop(HANDLE_IN_MARIADB, (queue, message)).await?,
        }
        Ok(())
    }

    /// Whether the server is known to have ended it. MariaDB's shows at the next statement only.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Postgres { client, .. } => client.is_closed(),
            Self::MariaDb(_) => false,
        }
    }

    /// Says goodbye and waits until the server has ended its side.
    ///
    /// A PostgreSQL backend gives its slot back before its process ends, and its end of the socket closes with the process. So when
    /// this returns, the slot is free.
    pub(crate) async fn close(self) {
        match self {
            Self::Postgres { client, driver } => {
                drop(client);
                // Only a panic of the driver could end here as an error, and then the socket is closed as well.
                drop(driver.await);
            }
            // Where that fails the server has ended it.
            Self::MariaDb(conn) => drop(conn.into_inner().disconnect().await),
        }
    }
}

/// A socket whose shutdown is complete only when the other side has closed it.
struct UntilServerEnds(TcpStream);

impl AsyncRead for UntilServerEnds {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for UntilServerEnds {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 512];
        loop {
            let mut unread = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.0).poll_read(cx, &mut unread))?;
            if unread.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
