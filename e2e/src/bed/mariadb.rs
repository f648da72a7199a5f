//! A real MariaDB with a small limit, whose own counters say what happened to connections.

use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use tokio::sync::{Mutex, OnceCell};
use tokio::task::spawn_blocking;

use super::account::{Account, IMMEDIATE_SHUTDOWN};
use super::keys::{Authority, KeyPair};
use super::port;
use super::postgres::Tls;
use super::process::Process;
use super::run::Run;
use super::secret;
use super::tools::Part;

const ADMINISTRATOR: &str = "administrator";
const PATIENCE: Duration = Duration::from_mins(1);

/// What tests set of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The connections of all ordinary accounts together. One more is accepted from an administrator.
    pub max_connections: u16,
    /// How accounts other than the administrator's must connect.
    pub tls: Tls,
}

impl Default for Settings {
    /// MariaDB's own default, without TLS.
    fn default() -> Self {
        Self { max_connections: 151, tls: Tls::Off }
    }
}

/// A running server on 127.0.0.1. Dropping it ends it. It belongs to the Tokio runtime that started it.
pub struct MariaDb {
    _server: Process,
    /// Over the administrators' port: it takes none of the connections that are counted.
    administrator: Mutex<Conn>,
    port: u16,
    password: String,
    authority: Option<Authority>,
    /// Outlives the server, which writes into its folders.
    _run: Arc<Run>,
}

impl MariaDb {
    /// Makes a new data folder and starts its server: some seconds. The log is `mariadb-NAME.log`.
    ///
    /// # Errors
    /// When the server does not come up; the message quotes its log.
    pub async fn start(run: Arc<Run>, name: &str, settings: Settings) -> Result<Self> {
        let programs = Part::MariaDb.locate().await?;
        let name = format!("mariadb-{name}");
        let files = {
            let (run, name) = (Arc::clone(&run), name.clone());
            spawn_blocking(move || Files::create(&run, &name, &programs, settings)).await??
        };
        let (port, extra_port) = (port::reserve()?, port::reserve()?);
        let command = files.serve(port, extra_port, settings);
        let server = Process::spawn(&name, command, run.logs())?.killed_by(IMMEDIATE_SHUTDOWN);
        let opts: Opts = opts(ADMINISTRATOR, &files.password, extra_port).into();
        let administrator = OnceCell::new();
        let connect = async || administrator.get_or_try_init(|| Conn::new(opts.clone())).await.is_ok();
        server.ready(PATIENCE, connect).await?;
        let administrator = Mutex::new(administrator.into_inner().context("MariaDB is ready but has no connection")?);
        let Files { password, authority, .. } = files;
        Ok(Self { _server: server, administrator, port, password, authority, _run: run })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where `account` connects, its password included; for the operator.
    pub fn url(&self, account: &str) -> String {
        let Self { password, port, authority, .. } = self;
        let mode = if authority.is_some() { "REQUIRED" } else { "DISABLED" };
        format!("mysql://{account}:{password}@127.0.0.1:{port}?ssl-mode={mode}")
    }

    /// The same for a client, which does not check the certificate.
    pub fn opts(&self, account: &str) -> OptsBuilder {
        let tls = self.authority.as_ref().map(|_| SslOpts::default().with_danger_accept_invalid_certs(true));
        opts(account, &self.password, self.port).ssl_opts(tls)
    }

    /// The certificate that clients trust; `None` without TLS.
    pub fn certificate_authority(&self) -> Option<&Path> {
        self.authority.as_ref().map(Authority::certificate)
    }

    /// Makes an account without any privilege, with the password in [`MariaDb::url`].
    ///
    /// # Errors
    /// When it exists.
    pub async fn create_account(&self, account: &str) -> Result<()> {
        let require = if self.authority.is_some() { " REQUIRE SSL" } else { "" };
        self.execute(&format!("CREATE USER {account}@'%' IDENTIFIED BY '{}'{require}", self.password)).await
    }

    /// Gives an account that exists the password in [`MariaDb::url`], and unlocks it.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn let_in(&self, account: &str) -> Result<()> {
        self.execute(&format!("ALTER USER '{account}'@'%' IDENTIFIED BY '{}' ACCOUNT UNLOCK", self.password)).await
    }

