//! When a source is polled next. Pure: chance is an argument.

use std::time::Duration;

use hybridscaler_core::reading::{Reading, Unknown};

/// The first poll of a source comes within this time (or its interval, if that is shorter): soon, yet not all sources
/// at once.
const FIRST_WITHIN: Duration = Duration::from_secs(1);
/// A failing source is polled at least every so many intervals …
const LONGEST_FACTOR: u32 = 8;
/// … and at least this often, unless its interval is longer.
const LONGEST_BACKOFF: Duration = Duration::from_mins(2);

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
            return if self.polls == 1 { interval.mul_f64(chance) } else { interval };
        }
        self.failures = self.failures.saturating_add(1);
        let factor = 2_u32.saturating_pow(self.failures).min(LONGEST_FACTOR);
        let longest = interval.saturating_mul(factor).min(LONGEST_BACKOFF).max(interval);
        interval + longest.saturating_sub(interval).mul_f64(chance)
    }
}

/// A source that answers without a value works: it is not spared.
fn failed(reading: &Reading) -> bool {
    match reading {
        Reading::Known { .. } => false,
        Reading::Unknown(unread) => unread.why != Unknown::Empty,
    }
}

#[cfg(test)]
mod tests {
    use hybridscaler_core::reading::Load;
    use jiff::Timestamp;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn known() -> Reading {
        Reading::Known { load: Load::Utilization { percent: 50.0 }, at: Timestamp::UNIX_EPOCH }
    }

    fn unknown(why: Unknown) -> Reading {
        Reading::unknown(why, "")
    }

    /// The earliest and the latest next poll of a source after each of `readings`.
    fn paces(interval: Duration, readings: &[Reading]) -> Vec<(Duration, Duration)> {
        let (mut lucky, mut unlucky) = (Pace::default(), Pace::default());
        readings
            .iter()
            .map(|reading| (lucky.next(reading, interval, 0.0), unlucky.next(reading, interval, 1.0)))
            .collect()
    }

    fn seconds(from: u64, to: u64) -> (Duration, Duration) {
        (Duration::from_secs(from), Duration::from_secs(to))
    }

    #[test]
    fn the_first_poll_comes_within_a_second_or_the_interval() {
        assert_eq!(Pace::first(INTERVAL, 0.0), Duration::ZERO);
        assert_eq!(Pace::first(INTERVAL, 1.0), Duration::from_secs(1));
        assert_eq!(Pace::first(Duration::from_millis(200), 1.0), Duration::from_millis(200));
    }

    #[test]
    fn the_second_poll_spreads_over_the_interval_and_the_others_keep_it() {
        let expected = [seconds(0, 10), seconds(10, 10), seconds(10, 10)];
        assert_eq!(paces(INTERVAL, &[known(), known(), known()]), expected);
    }

    #[test]
    fn a_failing_source_is_polled_less_and_less_but_within_eight_intervals() {
        let failures = vec![unknown(Unknown::Unreachable); 5];
        assert_eq!(
            paces(INTERVAL, &failures),
            [seconds(10, 20), seconds(10, 40), seconds(10, 80), seconds(10, 80), seconds(10, 80)]
        );
    }

    #[test]
    fn no_back_off_is_longer_than_two_minutes_unless_the_interval_is() {
        let failures = vec![unknown(Unknown::Throttled); 40];
        let longest = |interval| paces(Duration::from_secs(interval), &failures).last().copied();
        assert_eq!(longest(60), Some(seconds(60, 120)));
        assert_eq!(longest(300), Some(seconds(300, 300)));
    }

    #[test]
    fn one_answer_ends_the_back_off() {
        let readings =
            [known(), unknown(Unknown::Forbidden), unknown(Unknown::Forbidden), known(), unknown(Unknown::NotFound)];
        let expected = [seconds(0, 10), seconds(10, 20), seconds(10, 40), seconds(10, 10), seconds(10, 20)];
        assert_eq!(paces(INTERVAL, &readings), expected);
    }

    #[test]
    fn a_source_without_a_value_works_and_keeps_its_interval() {
        let readings = vec![unknown(Unknown::Empty); 3];
        assert_eq!(paces(INTERVAL, &readings), [seconds(0, 10), seconds(10, 10), seconds(10, 10)]);
    }
}
