//! The time that a reconcile goes by, and the chance in how long it waits: both the machine's, but in a simulation.

use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt;

/// The time and the chance.
pub(super) trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Somewhat less than `whole`, half of it at least: what failed together must not come back together.
    fn jitter(&self, whole: Duration) -> Duration;
}

/// The machine's own.
pub(super) struct Machine;

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn jitter(&self, whole: Duration) -> Duration {
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}
