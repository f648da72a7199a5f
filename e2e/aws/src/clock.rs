//! The model's time: monotonic inside, so that tests may pause it; wall-clock where AWS shows a date.

use jiff::Timestamp;
use tokio::time::{Duration, Instant};

/// Maps the runtime's monotonic time onto dates. Under `tokio::time::pause` the dates stand still with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Timestamp,
}

impl Clock {
    /// A clock that shows the system's date now.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), started_at: Timestamp::now() }
    }

    /// The date of an instant; the last representable one when the sum overflows.
    pub(crate) fn date(&self, at: Instant) -> Timestamp {
        let elapsed = at.saturating_duration_since(self.started);
        self.started_at.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The date of an instant as Unix seconds with millisecond precision, the form of AWS JSON 1.1 and CBOR.
    pub(crate) fn seconds(&self, at: Instant) -> f64 {
        let elapsed = at.saturating_duration_since(self.started);
        let started = Duration::from_millis(u64::try_from(self.started_at.as_millisecond()).unwrap_or_default());
        Duration::from_millis(u64::try_from((started + elapsed).as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
    }
}
