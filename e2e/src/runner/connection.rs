//! One database connection whose end is the server's end, not ours.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_postgres::{Client, Config, NoTls, config::Host, error::SqlState};

/// An open connection.
///
/// It runs on a task of its own. Dropping it closes it too, but only [`Connection::close`] says when the slot is free.
pub(crate) struct Connection {
    client: Client,
    driver: JoinHandle<()>,
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

impl Connection {
    /// Connects as `login` says, under the given `application_name`.
    pub(crate) async fn open(login: &Config, application_name: &str) -> Result<Self, ConnectionError> {
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
        Ok(Self { client, driver })
    }

    /// The connection's statements.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Says goodbye and waits until the server has ended its side.
    ///
    /// A PostgreSQL backend gives its slot back before its process ends, and its end of the socket closes with the process. So when
    /// this returns, the slot is free.
    pub(crate) async fn close(self) {
        drop(self.client);
        // Only a panic of the driver could end here as an error, and then the socket is closed as well.
        drop(self.driver.await);
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
