//! What the signals ask for: one proposal a trigger, and the largest wins.

use alloc::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use self::activation::Activation;
use crate::{
    bounds::Bounds,
    history::History,
    observation::Observation,
    policy::{Policy, Target, Trigger},
    reading::{Load, Reading, Unknown, Unread},
    units::Replicas,
};

pub mod activation;
mod arithmetic;
mod cooldown;
mod fallback;
pub mod pods;
mod queue;
mod utilization;
mod value;

pub use pods::{PodsSeen, PodsUse};

/// Triggers that a decision looks at without allocating.
const USUAL: usize = 4;

/// What all triggers together ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// One a trigger, in the policy's order.
    pub proposals: SmallVec<[Proposal; USUAL]>,
    /// Whether there is work to do.
    pub activation: Activation,
    /// Whose number is the largest; `None` when no trigger can be read and no schedule is open.
    pub winner: Option<Winner>,
    /// The largest number; what is desired now when there is none.
    pub replicas: Replicas,
    /// What the same readings would ask for if no scale-up cooldown lasted.
    pub after_cooldown: Replicas,
    /// The fewest replicas now: the minimum, at least one of a workload with work, or the idle number of one without.
    pub least: Replicas,
    /// Since when no trigger could be read; only while that makes the fallback take their place.
    pub fallback_since: Option<Timestamp>,
}

/// Whose number is the largest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Winner {
    /// A trigger's.
    Trigger(Arc<str>),
    /// The floor of a schedule whose window is open.
    Schedule {
        /// The schedule.
        name: Arc<str>,
        /// Until when it is open.
        until: Timestamp,
    },
    /// The fallback's, since no trigger can be read.
    Fallback {
        /// Since when none could be read.
        since: Timestamp,
    },
    /// Nothing is to be done, and has not been since then.
    Idle {
        /// Since when.
        since: Timestamp,
    },
    /// No trigger is active, so a workload at rest stays there.
    Resting,
    /// The fewest replicas for work are kept, since there is some, or no evidence that there is none.
    Activation,
}

/// What one trigger asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Verdict {
    /// The reading is usable.
    Known(Counted),
    /// It is not; unknown is never zero.
    Unknown(Unread),
}

/// A number of replicas with the arithmetic that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

impl Demand {
    /// The triggers that could not be read, each with its cause.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Unread)> {
        self.proposals.iter().filter_map(|proposal| match &proposal.verdict {
            Verdict::Unknown(unread) => Some((&*proposal.trigger, unread)),
            Verdict::Known(_) => None,
        })
    }

    /// Whether a trigger could not be read.
    pub fn any_unknown(&self) -> bool {
        self.unknown().next().is_some()
    }

    /// The trigger's proposal that won.
    pub fn winning(&self) -> Option<(&Proposal, &Counted)> {
        let Some(Winner::Trigger(winner)) = &self.winner else { return None };
        self.counted().find(|(proposal, _)| proposal.trigger == *winner)
    }

    /// The proposals whose triggers could be read.
    pub fn counted(&self) -> impl Iterator<Item = (&Proposal, &Counted)> {
        self.proposals.iter().filter_map(|proposal| match &proposal.verdict {
            Verdict::Known(counted) => Some((proposal, counted)),
            Verdict::Unknown(_) => None,
        })
    }
}

/// Asks every trigger and every open schedule; the largest number wins, among equal ones the trigger whose name sorts first.
pub(crate) fn largest(
    policy: &Policy,
    seen: &Observation,
    bounds: &Bounds,
    history: &History,
    now: Timestamp,
) -> Demand {
    let look = Look { policy, seen, history, now };
    let proposals: SmallVec<[Proposal; USUAL]> =
        policy.triggers.iter().zip(readings(seen)).map(|(trigger, reading)| look.propose(trigger, reading)).collect();
    let activation = activation::of(policy, seen, now);

    let desired = seen.workload.desired;
    let demand = Demand {
        fallback_since: fallback::since(&proposals, policy.fallback, now),
        proposals,
        activation,
        winner: None,
        replicas: desired,
        after_cooldown: desired,
        least: bounds.min,
    };
    let demand = match demand.fallback_since {
        Some(since) => demand.with(Winner::Fallback { since }, fallback::replicas(policy.fallback, desired)),
        None => demand.with_largest_trigger(),
    };
    activation::shape(demand, policy, bounds, desired, history).with_floors(policy, seen)
}

/// The readings in the policy's order; a trigger beyond them was not read.
fn readings(seen: &Observation) -> impl Iterator<Item = Option<&Reading>> {
    seen.readings.iter().map(Some).chain(core::iter::repeat(None))
}

impl Demand {
    fn with(self, winner: Winner, replicas: Replicas) -> Self {
        Self { winner: Some(winner), replicas, after_cooldown: replicas, ..self }
    }

    fn with_largest_trigger(self) -> Self {
        let by_size = |(one, a): &(&Proposal, &Counted), (two, b): &(&Proposal, &Counted)| {
            a.replicas.cmp(&b.replicas).then_with(|| two.trigger.cmp(&one.trigger))
        };
        let Some((first, &Counted { replicas, .. })) = self.counted().max_by(by_size) else {
            return self;
        };
        let winner = Some(Winner::Trigger(Arc::clone(&first.trigger)));
        let after_cooldown = self.counted().map(|(_, counted)| counted.after_cooldown).max().unwrap_or(replicas);
        Self { winner, replicas, after_cooldown, ..self }
    }

    /// The floors of open schedules join the proposals: the largest counts, among equal ones the schedule whose name sorts first.
    fn with_floors(self, policy: &Policy, seen: &Observation) -> Self {
        let open = policy.schedules.iter().zip(&seen.schedules);
        let floors = open.filter_map(|(schedule, until)| Some((schedule.floor?, &schedule.name, (*until)?)));
        match floors.max_by(|one, two| one.0.cmp(&two.0).then_with(|| two.1.cmp(one.1))) {
            Some((floor, name, until)) if floor > self.replicas => {
                let after_cooldown = self.after_cooldown.max(floor);
                Self { after_cooldown, ..self.with(Winner::Schedule { name: Arc::clone(name), until }, floor) }
            }
            _ => self,
        }
    }
}

/// What a proposal may look at.
#[derive(Clone, Copy)]
struct Look<'a> {
    policy: &'a Policy,
    seen: &'a Observation,
    history: &'a History,
    now: Timestamp,
}

impl Look<'_> {
    fn propose(&self, trigger: &Trigger, reading: Option<&Reading>) -> Proposal {
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
