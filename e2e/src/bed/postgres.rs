//! A real PostgreSQL with a small limit, whose own log and statistics say what happened to connections.

mod cluster;
mod sampler;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_postgres::{Client, NoTls};

use self::cluster::Cluster;
pub use self::sampler::{Sample, Sampler};
use super::account::IMMEDIATE_SHUTDOWN;
use super::keys::Authority;
use super::port;
use super::process::{Process, Signal};
use super::run::Run;
use super::tools::Part;

/// How many slots must stay free when an ordinary role connects, PostgreSQL's own default.
pub const SUPERUSER_RESERVED_CONNECTIONS: u16 = 3;

/// The superuser's connection of the bed itself, which the sampler uses too. It takes a slot away from the ordinary
/// roles: PostgreSQL keeps the last free slots for superusers, not particular ones, so whoever is connected counts.
pub const HELD_BY_THE_BED: u16 = 1;

const SUPERUSER: &str = "postgres";
const PATIENCE: Duration = Duration::from_mins(1);

/// What tests set of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Which PostgreSQL it is.
    pub version: Version,
    /// All slots, those of superusers included.
    pub max_connections: u16,
    /// Slots that only superusers and members of `pg_use_reserved_connections` may take. PostgreSQL 15 has none of these.
    pub reserved_connections: u16,
    /// Slots that Amazon RDS keeps for its own superuser. The setting is there on RDS only, and only shown here: no server but
    /// RDS's enforces it.
    pub rds_superuser_reserved_connections: Option<u16>,
    /// How clients other than the superuser must connect.
    pub tls: Tls,
}

impl Default for Settings {
    /// PostgreSQL's own defaults.
    fn default() -> Self {
        Self {
            version: Version::V18,
            max_connections: 100,
            reserved_connections: 0,
            rds_superuser_reserved_connections: None,
            tls: Tls::Off,
        }
    }
}

/// A major version of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// PostgreSQL 15, without `reserved_connections`.
    V15,
    /// PostgreSQL 16.
    V16,
    /// PostgreSQL 17.
    V17,
    /// PostgreSQL 18.
    V18,
}

impl Version {
    /// Every one that the bed has.
    pub const ALL: [Self; 4] = [Self::V15, Self::V16, Self::V17, Self::V18];

    /// The name of its folder.
    const fn folder(self) -> &'static str {
        match self {
            Self::V15 => "15",
            Self::V16 => "16",
            Self::V17 => "17",
            Self::V18 => "18",
        }
    }
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// The server speaks no TLS.
    Off,
    /// The server refuses roles that come without TLS. Its certificate is for 127.0.0.1 and localhost, by an authority
    /// of its own.
    Required,
}

/// A running server on 127.0.0.1. Dropping it ends it. It belongs to the Tokio runtime that started it.
pub struct Postgres {
    server: Process,
    cluster: Cluster,
    settings: Settings,
    /// One for the whole life: a closed one would free its slot only a moment later.
    superuser: Arc<Client>,
    port: u16,
    /// Outlives the server, which writes into its folders.
    run: Arc<Run>,
}

impl Postgres {
    /// Makes a new cluster and starts its server: about a second. The log is `postgres-NAME.log`.
    ///
    /// # Errors
    /// When the server does not come up; the message quotes its log.
    pub async fn start(run: Arc<Run>, name: &str, settings: Settings) -> Result<Self> {
        let programs = Part::Postgres.locate().await?.join(settings.version.folder());
        let name = format!("postgres-{name}");
        let cluster = {
            let (run, name) = (Arc::clone(&run), name.clone());
            spawn_blocking(move || Cluster::create(&run, &name, &programs, settings)).await??
        };
        let port = port::reserve()?;
        let (server, superuser) = serve(&run, &name, &cluster, port, settings).await?;
        Ok(Self { server, cluster, settings, superuser, port, run })
    }

