//! What the signals ask for: one proposal a trigger, and the largest wins.

use alloc::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use self::{activation::Activation, proposal::Look};
use crate::{
    bounds::Bounds,
    history::History,
    observation::Observation,
    policy::Policy,
    reading::{Reading, Unread},
    units::Replicas,
};

pub mod activation;
mod arithmetic;
mod cooldown;
mod fallback;
pub mod pods;
mod proposal;
mod queue;
mod utilization;
mod value;

pub use pods::{PodsSeen, PodsUse};
pub use proposal::{Band, Counted, Measure, Proposal, Ruling, Verdict};

/// Triggers that a decision looks at without allocating.
const USUAL: usize = 4;

/// What all triggers together ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
