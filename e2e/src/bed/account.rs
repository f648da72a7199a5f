//! Who runs a database server: neither PostgreSQL nor MariaDB likes to be root.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::geteuid;

use super::process::{Signal, supervised_with};

/// Ends a server at once. After a SIGKILL PostgreSQL's shared memory would stay in the kernel.
pub(super) const IMMEDIATE_SHUTDOWN: Signal = Signal::QUIT;

/// The user that the server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// We are not root: the server runs as we do.
    Ours,
    /// We are root: it runs as the user nobody.
    Nobody { user: u32, group: u32 },
}

impl Account {
    pub(super) fn for_server() -> Result<Self> {
        if geteuid().is_root() {
            Ok(Self::Nobody { user: id("--user")?, group: id("--group")? })
        } else {
            Ok(Self::Ours)
        }
    }

    /// A folder of programs that the account can run. The cache may lie in the home of root, which nobody cannot enter,
    /// so root copies some 60 MB into `folder`: a tenth of a second.
    pub(super) fn reachable(self, programs: &Path, folder: &Path) -> Result<PathBuf> {
        if self == Self::Ours {
            return Ok(programs.to_owned());
        }
        let copy = folder.join("programs");
        run(Command::new("cp").arg("--recursive").arg(programs).arg(&copy))?;
        Ok(copy)
    }

    /// Gives a folder and all that is in it to the account.
    pub(super) fn take_over(self, folder: &Path) -> Result<()> {
        match self {
            Self::Ours => Ok(()),
            Self::Nobody { user, group } => {
                give(folder, user, group)?;
                run(self.command(Path::new("test")).arg("-x").arg(folder)).with_context(|| {
                    format!("nobody cannot enter {}: let TMPDIR name another place", folder.display())
                })?;
                Ok(())
            }
        }
    }

    /// A command that runs as the account. When we die it gets [`IMMEDIATE_SHUTDOWN`].
    pub(super) fn command(self, program: &Path) -> Command {
        const DEATH: &str = "--pdeathsig=QUIT";
        match self {
            Self::Ours => supervised_with([DEATH], program),
            Self::Nobody { user, group } => {
                let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
                supervised_with([DEATH, &user, &group, "--clear-groups"], program)
            }
        }
    }
}

fn give(path: &Path, user: u32, group: u32) -> Result<()> {
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user, group)?;
        }
    }
    lchown(path, Some(user), Some(group)).with_context(|| format!("cannot change the owner of {}", path.display()))
}

/// The number of the user nobody, or of its group.
fn id(which: &str) -> Result<u32> {
    let output = run(Command::new("id").args([which, "nobody"]))?;
    output.trim().parse().with_context(|| format!("id {which} nobody printed {output:?}"))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
