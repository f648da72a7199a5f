//! What a signal said, or why it said nothing. Unknown is never zero.

use alloc::{format, string::String};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The newest answer of one signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Reading {
    /// The signal answered.
    Known {
        /// What it answered.
        load: Load,
        /// When the value was true at its source (for a CloudWatch period: its end), not when it arrived.
        at: Timestamp,
    },
    /// The signal did not answer, or what it answered cannot be used.
    Unknown {
        /// Why, as a condition reason.
        why: Unknown,
        /// The cause in words, naming what to mend.
        message: String,
    },
}

/// A value may be this far in our future before it is unusable: one CloudWatch period. Beyond it one of the two clocks is wrong, and
/// the value's age means nothing.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A percentage beyond this (ten thousand times what was reserved) is an error of its source.
pub const MAX_PERCENT: f64 = 1_000_000.0;

/// What a signal measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Load {
    /// Messages of a queue.
    Queue {
        /// Messages that may be received now (SQS `ApproximateNumberOfMessages`).
        visible: u64,
        /// Messages that a consumer holds (SQS `ApproximateNumberOfMessagesNotVisible`).
        in_flight: u64,
        /// Messages that become visible later (SQS `ApproximateNumberOfMessagesDelayed`).
        delayed: u64,
    },
    /// Mean use of what the replicas reserved, in percent; may exceed 100. Always finite and at least 0.
    Utilization {
        /// Percent of the reserved amount.
        percent: f64,
    },
}

/// Why a reading is unknown. The names are stable: they are condition reasons and metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unknown {
    /// No poll has finished yet.
    NotReadYet,
    /// The source does not exist (no such queue, service or metric).
    NotFound,
    /// The source refused us, or the operator's configuration does not allow it.
    Forbidden,
    /// The source asked us to slow down.
    Throttled,
    /// The source could not be reached in time.
    Unreachable,
    /// The source answered without a value.
    Empty,
    /// The source answered with something that is not a usable number.
    Invalid,
    /// The newest value is older than the trigger's limit.
    Stale,
}

impl Unknown {
    /// The reason as it stands in conditions and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotReadYet => "NotReadYet",
            Self::NotFound => "NotFound",
            Self::Forbidden => "Forbidden",
            Self::Throttled => "Throttled",
            Self::Unreachable => "Unreachable",
            Self::Empty => "Empty",
            Self::Invalid => "Invalid",
            Self::Stale => "Stale",
        }
    }
}

/// Why a reading leads to no number of replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Unread {
    /// Why, as a condition reason.
    pub why: Unknown,
    /// The cause in words.
    pub message: String,
}

impl Reading {
    /// The load and its age, if it is usable at `now` and at most `stale_after` old.
    ///
    /// # Errors
    /// Why it is unknown: as the source said, too old ([`Unknown::Stale`]), or not a usable number or time ([`Unknown::Invalid`]).
    pub fn fresh(&self, stale_after: SignedDuration, now: Timestamp) -> Result<(Load, SignedDuration), Unread> {
        let (load, at) = match self {
            Self::Known { load, at } => (*load, *at),
            Self::Unknown { why, message } => {
                return Err(Unread { why: *why, message: message.clone() });
            }
        };
        let age = now.duration_since(at);
        if age > stale_after {
            let message = format!("the newest value is {age:#} old, more than the {stale_after:#} allowed");
            return Err(Unread { why: Unknown::Stale, message });
        }
        if age < -CLOCK_SKEW {
            let message = format!("the newest value is of {at}, which is in the future: compare the clocks");
            return Err(Unread { why: Unknown::Invalid, message });
        }
        match load {
            Load::Utilization { percent } if !(0.0..=MAX_PERCENT).contains(&percent) => {
                let message = format!("the source gave {percent} percent, expected 0 to {MAX_PERCENT}");
                Err(Unread { why: Unknown::Invalid, message })
            }
            Load::Utilization { .. } | Load::Queue { .. } => Ok((load, age.max(SignedDuration::ZERO))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const LIMIT: SignedDuration = SignedDuration::from_secs(60);

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn utilization(percent: f64, age: i64) -> Result<(Load, SignedDuration), Unknown> {
        let at = now() - SignedDuration::from_secs(age);
        let reading = Reading::Known { load: Load::Utilization { percent }, at };
        reading.fresh(LIMIT, now()).map_err(|unread| unread.why)
    }

    #[test]
    fn a_value_is_usable_up_to_its_limit_and_stale_after_it() {
        assert!(utilization(50.0, 60).is_ok());
        assert_eq!(utilization(50.0, 61), Err(Unknown::Stale));
    }

    #[test]
    fn a_value_slightly_of_the_future_is_new_and_one_far_in_it_is_invalid() {
        assert_eq!(utilization(50.0, -60).unwrap().1, SignedDuration::ZERO);
        assert_eq!(utilization(50.0, -61), Err(Unknown::Invalid));
    }

    #[test]
    fn a_percentage_that_is_no_number_is_invalid() {
        for percent in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 1e308] {
            assert_eq!(utilization(percent, 0), Err(Unknown::Invalid), "{percent}");
        }
        assert!(utilization(0.0, 0).is_ok() && utilization(-0.0, 0).is_ok());
    }

    #[test]
    fn the_message_tells_ages_in_plain_units() {
        let reading = Reading::Known { load: Load::Utilization { percent: 1.0 }, at: now() - LIMIT - LIMIT };
        let unread = reading.fresh(LIMIT, now()).unwrap_err();
        assert_eq!(unread.to_string(), "the newest value is 2m old, more than the 1m allowed");
    }
}
