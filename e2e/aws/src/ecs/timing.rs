//! How long what takes.

use std::time::Duration;

/// How long the model stays in the states that time alone ends. All of it is zero unless set: a task is then as fast
/// as its runner.
///
/// The real service's figures, where known: [`healthy_after`](Self::healthy_after) is 40 s for a task without health
/// check and load balancer (API reference of `DeploymentConfiguration`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timing {
    /// In PROVISIONING: the network interface is attached.
    pub provisioning: Duration,
    /// In ACTIVATING: the task is registered with what sends it load.
    pub activating: Duration,
    /// In RUNNING before the task counts as healthy in a deployment.
    pub healthy_after: Duration,
    /// In DEACTIVATING: the deregistration delay; the container works on and is not told yet.
    pub deactivating: Duration,
    /// In DEPROVISIONING: the container is gone, the network interface is detached.
    pub deprovisioning: Duration,
    /// Between a task that failed to start and the next attempt.
    pub restart: Backoff,
    /// The built-in runner: in PENDING, from the order to start until the container runs.
    pub start: Duration,
    /// The built-in runner: in STOPPING, from SIGTERM until the container exits; killed when longer than its grace.
    pub stop: Duration,
}

/// A wait that doubles with each failure in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub most: Duration,
}

impl Default for Backoff {
    /// At most 15 minutes, as the service throttle logic has it; its first wait is not documented.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), most: Duration::from_mins(15) }
    }
}

impl Backoff {
    /// The wait after so many failures in a row.
    pub(super) fn after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_maximum() {
        let waits: Vec<_> = [1, 2, 3, 10, 11, u32::MAX].map(|n| Backoff::default().after(n).as_secs()).to_vec();
        assert_eq!(waits, [1, 2, 4, 512, 900, 900]);
    }
}
