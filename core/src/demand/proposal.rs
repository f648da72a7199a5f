//! What one trigger asks for: its reading, the arithmetic, and the number that comes of it.

use alloc::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    cooldown,
    pods::{self, PodsSeen},
    queue, utilization, value,
};
use crate::{
    history::History,
    observation::Observation,
    policy::{Policy, Target, Trigger},
    reading::{Load, Reading, Unknown, Unread},
    units::Replicas,
};

/// What one trigger asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The trigger's name.
    pub trigger: Arc<str>,
    /// What a replica should carry.
    pub target: Target,
    /// What its reading leads to.
    pub verdict: Verdict,
}

/// What one reading leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Verdict {
    /// The reading is usable.
    Known(Counted),
    /// It is not; unknown is never zero.
    Unknown(Unread),
}

/// A number of replicas with the arithmetic that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// What was read, as far as the number rests on it.
    pub measure: Measure,
    /// How old the reading is; 0 when its clock is slightly ahead of ours.
    pub age: SignedDuration,
    /// The replicas proposed.
    pub replicas: Replicas,
    /// What would be proposed if no scale-up cooldown lasted.
    pub after_cooldown: Replicas,
    /// Why it is this number.
    pub ruling: Ruling,
    /// The loads at which the proposal would change; none where a single number does not tell.
    pub band: Option<Band>,
}

/// What was read of a signal, as far as a proposal rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Measure {
    /// Messages of a queue.
    Queue {
        /// Messages that may be received now.
        visible: u64,
        /// Messages that consumers hold.
        in_flight: u64,
        /// Messages that become visible later.
        delayed: u64,
        /// Visible messages expected when a replica started now carries load; as visible when nothing is expected.
        ahead: u64,
        /// Messages that arrive, in thousandths a second; none when a latency is not the target or two values have not been seen.
        arrivals: Option<u64>,
        /// Since when consumers have held no more, although more waits and more of them run, or the queue itself lets no more be in
        /// flight.
        still_since: Option<Timestamp>,
    },
    /// A mean percentage over replicas.
    Utilization {
        /// Percent.
        percent: f64,
        /// The replicas that it is multiplied by.
        base: Replicas,
    },
    /// The use of pods.
    Pods {
        /// The pods.
        seen: PodsSeen,
        /// The pods that the ratio of use to target is multiplied by.
        base: Replicas,
    },
    /// An amount that all replicas share.
    Value {
        /// Thousandths.
        milli: u64,
        /// The replicas that it is divided among.
        base: Replicas,
    },
}

/// Why a proposal is what it is. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Ruling {
    /// The load asks for more replicas than desired.
    More,
    /// The load asks for fewer.
    Fewer,
    /// The load is within the tolerance around what the desired replicas should carry.
    WithinTolerance,
    /// The messages that wait ask for fewer, those that consumers hold do not.
    WorkInFlight,
    /// The load is above its target, but the replicas already asked for will carry it.
    CapacityOnItsWay,
    /// The load is below its target, but with one replica fewer it would be above.
    WholeReplicas,
    /// As many replicas as the FIFO queue has message groups to give out: more would find nothing to do.
    MessageGroups,
    /// How fast messages arrive, or the queue grows, is not known yet, so nothing is given up.
    RateUnknown,
    /// With what is not known of some pods counted the careful way, the load asks for nothing (the HPA's rule for missing and unready
    /// pods).
    MissingPods,
}

/// The loads between which a proposal stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Band {
    /// Of a queue.
    Messages {
        /// More visible messages than this ask for more replicas.
        more_above: u64,
        /// Fewer visible and in-flight messages together than this ask for fewer replicas.
        fewer_below: u64,
    },
    /// Of a queue whose messages may wait for a time.
    Visible {
        /// More visible messages than this ask for more replicas.
        more_above: u64,
        /// Fewer visible messages than this ask for fewer replicas; 0 when only fewer arrivals do.
        fewer_below: u64,
    },
    /// Of a utilization.
    Percent {
        /// A higher percentage than this asks for more replicas; `None` when no replica runs that a ratio could be taken of.
        more_above: Option<f64>,
        /// A lower percentage than this asks for fewer replicas.
        fewer_below: f64,
    },
}

impl Ruling {
    /// Every one of them.
    pub const ALL: [Self; 9] = [
        Self::More,
        Self::Fewer,
        Self::WithinTolerance,
        Self::WorkInFlight,
        Self::CapacityOnItsWay,
        Self::WholeReplicas,
        Self::MessageGroups,
        Self::RateUnknown,
        Self::MissingPods,
    ];
}

/// What a proposal may look at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) policy: &'a Policy,
    pub(super) seen: &'a Observation,
    pub(super) history: &'a History,
    pub(super) now: Timestamp,
}

impl Look<'_> {
    pub(super) fn propose(&self, trigger: &Trigger, reading: Option<&Reading>) -> Proposal {
        let verdict = match reading {
            Some(reading) => reading.fresh(trigger.stale_after, self.now),
            None => Err(Unread::new(Unknown::NotReadYet, "the signal has not been read yet")),
        };
        let verdict = verdict.and_then(|(load, age)| self.count(load, age, trigger));
        Proposal {
            trigger: Arc::clone(&trigger.name),
            target: trigger.target,
            verdict: verdict.map_or_else(Verdict::Unknown, Verdict::Known),
        }
    }

    /// What a load asks for.
    fn count(&self, load: &Load, age: SignedDuration, trigger: &Trigger) -> Result<Counted, Unread> {
        let Self { policy, seen, history, now } = *self;
        let (workload, behavior) = (&seen.workload, &policy.behavior);
        let base = || history.base(behavior.scale_up.cooldown, now);
        match (load, trigger.target) {
            (&Load::Queue { visible, in_flight, delayed }, Target::Queue(target)) => {
                let trend = history.trends.iter().find(|trend| trend.trigger == trigger.name);
                let queue = queue::Queue { visible, in_flight, delayed, target, trend };
                Ok(queue.count(age, workload.desired, policy))
            }
            (Load::Utilization { .. }, Target::Utilization(_))
                if workload.running == Replicas::ZERO && workload.desired > Replicas::ZERO =>
            {
                Err(Unread::new(Unknown::Empty, "no replica runs, so a percentage of what they use says nothing"))
            }
            (&Load::Utilization { percent }, Target::Utilization(target)) => {
                let bases = utilization::Bases::of(workload, history, behavior, now);
                Ok(utilization::count(percent, age, target, workload.desired, bases, behavior))
            }
            (Load::Pods { resource, pods }, target @ (Target::Utilization(_) | Target::AverageValue { .. })) => {
                let rules = pods::Rules { desired: workload.desired, now, ..pods::Rules::of(*resource, behavior) };
                let answer = match target {
                    Target::Utilization(percent) => rules.utilization(pods, percent),
                    Target::AverageValue { milli } => rules.average_value(pods, milli),
                    Target::Queue(_) | Target::Value { .. } => return Err(mismatch()),
                };
                answer.map(|answer| cooldown::answer_once(answer.counted(age), target, workload.desired, base()))
            }
            (&Load::Value { milli }, target @ Target::Value { milli: of }) => {
                let counted = value::value(milli, of, workload, behavior, age)?;
                Ok(cooldown::answer_once(counted, target, workload.desired, base()))
            }
            (&Load::Value { milli }, Target::AverageValue { milli: target }) => {
                Ok(value::average_value(milli, target, workload, behavior, age))
            }
            _ => Err(mismatch()),
        }
    }
}

fn mismatch() -> Unread {
    Unread::new(Unknown::Invalid, "the signal measures something else than the trigger's target")
}
