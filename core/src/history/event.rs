//! Changes of a target's replicas, for the rate policies.

use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{policy::Behavior, units::Replicas};

/// Events kept at most. Beyond it the oldest ones of a direction become one, which erring only towards not scaling allows.
const KEPT: usize = 32;

/// One change of a target's replicas, or several that count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaleEvent {
    /// Replicas added; removed when negative.
    pub change: i64,
    /// When; the first, when several count as one.
    pub at: Timestamp,
    /// The last, when several count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl ScaleEvent {
    /// The change from one number to another.
    pub(crate) fn between(from: Replicas, to: Replicas, at: Timestamp) -> Self {
        Self { change: i64::from(to.0) - i64::from(from.0), at, until: None }
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.until.unwrap_or(self.at)
    }

    pub(crate) fn held_at(&mut self, now: Timestamp) {
        self.at = self.at.min(now);
        self.until = self.until.map(|until| until.min(now));
    }

    fn grows(&self) -> bool {
        self.change > 0
    }
}

/// The longest period of any rate policy; 0 without one.
pub(crate) fn longest_period(behavior: &Behavior) -> SignedDuration {
    let policies = behavior.scale_up.policies.iter().chain(&behavior.scale_down.policies);
    policies.map(|policy| policy.period).max().unwrap_or(SignedDuration::ZERO)
}

pub(crate) fn note(events: &mut Vec<ScaleEvent>, event: ScaleEvent) {
    events.push(event);
    if events.len() <= KEPT {
        return;
    }
    let Some(&first) = events.first() else { return };
    let Some(next) = (1..events.len()).find(|&i| events.get(i).is_some_and(|event| event.grows() == first.grows()))
    else {
        return;
    };
    if let Some(next) = events.get_mut(next) {
        *next = ScaleEvent { change: next.change.saturating_add(first.change), at: first.at, until: Some(next.last()) };
    }
    events.remove(0);
}

/// Replicas added within `period`. Several additions that count as one count for as long as the last of them when that limits
/// (`whole`), and for as long as the first when it frees.
pub(crate) fn added(events: &[ScaleEvent], period: SignedDuration, now: Timestamp, whole: bool) -> i64 {
    sum(events.iter().filter(|event| event.change > 0), period, now, whole)
}

/// Replicas removed within `period`, as [`added`].
pub(crate) fn removed(events: &[ScaleEvent], period: SignedDuration, now: Timestamp, whole: bool) -> i64 {
    sum(events.iter().filter(|event| event.change < 0), period, now, whole).saturating_neg()
}

/// Strictly younger than the period, as in the HPA.
fn sum<'a>(events: impl Iterator<Item = &'a ScaleEvent>, period: SignedDuration, now: Timestamp, whole: bool) -> i64 {
    let counts = |event: &&ScaleEvent| now.duration_since(if whole { event.last() } else { event.at }) < period;
    events.filter(counts).fold(0, |sum: i64, event| sum.saturating_add(event.change))
}
