//! What a signal said, or why it said nothing. Unknown is never zero.

use alloc::{format, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The newest answer of one signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state", deny_unknown_fields)]
pub enum Reading {
    /// The signal answered.
    Known {
        /// What it answered.
        load: Load,
        /// When the value was true at its source (for a CloudWatch period: its end), not when it arrived.
        at: Timestamp,
    },
    /// The signal did not answer, or what it answered cannot be used.
    Unknown(Unread),
}

/// A value may be this far in our future before it is unusable: one CloudWatch period. Beyond it one of the two clocks is wrong, and
/// the value's age means nothing.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A percentage beyond this (ten thousand times what was reserved) is an error of its source.
pub const MAX_PERCENT: f64 = 1_000_000.0;

/// What a signal measures. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
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
    /// What each pod of the target uses of one resource, as the metrics API has it, and the pods' states, which say how far to trust it.
    Pods {
        /// Which resource.
        resource: Resource,
        /// The pods of the target's selector.
        pods: Arc<[Pod]>,
    },
    /// An amount that all replicas share, such as the sum of an external metric's series.
    Value {
        /// Thousandths of its unit.
        milli: u64,
    },
}

/// A resource that pods use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// CPU: what a pod uses while it starts says nothing about its load.
    Cpu,
    /// Any other.
    Other,
}

/// One pod and its use of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pod {
    /// Its phase.
    pub phase: Phase,
    /// Whether it has a deletion timestamp.
    #[serde(default)]
    pub deleting: bool,
    /// When the kubelet acknowledged it (`status.startTime`).
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// Its condition `Ready`; none before it has one.
    #[serde(default)]
    pub ready: Option<Ready>,
    /// What its containers request of the resource together, in thousandths of its unit.
    #[serde(default)]
    pub request_milli: Option<u64>,
    /// What it uses; none when the metrics API does not have it.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// `status.phase` of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Phase {
    /// Accepted, not all containers run.
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, at least one badly.
    Failed,
    /// Its node does not answer.
    Unknown,
}

/// A pod's condition `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ready {
    /// Whether it is true.
    pub ready: bool,
    /// Since when (`lastTransitionTime`).
    pub since: Timestamp,
}

/// A pod's use of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Usage {
    /// Thousandths of its unit.
    pub milli: u64,
    /// End of the window that it was measured over.
    pub at: Timestamp,
    /// That window.
    pub window: SignedDuration,
}

/// Why a reading is unknown. The names are stable: they are condition reasons and metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[error("{message}")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unread {
    /// Why, as a condition reason.
    pub why: Unknown,
    /// The cause in words, naming what to mend.
    #[serde(default = "no_words")]
    pub message: Arc<str>,
    /// When the present row of failed polls began; none before a poll has failed.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Failed polls in that row.
    #[serde(default)]
    pub failures: u32,
}

fn no_words() -> Arc<str> {
    Arc::from("")
}

impl Unread {
    /// A cause without the row of failures that it stands in.
    pub fn new(why: Unknown, message: impl Into<Arc<str>>) -> Self {
        Self { why, message: message.into(), since: None, failures: 0 }
    }
}

impl Reading {
    /// A signal that did not answer, for the first time or for a number of times that the caller counts.
    pub fn unknown(why: Unknown, message: impl Into<Arc<str>>) -> Self {
        Self::Unknown(Unread::new(why, message))
    }

    /// Why it says nothing; `None` when it says something.
    pub const fn why(&self) -> Option<Unknown> {
        match self {
            Self::Known { .. } => None,
            Self::Unknown(unread) => Some(unread.why),
        }
    }

    /// The load and its age, if it is usable at `now` and at most `stale_after` old.
    ///
    /// # Errors
    /// Why it is unknown: as the source said, too old ([`Unknown::Stale`]), or not a usable number or time ([`Unknown::Invalid`]).
    /// A value that is too old has had its time already: it counts as having failed often enough for any fallback.
    pub fn fresh(&self, stale_after: SignedDuration, now: Timestamp) -> Result<(&Load, SignedDuration), Unread> {
        let (load, at) = match self {
            Self::Known { load, at } => (load, *at),
            Self::Unknown(unread) => return Err(unread.clone()),
        };
        let age = now.duration_since(at);
        if age > stale_after {
            let message = format!("the newest value is {age:#} old, more than the {stale_after:#} allowed");
            let since = Some(at.checked_add(stale_after).unwrap_or(now));
            return Err(Unread { since, failures: u32::MAX, ..Unread::new(Unknown::Stale, message) });
        }
        if age < -CLOCK_SKEW {
            let message = format!("the newest value is of {at}, which is in the future: compare the clocks");
            return Err(Unread::new(Unknown::Invalid, message));
        }
        match load {
            Load::Utilization { percent } if !(0.0..=MAX_PERCENT).contains(percent) => {
                let message = format!("the source gave {percent} percent, expected 0 to {MAX_PERCENT}");
                Err(Unread::new(Unknown::Invalid, message))
            }
            _ => Ok((load, age.max(SignedDuration::ZERO))),
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

    fn utilization(percent: f64, age: i64) -> Result<SignedDuration, Unknown> {
        let at = now() - SignedDuration::from_secs(age);
        let reading = Reading::Known { load: Load::Utilization { percent }, at };
        reading.fresh(LIMIT, now()).map(|(_, age)| age).map_err(|unread| unread.why)
    }

    #[test]
    fn a_value_is_usable_up_to_its_limit_and_stale_after_it() {
        assert!(utilization(50.0, 60).is_ok());
        assert_eq!(utilization(50.0, 61), Err(Unknown::Stale));
    }

    #[test]
    fn a_reading_without_a_load_says_why() {
        let load = Load::Value { milli: 1 };
        let readings = [Reading::Known { load, at: now() }, Reading::unknown(Unknown::Throttled, "slow down")];
        assert_eq!(readings.map(|reading| reading.why()), [None, Some(Unknown::Throttled)]);
    }

    #[test]
    fn a_value_slightly_of_the_future_is_new_and_one_far_in_it_is_invalid() {
        assert_eq!(utilization(50.0, -60).unwrap(), SignedDuration::ZERO);
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
