//! What the signals ask for: one proposal a trigger, and the largest wins.

use alloc::{string::String, vec::Vec};
use core::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use self::utilization::{Answer, Bases};
use crate::{
    history::History,
    observation::{Observation, Workload},
    policy::{Behavior, Policy, Target, Trigger},
    reading::{Load, Reading, Unknown, Unread},
    units::Replicas,
};

mod queue;
mod utilization;

/// What all triggers together ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// One a trigger, in the policy's order.
    pub proposals: Vec<Proposal>,
    /// The trigger whose proposal is the largest; `None` when none can be read.
    pub winner: Option<String>,
    /// The largest proposal; what is desired now when no trigger can be read.
    pub replicas: Replicas,
    /// What the same readings would ask for if no scale-up cooldown lasted.
    pub after_cooldown: Replicas,
}

/// What one trigger asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The trigger's name.
    pub trigger: String,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// What was read.
    pub load: Load,
    /// How old the reading is; 0 when its clock is slightly ahead of ours.
    pub age: SignedDuration,
    /// The replicas proposed.
    pub replicas: Replicas,
    /// What would be proposed if no scale-up cooldown lasted.
    pub after_cooldown: Replicas,
    /// The replicas that a ratio was taken of; a queue needs none.
    pub base: Option<Replicas>,
    /// Why it is this number.
    pub ruling: Ruling,
    /// The loads at which the proposal would change.
    pub band: Band,
}

/// Why a proposal is what it is.
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
    /// Of a utilization.
    Percent {
        /// A higher percentage than this asks for more replicas; `None` when no replica runs that a ratio could be taken of.
        more_above: Option<f64>,
        /// A lower percentage than this asks for fewer replicas.
        fewer_below: f64,
    },
}

impl Demand {
    /// The triggers that could not be read, each with its cause.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Unread)> {
        self.proposals.iter().filter_map(|proposal| match &proposal.verdict {
            Verdict::Unknown(unread) => Some((proposal.trigger.as_str(), unread)),
            Verdict::Known(_) => None,
        })
    }

    /// The proposal that won.
    pub fn winning(&self) -> Option<(&Proposal, &Counted)> {
        let winner = self.winner.as_deref()?;
        self.counted().find(|(proposal, _)| proposal.trigger == winner)
    }

    /// The proposals whose triggers could be read.
    pub fn counted(&self) -> impl Iterator<Item = (&Proposal, &Counted)> {
        self.proposals.iter().filter_map(|proposal| match &proposal.verdict {
            Verdict::Known(counted) => Some((proposal, counted)),
            Verdict::Unknown(_) => None,
        })
    }
}

/// Asks every trigger; the largest proposal wins, among equal ones the trigger whose name sorts first.
pub(crate) fn largest(policy: &Policy, seen: &Observation, history: &History, now: Timestamp) -> Demand {
    let Workload { desired, running, .. } = seen.workload;
    let bases = Bases { running, cooldown: history.base(policy.behavior.scale_up.cooldown, now) };
    let propose = |(i, trigger): (usize, &Trigger)| {
        let verdict = read(seen.readings.get(i), trigger, now)
            .and_then(|(load, age)| count(load.clone(), age, trigger, desired, bases, &policy.behavior))
            .map_or_else(Verdict::Unknown, Verdict::Known);
        Proposal { trigger: trigger.name.clone(), target: trigger.target, verdict }
    };
    let proposals: Vec<Proposal> = policy.triggers.iter().enumerate().map(propose).collect();

    let undecided = Demand { proposals, winner: None, replicas: desired, after_cooldown: desired };
    let by_size = |(proposal, counted): &(&Proposal, &Counted)| (counted.replicas, Reverse(proposal.trigger.clone()));
    let Some((first, &Counted { replicas, .. })) = undecided.counted().max_by_key(by_size) else {
        return undecided;
    };
    let winner = Some(first.trigger.clone());
    let after_cooldown = undecided.counted().map(|(_, counted)| counted.after_cooldown).max().unwrap_or(replicas);
    Demand { winner, replicas, after_cooldown, ..undecided }
}

/// The usable load of a trigger and its age.
fn read<'a>(
    reading: Option<&'a Reading>,
    trigger: &Trigger,
    now: Timestamp,
) -> Result<(&'a Load, SignedDuration), Unread> {
    match reading {
        Some(reading) => reading.fresh(trigger.stale_after, now),
        None => Err(Unread::new(Unknown::NotReadYet, "the signal has not been read yet")),
    }
}

/// What a load asks for.
fn count(
    load: Load,
    age: SignedDuration,
    trigger: &Trigger,
    desired: Replicas,
    bases: Bases,
    behavior: &Behavior,
) -> Result<Counted, Unread> {
    match (&load, trigger.target) {
        (Load::Queue { visible, in_flight, delayed: _ }, Target::MessagesPerReplica(per_replica)) => {
            let (replicas, ruling, band) = queue::count(*visible, *in_flight, per_replica, desired, behavior);
            Ok(Counted { load, age, replicas, after_cooldown: replicas, base: None, ruling, band })
        }
        (Load::Utilization { percent }, Target::Utilization(target)) => {
            let Answer { replicas, after_cooldown, base, ruling, band } =
                utilization::count(*percent, target, desired, bases, behavior);
            Ok(Counted { load, age, replicas, after_cooldown, base: Some(base), ruling, band })
        }
        _ => Err(Unread::new(Unknown::Invalid, "the signal measures something else than the trigger's target")),
    }
}