    /// Runs SQL statements as the administrator.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        let mut administrator = self.administrator.lock().await;
        administrator.query_drop(statements).await.with_context(|| format!("MariaDB refused: {statements}"))
    }

    /// The most connections that were open at once since the server's start, the administrator's own included.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn peak(&self) -> Result<u32> {
        let mut administrator = self.administrator.lock().await;
        let query = "SELECT CAST(variable_value AS UNSIGNED) FROM information_schema.global_status \
            WHERE variable_name = 'Max_used_connections'";
        administrator.query_first(query).await?.context("MariaDB does not tell how many connections it had")
    }

    /// How many connections the server has turned away since its start: there were too many, or a login failed. It counts
    /// the one that has logged in as the one beyond `max_connections`, and is no administrator, with the failed logins.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn refusals(&self) -> Result<u64> {
        let mut administrator = self.administrator.lock().await;
        let query = "SELECT CAST(SUM(variable_value) AS UNSIGNED) FROM information_schema.global_status \
            WHERE variable_name IN ('Connection_errors_max_connections', 'Aborted_connects')";
        administrator.query_first(query).await?.context("MariaDB does not tell how many connections it refused")
    }
}

impl fmt::Debug for MariaDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MariaDb").field("port", &self.port).finish_non_exhaustive()
    }
}

fn opts(account: &str, password: &str, port: u16) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .prefer_socket(false)
        .user(Some(account))
        .pass(Some(password))
}

/// The files of a server that does not run yet.
struct Files {
    account: Account,
    programs: PathBuf,
    folder: PathBuf,
    password: String,
    authority: Option<Authority>,
    certificate: Option<KeyPair>,
}

impl Files {
    fn create(run: &Run, name: &str, programs: &Path, settings: Settings) -> Result<Self> {
        let account = Account::for_server()?;
        let folder = run.data(name)?;
        let programs = account.reachable(programs, &folder)?;
        let password = secret();
        let administrator = format!("{ADMINISTRATOR}@'127.0.0.1'");
        let statements = format!(
            "CREATE USER {administrator} IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO {administrator} WITH GRANT OPTION;\n"
        );
        fs::write(folder.join("init.sql"), statements)?;
        fs::create_dir(folder.join("temporary"))?;
        let (authority, certificate) = match settings.tls {
            Tls::Off => (None, None),
            Tls::Required => {
                let authority = Authority::create(&folder, "authority")?;
                let certificate = authority.issue("mariadb", "IP:127.0.0.1")?;
                (Some(authority), Some(certificate))
            }
        };
        account.take_over(&folder)?;
        let files = Self { account, programs, folder, password, authority, certificate };
        let output = files.install().output().context("cannot run mariadb-install-db")?;
        ensure!(output.status.success(), "mariadb-install-db failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(files)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.account.command(&self.programs.join(program));
        command.env("LD_LIBRARY_PATH", self.programs.join("lib")).arg("--no-defaults");
        option(&mut command, "basedir", self.programs.display());
        option(&mut command, "datadir", self.folder.join("data").display());
        // In a folder that others use too, a server loses its temporary tables to one that starts.
        option(&mut command, "tmpdir", self.folder.join("temporary").display());
        command
    }

    fn install(&self) -> Command {
        let mut install = self.command("bin/mariadb-install-db");
        // Small files: they are thrown away.
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=4M"]);
        install
    }

    /// The command that serves the files on ports of 127.0.0.1, the second for one administrator.
    fn serve(&self, port: u16, extra_port: u16, settings: Settings) -> Command {
        let mut server = self.command("sbin/mariadbd");
        let mut set = |name: &str, value: &dyn Display| option(&mut server, name, value);
        set("bind-address", &"127.0.0.1");
        set("port", &port);
        set("extra-port", &extra_port);
        set("extra-max-connections", &1);
        set("socket", &self.folder.join("socket").display());
        set("pid-file", &self.folder.join("pid").display());
        set("init-file", &self.folder.join("init.sql").display());
        set("max-connections", &settings.max_connections);
        set("innodb-buffer-pool-size", &"16M");
        set("innodb-log-file-size", &"4M");
        // Nothing here has to survive the power going out.
        set("innodb-flush-log-at-trx-commit", &0);
        set("skip-name-resolve", &1);
        if let Some(pair) = &self.certificate {
            set("ssl-cert", &pair.certificate.display());
            set("ssl-key", &pair.key.display());
        }
        server
    }
}

fn option(command: &mut Command, name: &str, value: impl Display) {
    command.arg(format!("--{name}={value}"));
}