    /// Stops the server as an operator of databases does (a fast shutdown: sessions are ended) and starts it on the same port with
    /// another limit. Samplers of before end.
    ///
    /// # Errors
    /// When it does not end or does not come up again.
    pub async fn restart(&mut self, max_connections: u16) -> Result<()> {
        self.server.signal(Signal::INT)?;
        self.server.wait().await?;
        self.settings.max_connections = max_connections;
        let Self { run, cluster, port, settings, .. } = self;
        let name = self.server.name().to_owned();
        (self.server, self.superuser) = serve(run, &name, cluster, *port, *settings).await?;
        Ok(())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process number of the server.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// Where `role` connects to the database `postgres`, its password included.
    pub fn url(&self, role: &str) -> String {
        let sslmode = if self.cluster.authority.is_some() && role != SUPERUSER { "require" } else { "disable" };
        url(role, &self.cluster.password, self.port, sslmode)
    }

    /// The certificate that clients trust; `None` without TLS.
    pub fn certificate_authority(&self) -> Option<&Path> {
        self.cluster.authority.as_ref().map(Authority::certificate)
    }

    /// Makes a role that may log in with the password in [`Postgres::url`]. Its name needs no quoting in SQL or URLs.
    ///
    /// # Errors
    /// When the name is something else than lower-case letters, digits and `_`, or the role exists.
    pub async fn create_role(&self, role: &str) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        ensure!(!role.is_empty() && role.chars().all(plain), "role {role:?}: use a-z, 0-9 and _");
        self.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{}'", self.cluster.password)).await
    }

    /// Gives a role that exists the password in [`Postgres::url`].
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn let_in(&self, role: &str) -> Result<()> {
        self.execute(&format!("ALTER ROLE \"{role}\" PASSWORD '{}'", self.cluster.password)).await
    }

    /// Runs SQL statements as the superuser.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        self.superuser.batch_execute(statements).await.with_context(|| format!("PostgreSQL refused: {statements}"))
    }

    /// How many connections the server has refused since it was first started, because a limit was reached, by its own log:
    /// SQLSTATE 53300, `too_many_connections`, be it the server's limit, the reserved slots' or a role's.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn refusals(&self) -> Result<usize> {
        let path = self.server.log();
        let log = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(log.lines().filter(|line| is_refusal(line)).count())
    }

    /// Starts to count the connections of all but the superuser every 100 ms.
    pub fn sampler(&self) -> Sampler {
        Sampler::start(Arc::clone(&self.superuser))
    }
}

/// Starts the server; also the superuser's connection.
async fn serve(
    run: &Run,
    name: &str,
    cluster: &Cluster,
    port: u16,
    settings: Settings,
) -> Result<(Process, Arc<Client>)> {
    let server = Process::spawn(name, cluster.serve(port, settings), run.logs())?.killed_by(IMMEDIATE_SHUTDOWN);
    let url = url(SUPERUSER, &cluster.password, port, "disable");
    let superuser = OnceCell::new();
    server.ready(PATIENCE, async || superuser.get_or_try_init(|| connect(&url)).await.is_ok()).await?;
    let superuser = superuser.into_inner().context("PostgreSQL is ready but has no connection")?;
    Ok((server, Arc::new(superuser)))
}

fn url(role: &str, password: &str, port: u16, sslmode: &str) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/postgres?sslmode={sslmode}")
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its error is that of the client's next call.
    tokio::spawn(connection);
    Ok(client)
}

/// Whether a line of the server's log says that a connection was refused for want of a slot.
fn is_refusal(line: &str) -> bool {
    line.split_once("] 53300 ")
        .is_some_and(|(_, rest)| rest.split_once(' ').is_some_and(|(_, rest)| rest.starts_with("FATAL:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_for_want_of_a_slot_are_counted() {
        let line = |rest: &str| is_refusal(&format!("2026-11-23 15:59:59.123 UTC [4711] {rest}"));
        assert!(line("53300 payments FATAL:  sorry, too many clients already"));
        assert!(line(
            "53300 [unknown] FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"
        ));
        assert!(!line("28P01 payments FATAL:  password authentication failed for user \"payments\""));
        assert!(!line("53300 payments DETAIL:  more about the same refusal"));
        assert!(!line("00000 payments LOG:  statement: select '53300 payments FATAL:'"));
    }
}
