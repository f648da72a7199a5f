//! Whether there is work: what brings a workload up from its idle replicas, and what sends it there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Demand, Winner, readings};
use crate::{
    history::{EVIDENCE, History},
    observation::Observation,
    policy::Policy,
    reading::Load,
    units::Replicas,
};

/// Whether there is work to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum Activation {
    /// A trigger has reached its activation threshold.
    Active,
    /// No trigger has, and no consumer holds work.
    Idle {
        /// Time of the newest value that says so.
        at: Timestamp,
    },
    /// It cannot be told: a signal is unknown, or work is in hand that no trigger counts.
    Uncertain,
    /// No trigger tells it.
    Unwatched,
}

/// Whether there is work to do.
///
/// A queue is idle when fewer messages than its threshold are visible or delayed, and none is in flight; a value when it is below its
/// threshold. One active trigger suffices; idle needs all that can tell.
pub(crate) fn of(policy: &Policy, seen: &Observation, now: Timestamp) -> Activation {
    let (mut idle, mut uncertain) = (None, false);
    for (trigger, reading) in policy.triggers.iter().zip(readings(seen)) {
        let Some(threshold) = trigger.activation else { continue };
        let Some(Ok((load, age))) = reading.map(|reading| reading.fresh(trigger.stale_after, now)) else {
            uncertain = true;
            continue;
        };
        let (active, quiet) = match *load {
            Load::Queue { visible, in_flight, delayed } => {
                (visible >= threshold, in_flight == 0 && visible.saturating_add(delayed) < threshold)
            }
            Load::Value { milli } => (milli >= threshold, milli < threshold),
            Load::Utilization { .. } | Load::Pods { .. } => (false, false),
        };
        if active {
            return Activation::Active;
        }
        uncertain |= !quiet;
        idle = idle.max(now.checked_sub(age).ok());
    }
    match idle {
        _ if uncertain => Activation::Uncertain,
        Some(at) => Activation::Idle { at },
        None => Activation::Unwatched,
    }
}

/// The replicas of a workload without work: its idle number, or its minimum.
pub(crate) fn at_rest(policy: &Policy) -> Replicas {
    policy.idle.unwrap_or(policy.min).min(policy.min)
}

/// The fewest replicas of a workload with work.
pub(crate) fn at_work(policy: &Policy) -> Replicas {
    policy.min.max(Replicas(1))
}

/// Whether the idle number counts: nothing is to be done, and that was read at times far enough apart.
fn proven(activation: Activation, history: &History) -> Option<Timestamp> {
    let (Activation::Idle { at }, Some(since)) = (activation, history.idle_since) else { return None };
    (at.duration_since(since) >= EVIDENCE).then_some(since)
}

/// What becomes of the proposals of a workload that may rest below the fewest replicas it works with.
///
/// At rest it stays there until a trigger is active, then goes straight to what the proposals ask for. At work it keeps at least the
/// fewest until it is proven that nothing is to be done; then it goes to rest, at the pace of any other scale-in.
pub(super) fn shape(demand: Demand, policy: &Policy, desired: Replicas, history: &History) -> Demand {
    if !may_rest(policy) || matches!(demand.winner, Some(Winner::Fallback { .. })) {
        return demand;
    }
    if let Some(since) = proven(demand.activation, history) {
        return demand.with(Winner::Idle { since }, at_rest(policy));
    }
    if demand.winner.is_none() {
        return demand;
    }
    let (resting, work) = (rests(&demand, policy, desired), at_work(policy));
    match demand.replicas {
        asked if resting && asked != desired => demand.with(Winner::Activation, desired),
        asked if !resting && asked < work => demand.with(Winner::Activation, work),
        _ => demand,
    }
}

/// The fewest replicas that the policy lets run with this demand, schedules apart.
pub(crate) fn least(demand: &Demand, policy: &Policy, desired: Replicas) -> Replicas {
    match demand.winner {
        _ if !may_rest(policy) => policy.min,
        Some(Winner::Idle { .. }) => at_rest(policy),
        Some(Winner::Fallback { .. }) => policy.min,
        _ if rests(demand, policy, desired) => at_rest(policy),
        _ => at_work(policy),
    }
}

/// Whether there are fewer replicas for a workload without work than for one with it.
fn may_rest(policy: &Policy) -> bool {
    at_rest(policy) < at_work(policy)
}

/// Whether a workload is at rest and nothing wakes it.
fn rests(demand: &Demand, policy: &Policy, desired: Replicas) -> bool {
    desired <= at_rest(policy) && demand.activation != Activation::Active
}
