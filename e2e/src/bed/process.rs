//! A program of the bed: it writes to a log file of its own, and never outlives us.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

pub use rustix::process::Signal;

/// A command that the kernel kills when we die; add arguments and environment as to any other, then [`Process::spawn`].
pub fn supervised(program: impl AsRef<OsStr>) -> Command {
    supervised_with(["--pdeathsig=KILL"], program)
}

/// The same with options of setpriv(1): which signal at our death, which user. One call must take both, since a change
/// of user clears the signal.
pub(super) fn supervised_with<const N: usize>(options: [&str; N], program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(options).arg("--").arg(program);
    command
}

/// A running program and its log. Dropping it kills its process group and waits for its end.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    pid: Pid,
    killed_by: Signal,
    ended: watch::Receiver<Option<ExitStatus>>,
    guardian: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `command`, which [`supervised`] made, in a process group of its own. Both of its outputs go to
    /// `LOGS/NAME.log`, after what is there already.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be run.
    pub fn spawn(name: &str, mut command: Command, logs: &Path) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);

        let (started, pid) = mpsc::channel();
        let (end, ended) = watch::channel(None);
        let guardian =
            thread::Builder::new().name(format!("guardian of {name}")).spawn(move || guard(command, &started, &end))?;
        let pid = pid.recv().context("the guardian ended early")?.with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), log, pid, killed_by: Signal::KILL, ended, guardian: Some(guardian) })
    }

    /// The same program, with another signal than SIGKILL to end it when it is dropped: one that surely ends it.
    pub(super) fn killed_by(mut self, signal: Signal) -> Self {
        self.killed_by = signal;
        self
    }

    /// The process number.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The name that its log has.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the program's output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How the program ended; `None` while it runs.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Waits until the program ends, and says how.
    ///
    /// # Errors
    /// When the end of the program cannot be observed.
    pub async fn wait(&self) -> Result<ExitStatus> {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.with_context(|| format!("lost sight of {}", self.name))?;
        (*status).with_context(|| format!("lost sight of {}", self.name))
    }

    /// Sends a signal to the program and all that it started. A program that has ended gets none.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        // The guardian reaps the program under this lock: as long as we hold it, the number is not somebody else's.
        let ended = self.ended.borrow();
        if ended.is_some() { Ok(()) } else { Ok(kill_process_group(self.pid, signal)?) }
    }

    /// Waits until `probe` holds, asking again every 20 ms.
    ///
    /// # Errors
    /// When the program ends first or `within` has passed; the end of its log is part of the message.
    pub async fn ready(&self, within: Duration, probe: impl AsyncFn() -> bool) -> Result<()> {
        let deadline = Instant::now() + within;
        while !probe().await {
            if let Some(status) = self.exit_status() {
                bail!("{} ended ({status}) before it was ready:\n{}", self.name, self.last_words());
            }
            if Instant::now() > deadline {
                bail!("{} is not ready after {within:?}:\n{}", self.name, self.last_words());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The last lines of the log and where to read more.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<_> = log.lines().rev().take(10).collect();
        lines.reverse();
        format!("{}\n(from {})", lines.join("\n"), self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing else to do, when either fails.
        let _ = self.signal(self.killed_by);
        if let Some(guardian) = self.guardian.take() {
            let _ = guardian.join();
        }
    }
}

/// Starts the program, and tells when it has ended. The kernel sends the signal of `--pdeathsig` when the *thread* that
/// forked ends, so each program gets a thread that lives as long as it does: a test's own thread ends with the test.
fn guard(mut command: Command, started: &mpsc::Sender<io::Result<Pid>>, ended: &watch::Sender<Option<ExitStatus>>) {
    // The other side waits for this message, and always takes it.
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(started.send(Err(error))),
    };
    let pid = Pid::from_child(&child);
    let _ = started.send(Ok(pid));
    let _ = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
    ended.send_modify(|status| *status = child.wait().ok());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = supervised("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_program_that_ends_before_it_is_ready_is_quoted() {
        let logs = tempfile::tempdir().unwrap();
        let process = Process::spawn("broken", sh("echo no such flag >&2; exit 3"), logs.path()).unwrap();
        let error = process.ready(Duration::from_mins(1), async || false).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("no such flag"), "{error}");
    }

    #[tokio::test]
    async fn a_signal_reaches_the_program_and_its_end_is_told() {
        let logs = tempfile::tempdir().unwrap();
        let process =
            Process::spawn("patient", sh("trap 'exit 7' TERM; echo up; while :; do sleep 1; done"), logs.path())
                .unwrap();
        process.ready(Duration::from_mins(1), async || process.last_words().contains("up")).await.unwrap();
        assert_eq!(process.exit_status(), None);
        process.signal(Signal::TERM).unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(7));
    }

    #[test]
    fn a_program_outlives_the_thread_that_asked_for_it_and_dies_with_its_handle() {
        let logs = tempfile::tempdir().unwrap();
        let folder = logs.path().to_owned();
        let process =
            thread::spawn(move || Process::spawn("lasting", sh("sleep 1000 & wait"), &folder).unwrap()).join().unwrap();
        let proc = PathBuf::from(format!("/proc/{}", process.id()));
        assert_eq!(process.exit_status(), None);
        assert!(proc.exists());
        drop(process);
        assert!(!proc.exists());
    }
}
