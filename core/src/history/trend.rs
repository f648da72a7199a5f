//! How a queue moves: the rate at which it grows, at which messages arrive, and whether its consumers have come to a standstill.

use alloc::{sync::Arc, vec::Vec};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    observation::Observation,
    policy::{Enough, Policy, Target},
    reading::Load,
};

/// The time over which rates are smoothed: a change of pace is half known after about this long.
const SMOOTHING: SignedDuration = SignedDuration::from_secs(30);

/// Readings further apart than this say nothing about a rate.
const TORN: SignedDuration = SignedDuration::from_secs(300);

/// In-flight messages within this fraction of each other stand still.
const STILL_PERMILLE: u64 = 10;

/// How one queue has moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trend {
    /// The trigger that reads it.
    pub trigger: Arc<str>,
    /// Time of the newest value.
    pub at: Timestamp,
    /// Its visible messages.
    pub visible: u64,
    /// Its messages in flight.
    pub in_flight: u64,
    /// How fast visible messages become more, in thousandths a second; negative while they become fewer. None before two values.
    #[serde(default)]
    pub growth: Option<i64>,
    /// How fast messages arrive, in thousandths a second, by Little's law: what the queue grew by, and what its consumers finished
    /// (messages in flight / seconds a message). None before two values, or when it is not known how long a message takes.
    #[serde(default)]
    pub arrivals: Option<u64>,
    /// Since when messages in flight have stood still while more became visible, and how many were visible then.
    #[serde(default)]
    pub still_since: Option<(Timestamp, u64)>,
}

/// Brings the trends up to date with one more look.
pub(super) fn observe(trends: &mut Vec<Trend>, policy: &Policy, seen: &Observation, now: Timestamp) {
    for (trigger, reading) in policy.triggers.iter().zip(&seen.readings) {
        let Target::Queue(queue) = trigger.target else { continue };
        let Ok((&Load::Queue { visible, in_flight, delayed: _ }, age)) = reading.fresh(trigger.stale_after, now) else {
            continue;
        };
        let at = now.checked_sub(age).unwrap_or(now);
        let per_message = match queue.enough {
            Enough::Latency { per_message, .. } => Some(per_message),
            Enough::Messages(_) => None,
        };
        match trends.iter_mut().find(|trend| trend.trigger == trigger.name) {
            Some(trend) => trend.moved(at, visible, in_flight, per_message),
            None => trends.push(Trend::first(Arc::clone(&trigger.name), at, visible, in_flight)),
        }
    }
}

impl Trend {
    fn first(trigger: Arc<str>, at: Timestamp, visible: u64, in_flight: u64) -> Self {
        Self { trigger, at, visible, in_flight, growth: None, arrivals: None, still_since: None }
    }

    fn moved(&mut self, at: Timestamp, visible: u64, in_flight: u64, per_message: Option<u64>) {
        let apart = at.duration_since(self.at);
        if apart == SignedDuration::ZERO {
            return;
        }
        if apart < SignedDuration::ZERO || apart > TORN {
            *self = Self::first(Arc::clone(&self.trigger), at, visible, in_flight);
            return;
        }
        let millis = apart.as_millis().max(1);
        let rate = |before: u64, after: u64| (i128::from(after) - i128::from(before)) * 1_000_000 / millis;
        let smooth = |old: Option<i128>, new: i128| match old {
            None => new,
            Some(old) => {
                let weight = SMOOTHING.as_millis();
                (old * weight + new * millis) / (weight + millis)
            }
        };
        let growth = smooth(self.growth.map(i128::from), rate(self.visible, visible));
        self.growth = Some(clamp(growth));
        self.arrivals = per_message.map(|per_message| {
            let finished =
                (i128::from(self.in_flight) + i128::from(in_flight)) * 500_000 / i128::from(per_message.max(1));
            let whole = rate(self.visible.saturating_add(self.in_flight), visible.saturating_add(in_flight));
            let arrived = (whole + finished).max(0);
            u64::try_from(smooth(self.arrivals.map(i128::from), arrived)).unwrap_or(u64::MAX)
        });
        self.still_since = self.stands_still(at, visible, in_flight);
        (self.at, self.visible, self.in_flight) = (at, visible, in_flight);
    }

    /// Consumers that take no more while more waits have met a ceiling: SQS lets 120,000 messages be in flight, and a consumer that
    /// waits for something else takes none.
    fn stands_still(&self, at: Timestamp, visible: u64, in_flight: u64) -> Option<(Timestamp, u64)> {
        let still = self.in_flight.abs_diff(in_flight) <= in_flight.saturating_mul(STILL_PERMILLE) / 1000;
        if in_flight == 0 || !still || visible < self.visible || visible == 0 {
            return None;
        }
        Some(self.still_since.unwrap_or((self.at.min(at), self.visible)))
    }
}

fn clamp(rate: i128) -> i64 {
    i64::try_from(rate).unwrap_or(if rate < 0 { i64::MIN } else { i64::MAX })
}
