//! The real parts that tests and the demo stand on.

mod account;
pub mod control_plane;
pub mod keys;
pub mod mariadb;
pub mod metrics_apis;
pub mod port;
pub mod postgres;
pub mod process;
pub mod run;
pub mod tools;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::sync::OnceCell;

use self::control_plane::ControlPlane;
use self::mariadb::MariaDb;
use self::postgres::{Postgres, Settings};
use self::run::{Claim, Run};

/// What one test, or the demo, works with: a control plane, a namespace of its own on it, and databases on demand.
///
/// The logs of every part are kept, and their folder is printed, when the bed is dropped by a panic, when it is never
/// dropped, or when [`Bed::keep`] says so. Otherwise nothing is left.
#[derive(Debug)]
pub struct Bed {
    /// The control plane.
    pub control_plane: Arc<ControlPlane>,
    /// A namespace that nobody else uses.
    pub namespace: String,
    claim: Claim,
    run: Arc<Run>,
}

/// The run that all tests of a test binary share. A static is never dropped: its processes die with ours, and the
/// run's janitor removes its folders then.
static SHARED: OnceCell<(Arc<Run>, Arc<ControlPlane>)> = OnceCell::const_new();

/// Tells the namespaces of one process apart.
static BEDS: AtomicUsize = AtomicUsize::new(0);

impl Bed {
    /// A bed on the control plane that all tests of this binary share; the first to ask starts it. The namespace begins
    /// with `label`.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn shared(label: &str) -> Result<Self> {
        let (run, control_plane) = SHARED.get_or_try_init(|| start(&[])).await?;
        Self::lay(run, control_plane, label).await
    }

    /// A bed with a control plane of its own, which ends when the bed is dropped.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn own(label: &str) -> Result<Self> {
        Self::own_with(label, &[]).await
    }

    /// As [`Bed::own`], with more flags for its kube-controller-manager.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn own_with(label: &str, manager_flags: &[&str]) -> Result<Self> {
        let (run, control_plane) = start(manager_flags).await?;
        Self::lay(&run, &control_plane, label).await
    }

    async fn lay(run: &Arc<Run>, control_plane: &Arc<ControlPlane>, label: &str) -> Result<Self> {
        let namespace = format!("{label}-{}", BEDS.fetch_add(1, Ordering::Relaxed));
        let mut claim = run.claim()?;
        claim.keep_if_error(control_plane.create_namespace(&namespace).await)?;
        Ok(Self { control_plane: Arc::clone(control_plane), namespace, claim, run: Arc::clone(run) })
    }

    /// Starts a database in this run. Its log has `name` in its own, so no two of a test binary may be called the same.
    ///
    /// # Errors
    /// When the server does not come up.
    pub async fn postgres(&self, name: &str, settings: Settings) -> Result<Postgres> {
        Postgres::start(Arc::clone(&self.run), name, settings).await
    }

    /// Starts another MariaDB.
    ///
    /// # Errors
    /// As [`MariaDb::start`].
    pub async fn mariadb(&self, name: &str, settings: mariadb::Settings) -> Result<MariaDb> {
        MariaDb::start(Arc::clone(&self.run), name, settings).await
    }

    /// The folders of the run, for more parts.
    pub fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// Where each part writes its log.
    pub fn logs(&self) -> &Path {
        self.run.logs()
    }

    /// Keeps the logs for good, and prints where they are.
    pub fn keep(&mut self) {
        self.claim.keep();
    }
}

async fn start(manager_flags: &[&str]) -> Result<(Arc<Run>, Arc<ControlPlane>)> {
    let run = Arc::new(Run::create()?);
    let mut claim = run.claim()?;
    let control_plane = claim.keep_if_error(ControlPlane::start(Arc::clone(&run), manager_flags).await)?;
    Ok((run, Arc::new(control_plane)))
}

/// A password or token that nobody can guess and no quoting can break.
fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}
