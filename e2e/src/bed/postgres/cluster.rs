//! The files of a server, and the command that serves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::super::account::Account;
use super::super::keys::{Authority, KeyPair};
use super::super::run::Run;
use super::super::secret;
use super::{SUPERUSER, SUPERUSER_RESERVED_CONNECTIONS, Settings, Tls, Version};

/// Time, process, SQLSTATE, role: what `Postgres::refusals` reads.
const LOG_LINE_PREFIX: &str = "%m [%p] %e %u ";

/// The files of a server that does not run yet.
pub(super) struct Cluster {
    account: Account,
    programs: PathBuf,
    folder: PathBuf,
    pub(super) password: String,
    pub(super) authority: Option<Authority>,
    certificate: Option<KeyPair>,
}

impl Cluster {
    /// Writes all files and runs initdb.
    pub(super) fn create(run: &Run, name: &str, programs: &Path, settings: Settings) -> Result<Self> {
        let account = Account::for_server()?;
        let folder = run.data(name)?;
        let programs = account.reachable(programs, &folder)?;
        let password = secret();
        fs::write(folder.join("password"), &password)?;
        let local = "127.0.0.1/32 scram-sha-256";
        let (authority, certificate, others) = match settings.tls {
            Tls::Off => (None, None, "host"),
            Tls::Required => {
                let authority = Authority::create(&folder, "authority")?;
                let certificate = authority.issue("postgres", "IP:127.0.0.1,DNS:localhost")?;
                (Some(authority), Some(certificate), "hostssl")
            }
        };
        fs::write(folder.join("pg_hba.conf"), format!("host all {SUPERUSER} {local}\n{others} all all {local}\n"))?;
        account.take_over(&folder)?;

        let cluster = Self { account, programs, folder, password, authority, certificate };
        let output = cluster.initdb().output().context("cannot run initdb")?;
        ensure!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(cluster)
    }

    fn initdb(&self) -> Command {
        let mut initdb = self.account.command(&self.programs.join("bin/initdb"));
        initdb
            .args([
                "--username",
                SUPERUSER,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--pgdata",
            ])
            .arg(self.folder.join("cluster"))
            .arg("--pwfile")
            .arg(self.folder.join("password"));
        initdb
    }

    /// The command that serves the files on a port of 127.0.0.1.
    pub(super) fn serve(&self, port: u16, settings: Settings) -> Command {
        let mut server = self.account.command(&self.programs.join("bin/postgres"));
        let mut set = |name: &str, value: &dyn std::fmt::Display| {
            server.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", &"127.0.0.1");
        set("port", &port);
        set("unix_socket_directories", &"");
        set("hba_file", &self.folder.join("pg_hba.conf").display());
        set("max_connections", &settings.max_connections);
        set("superuser_reserved_connections", &SUPERUSER_RESERVED_CONNECTIONS);
        if settings.version >= Version::V16 {
            set("reserved_connections", &settings.reserved_connections);
            // The default of 4,096 costs an unoptimized client 23 ms of CPU a login, and a test opens thousands.
            set("scram_iterations", &1);
        }
        if let Some(reserved) = settings.rds_superuser_reserved_connections {
            set("rds.rds_superuser_reserved_connections", &reserved);
        }
        set("log_line_prefix", &LOG_LINE_PREFIX);
        if settings.version >= Version::V18 {
            set("log_connections", &"authorization");
        }
        // Nothing here has to survive the power going out.
        for safety in ["fsync", "full_page_writes", "synchronous_commit"] {
            set(safety, &"off");
        }
        if let Some(pair) = &self.certificate {
            set("ssl", &"on");
            set("ssl_cert_file", &pair.certificate.display());
            set("ssl_key_file", &pair.key.display());
        }
        server.arg("-D").arg(self.folder.join("cluster"));
        server
    }
}
