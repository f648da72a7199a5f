//! The programs that the bed starts: the scripts in `e2e/setup` put them into the user's cache folder.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;

/// A part of the set-up. Each has a script that builds or fetches it once and prints where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A folder with `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler` and `kwok`.
    ControlPlane,
    /// A folder with `kubectl` and `helm`.
    KubeClients,
    /// A folder for each major version of PostgreSQL, with its `bin`, `lib` and `share`.
    Postgres,
    /// A folder with `bin`, `sbin`, `lib` and `share` of MariaDB.
    MariaDb,
    /// The program `moto_server`.
    Moto,
}

impl Part {
    /// Where the part is. The script answers in some 20 ms when the part is cached and whole, and builds it when it is
    /// not: minutes for the control plane, so `make setup` does that beforehand.
    ///
    /// # Errors
    /// When the script fails; it has said why on standard error.
    pub async fn locate(self) -> Result<PathBuf> {
        spawn_blocking(move || self.ask_script()).await?
    }

    fn ask_script(self) -> Result<PathBuf> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/setup/").to_owned() + self.script();
        let output = Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {script}"))?;
        ensure!(output.status.success(), "{script} failed: {}", output.status);
        let path = String::from_utf8(output.stdout).with_context(|| format!("{script} printed no path"))?;
        Ok(PathBuf::from(path.trim_end()))
    }

    const fn script(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane.sh",
            Self::KubeClients => "kube-clients.sh",
            Self::Postgres => "postgres.sh",
            Self::MariaDb => "mariadb.sh",
            Self::Moto => "moto.sh",
        }
    }
}
