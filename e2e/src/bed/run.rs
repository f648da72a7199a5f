//! The folders of one run: logs that stay when it failed, data that never does.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

/// The two folders of a run. They go when the value is dropped or the process ends, in whatever way it ends; the logs
/// stay when a [`Claim`] was not settled.
#[derive(Debug)]
pub struct Run {
    logs: PathBuf,
    data: PathBuf,
    janitor: Child,
    claims: AtomicUsize,
}

impl Run {
    /// Makes the folders: `e2e/.runs/TIME-PID-…` for the logs, one under the system's temporary folder for the data.
    ///
    /// # Errors
    /// When one of the folders cannot be made.
    pub fn create() -> Result<Self> {
        let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join(".runs");
        DirBuilder::new().recursive(true).create(&runs).with_context(|| format!("cannot create {}", runs.display()))?;
        let name = format!("{}-{}-", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id());
        let logs = tempfile::Builder::new().prefix(&name).tempdir_in(&runs)?;
        let data = tempfile::Builder::new().prefix("hybridscaler-e2e-").tempdir()?;
        // Other users may pass through, since PostgreSQL runs as nobody when we are root, but not look around.
        fs::set_permissions(data.path(), Permissions::from_mode(0o711))?;
        let janitor = janitor(logs.path(), data.path()).context("cannot start sh, which cleans up after the run")?;
        Ok(Self { logs: logs.keep(), data: data.keep(), janitor, claims: AtomicUsize::new(0) })
    }

    /// Where each part writes its log.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// A new folder for the data of one part, which only the current user may enter.
    ///
    /// # Errors
    /// When the folder cannot be made, for example because the name is taken.
    pub fn data(&self, name: &str) -> Result<PathBuf> {
        let path = self.data.join(name);
        DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(path)
    }

    /// Keeps the logs unless the claim is dropped without a panic.
    ///
    /// # Errors
    /// When the marker file cannot be written.
    pub fn claim(self: &Arc<Self>) -> Result<Claim> {
        let number = self.claims.fetch_add(1, Ordering::Relaxed);
        let marker = self.logs.join(format!("{UNSETTLED}{number}"));
        fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))?;
        Ok(Claim { marker: Some(marker), _run: Arc::clone(self) })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The closed pipe is the janitor's sign to begin; a janitor that cannot be waited for still does its work.
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// Somebody who needs the logs until they know that all went well: as long as one claim of a run is not settled, its
/// logs are kept. So they survive a failed test, and a hung one that was killed.
#[derive(Debug)]
#[must_use = "a claim that is dropped at once claims nothing"]
pub struct Claim {
    marker: Option<PathBuf>,
    /// Keeps the janitor waiting until the marker is gone.
    _run: Arc<Run>,
}

impl Claim {
    /// Passes a result through, and keeps the logs when it is an error.
    ///
    /// # Errors
    /// The one it was given.
    pub fn keep_if_error<T>(&mut self, result: Result<T>) -> Result<T> {
        result.inspect_err(|_| self.keep())
    }

    /// Leaves the claim open for good: the logs stay.
    pub fn keep(&mut self) {
        if let Some(marker) = self.marker.take() {
            let logs = marker.parent().unwrap_or(&marker);
            eprintln!("the logs of every part are kept in {}", logs.display());
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep();
        } else if let Some(marker) = &self.marker {
            // Failing to remove it keeps logs that nobody needs, no more.
            let _ = fs::remove_file(marker);
        }
    }
}

/// How the marker files of claims begin.
const UNSETTLED: &str = "unsettled-";

/// Starts the process that outlives us and removes what we leave. It waits for the end of its input, which comes when
/// we end, even by SIGKILL; its own process group keeps it out of reach of Ctrl-C. The parts die with us, but may
/// write a last file while their folder is being removed, hence the loop.
fn janitor(logs: &Path, data: &Path) -> std::io::Result<Child> {
    const SCRIPT: &str = r#"
        read -r _
        for _ in $(seq 100); do rm -rf "$2" 2>/dev/null && break; sleep 0.1; done
        ls "$1/$3"* >/dev/null 2>&1 || rm -rf "$1"
    "#;
    Command::new("sh")
        .args(["-c", SCRIPT, "janitor"])
        .args([logs, data])
        .arg(UNSETTLED)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_settled_run_leaves_nothing() {
        let run = Arc::new(Run::create().unwrap());
        let (logs, data) = (run.logs().to_owned(), run.data("part").unwrap());
        let claim = run.claim().unwrap();
        drop(run);
        drop(claim);
        assert!(!logs.exists());
        assert!(!data.exists());
    }

    #[test]
    fn the_logs_of_a_test_that_panicked_are_kept_and_its_data_is_not() {
        let run = Arc::new(Run::create().unwrap());
        let (logs, data) = (run.logs().to_owned(), run.data("part").unwrap());
        let claim = run.claim().unwrap();
        let settled = run.claim().unwrap();
        std::thread::spawn(move || {
            let _claim = claim;
            std::panic::resume_unwind(Box::new("a failed assertion"));
        })
        .join()
        .unwrap_err();
        drop(settled);
        drop(run);
        assert!(logs.exists());
        assert!(!data.exists());
        fs::remove_dir_all(logs).unwrap();
    }
}
