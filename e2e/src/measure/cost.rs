//! What the operator takes of its machine while nothing happens, as the kernel counts it.

use std::{fs, str::FromStr, time::Duration};

use anyhow::{Context, Result};
use tokio::time::sleep;

/// For how long nothing happens.
pub(super) const REST: Duration = Duration::from_mins(1);

/// The unit of times in `/proc/PID/stat`: `USER_HZ`, which is 100 on every platform that the test bed runs on.
const TICK: Duration = Duration::from_millis(10);

/// What a process took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Resident memory at the end of [`REST`], in KiB.
    pub(super) resident: u64,
    /// The most that was ever resident, in KiB.
    pub(super) peak: u64,
    /// Processor time within [`REST`], of all threads, in user and kernel mode; a multiple of 10 ms.
    pub(super) cpu: Duration,
}

impl Cost {
    /// Lets the process `id` alone for [`REST`], and reads what it took.
    ///
    /// # Errors
    ///
    /// The process ended.
    pub(super) async fn at_rest(id: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{id}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let before = cpu(&read("stat")?)?;
        sleep(REST).await;
        let cpu = cpu(&read("stat")?)?.saturating_sub(before);
        let status = read("status")?;
        Ok(Self { resident: kib(&status, "VmRSS")?, peak: kib(&status, "VmHWM")?, cpu })
    }
}

/// The processor time in the text of `/proc/PID/stat`: the 14th and the 15th field, `utime` and `stime`.
fn cpu(stat: &str) -> Result<Duration> {
    // The second field is the program's name in brackets, which may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("/proc/PID/stat has no program name")?;
    let ticks: Vec<_> = rest.split_whitespace().skip(11).take(2).map(u32::from_str).collect::<Result<_, _>>()?;
    let [user, system] = ticks[..] else { anyhow::bail!("/proc/PID/stat ends before stime") };
    Ok(TICK * user.saturating_add(system))
}

/// A value in the text of `/proc/PID/status`, in KiB.
fn kib(status: &str, field: &str) -> Result<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
    let value = value.with_context(|| format!("/proc/PID/status has no {field} in kB"))?;
    value.parse().with_context(|| format!("{field} is {value:?}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn processor_time_is_that_of_user_and_kernel_mode_whatever_the_programs_name() {
        let stat = "71 (a b) c) S 1 71 71 0 -1 4194560 900 0 3 0 120 34 5 6 20 0 4 0 100 9 9";
        assert_eq!(cpu(stat).unwrap(), Duration::from_millis(1_540));
        cpu("71 (operator) S 1 71 71 0 -1 4194560 900 0 3 0 120").unwrap_err();
    }

    #[test]
    fn memory_is_found_by_its_whole_name() {
        let status = "VmRSSMax:\t  900 kB\nVmHWM:\t   40 kB\nVmRSS:\t   38 kB\nThreads:\t4\n";
        assert_eq!((kib(status, "VmRSS").unwrap(), kib(status, "VmHWM").unwrap()), (38, 40));
        kib(status, "VmSwap").unwrap_err();
        kib(status, "Threads").unwrap_err();
    }
}
