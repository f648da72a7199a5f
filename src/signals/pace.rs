//! When a source is polled next. Pure: chance is an argument.

use std::time::Duration;

use hybridscaler_core::reading::{Reading, Unknown};

/// The first poll of a source comes within this time (or its interval, if that is shorter): soon, yet not all sources at once.
const FIRST_WITHIN: Duration = Duration::from_secs(1);
/// A failing source is polled at least every so many intervals …
const LONGEST_FACTOR: u32 = 8;
/// … and at least this often, unless its interval is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(120);

/// The pace of one source.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Polls since the start.
    polls: u64,
    /// Polls without an answer since the last one with one.
    failures: u32,
}

impl Pace {
    /// How long to wait before the first poll; `chance` is drawn evenly from 0 to 1.
    pub(super) fn first(interval: Duration, chance: f64) -> Duration {
        interval.min(FIRST_WITHIN).mul_f64(chance)
    }

    /// How long after the start of a poll that gave `reading` the next one starts.
    pub(super) fn next(&mut self, reading: &Reading, interval: Duration, chance: f64) -> Duration {
        self.polls += 1;
        if !failed(reading) {
            self.failures = 0;
            // All first polls are crowded into a moment: the second one spreads the sources over the interval.
            return if self.polls == 1 {
                interval.mul_f64(chance)
            } else {
                interval
            };
        }
        self.failures = self.failures.saturating_add(1);
        let factor = 2_u32.saturating_pow(self.failures).min(LONGEST_FACTOR);
        let longest = interval
            .saturating_mul(factor)
            .min(LONGEST_BACKOFF)
            .max(interval);
        interval + (longest - interval).mul_f64(chance)
    }
}

/// A source that answers without a value works: it is not spared.
fn failed(reading: &Reading) -> bool {
    match reading {
        Reading::Known { .. } => false,
        Reading::Unknown { why, .. } => !matches!(why, Unknown::Empty),
    }
}
