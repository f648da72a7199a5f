//! How a queue moves: the rate at which it grows, at which messages arrive, and whether its consumers have come to a standstill.

use alloc::{sync::Arc, vec::Vec};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    observation::Observation,
    policy::{Enough, Policy, Queue, Target},
    reading::{Load, Reading},
    units::Replicas,
};

/// The time over which rates are smoothed: a change of pace is half known after about this long.
const SMOOTHING: SignedDuration = SignedDuration::from_secs(30);

/// Readings further apart than this say nothing about a rate.
const TORN: SignedDuration = SignedDuration::from_secs(300);

/// In-flight messages within this fraction of each other stand still.
const STILL_PERMILLE: u64 = 10;

/// So long in-flight messages must stand still, with more consumers than before, to count as saturated: a replica that just started
/// has had the time to take messages, and SQS's counts to agree.
const SATURATED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// SQS lets so many messages of a queue be in flight (Amazon SQS quotas, "messages per queue (in flight)").
const MOST_IN_FLIGHT: u64 = 120_000;

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
    /// How messages in flight have come to stand still while no fewer became visible.
    #[serde(default)]
    pub still: Option<Standstill>,
}

/// The beginning of a time in which messages in flight stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Standstill {
    /// When it began.
    pub since: Timestamp,
    /// Visible messages then.
    pub visible: u64,
    /// Messages in flight then.
    pub in_flight: u64,
    /// Replicas that ran then.
    pub running: Replicas,
    /// Since when more replicas have run; none while no more do.
    #[serde(default)]
    pub outgrown: Option<Timestamp>,
}

/// Brings the trends up to date with one more look.
pub(super) fn observe(trends: &mut Vec<Trend>, policy: &Policy, seen: &Observation, now: Timestamp) {
    for (trigger, reading) in policy.triggers.iter().zip(&seen.readings) {
        let Target::Queue(queue) = trigger.target else { continue };
        let (Reading::Known { load: Load::Queue { visible, in_flight, delayed: _ }, at }, Ok(_)) =
            (reading, reading.fresh(trigger.stale_after, now))
        else {
            continue;
        };
        let sample = Sample { at: *at, visible: *visible, in_flight: *in_flight, running: seen.workload.running };
        match trends.iter_mut().find(|trend| trend.trigger == trigger.name) {
            Some(trend) => trend.moved(sample, queue),
            None => trends.push(Trend::first(Arc::clone(&trigger.name), sample)),
        }
    }
}

/// One value of a queue.
#[derive(Clone, Copy)]
struct Sample {
    at: Timestamp,
    visible: u64,
    in_flight: u64,
    running: Replicas,
}

impl Standstill {
    /// What begins with a value, if something waits and something is in flight.
    fn from(Sample { at, visible, in_flight, running }: Sample) -> Option<Self> {
        (in_flight > 0 && visible > 0).then_some(Self { since: at, visible, in_flight, running, outgrown: None })
    }
}

impl Trend {
    fn first(trigger: Arc<str>, sample: Sample) -> Self {
        let Sample { at, visible, in_flight, running: _ } = sample;
        Self { trigger, at, visible, in_flight, growth: None, arrivals: None, still: Standstill::from(sample) }
    }

    fn moved(&mut self, sample: Sample, queue: Queue) {
        let Sample { at, visible, in_flight, running } = sample;
        let apart = at.duration_since(self.at);
        if apart == SignedDuration::ZERO {
            return;
        }
        if apart < SignedDuration::ZERO || apart > TORN {
            *self = Self::first(Arc::clone(&self.trigger), sample);
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
        self.arrivals = match queue.enough {
            Enough::Messages(_) => None,
            Enough::Latency { per_message, .. } => {
                // What consumers have fetched ahead, or a crashed one still holds, is in flight and not worked on.
                let at_once = u128::from(running.0).saturating_mul(queue.concurrency.unwrap_or(1).into());
                let in_flight_twice = u128::from(self.in_flight).saturating_add(in_flight.into());
                let worked_on_twice = in_flight_twice.min(at_once.saturating_mul(2));
                let finished = i128::try_from(worked_on_twice).unwrap_or(0) * 500_000 / i128::from(per_message.max(1));
                let whole = rate(self.visible.saturating_add(self.in_flight), visible.saturating_add(in_flight));
                let arrived = smooth(self.arrivals.map(i128::from), (whole + finished).max(0));
                Some(u64::try_from(arrived).unwrap_or(u64::MAX))
            }
        };
        self.still = self.stands_still(sample);
        (self.at, self.visible, self.in_flight) = (at, visible, in_flight);
    }

    fn stands_still(&self, sample: Sample) -> Option<Standstill> {
        let Sample { at, visible, in_flight, running } = sample;
        let goes_on = |still: &Standstill| {
            let moved = still.in_flight.abs_diff(in_flight) > still.in_flight.saturating_mul(STILL_PERMILLE) / 1000;
            !moved && visible >= still.visible
        };
        let Some(still) = self.still.filter(goes_on) else { return Standstill::from(sample) };
        let outgrown = (running > still.running).then(|| still.outgrown.unwrap_or(at));
        Some(Standstill { outgrown, ..still })
    }

    /// Since when consumers have met a ceiling: for [`SATURATED_AFTER`] they have held no more, although more waits and more of them
    /// run, or the queue lets no more be in flight. A consumer that waits for something else takes none; all of them being busy is no
    /// such ceiling, since more of them would help.
    pub(crate) fn saturated_since(&self) -> Option<Timestamp> {
        let still = self.still.filter(|still| self.visible > still.visible)?;
        let from = if self.in_flight >= MOST_IN_FLIGHT { Some(still.since) } else { still.outgrown };
        (self.at.duration_since(from?) >= SATURATED_AFTER).then_some(still.since)
    }
}

fn clamp(rate: i128) -> i64 {
    i64::try_from(rate).unwrap_or(if rate < 0 { i64::MIN } else { i64::MAX })
}
