//! Whether there is work: what brings a workload up from its idle replicas, and what sends it there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Demand, Verdict, Winner, readings};
use crate::{
    bounds::{self, Bounds},
    history::{EVIDENCE, History},
    observation::Observation,
    policy::{Policy, Schedule},
    reading::{Load, Reading},
    units::Replicas,
};

/// Whether there is work to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all_fields = "camelCase")]
pub enum Activation {
    /// A trigger has reached its activation threshold; or a schedule that is open asks for replicas, where only schedules tell.
    Active,
    /// No trigger has, and no consumer holds work; or no such schedule is open.
    Idle {
        /// Time of the newest of the values that say so.
        newest: Timestamp,
        /// Time of the oldest of them.
        oldest: Timestamp,
    },
    /// It cannot be told: a signal is unknown, or work is in hand that no trigger counts.
    Uncertain,
    /// Neither a trigger tells it nor the clock.
    Unwatched,
}

/// Whether there is work to do.
///
/// A queue is idle when fewer messages than its threshold are visible or delayed, and none is in flight; a value when it is below its
/// threshold. One active trigger suffices; idle needs all that can tell. Where no trigger can, the schedules that start the replicas tell.
pub(crate) fn of(policy: &Policy, seen: &Observation, now: Timestamp) -> Activation {
    let (mut idle, mut uncertain) = (None, false);
    for (trigger, reading) in policy.triggers.iter().zip(readings(seen)) {
        let Some(threshold) = trigger.activation else { continue };
        let Some(Reading::Known { load, at }) =
            reading.filter(|reading| reading.fresh(trigger.stale_after, now).is_ok())
        else {
            uncertain = true;
            continue;
        };
        let (active, quiet) = match *load {
            Load::Queue { visible, in_flight, delayed } => {
                (visible >= threshold, in_flight == 0 && visible.saturating_add(delayed) < threshold)
            }
            // Below its threshold it is quiet.
            Load::Value { milli } => (milli >= threshold, true),
            Load::Utilization { .. } | Load::Pods { .. } => (false, false),
        };
        if active {
            return Activation::Active;
        }
        uncertain |= !quiet;
        idle = Some(
            idle.map_or((*at, *at), |(newest, oldest): (Timestamp, Timestamp)| (newest.max(*at), oldest.min(*at))),
        );
    }
    match idle {
        _ if uncertain => Activation::Uncertain,
        Some((newest, oldest)) => Activation::Idle { newest, oldest },
        None => by_the_clock(policy, seen, now),
    }
}

/// Whether there is work to do by the word of the schedules alone, if the workload has any that start replicas, as they open or as they
/// close: there is while one in force asks for a replica, and none outside (as with KEDA's cron scaler beside its CPU scaler).
fn by_the_clock(policy: &Policy, seen: &Observation, now: Timestamp) -> Activation {
    let starts = |schedule: &Schedule| {
        schedule.floor.is_some() || schedule.min.is_some_and(|min| min.max(policy.min) > Replicas::ZERO)
    };
    if !policy.schedules.iter().any(starts) {
        return Activation::Unwatched;
    }
    let asks = bounds::open(policy, seen).any(|schedule| schedule.floor.is_some());
    if asks || Bounds::of(policy, seen).min > Replicas::ZERO {
        return Activation::Active;
    }
    Activation::Idle { newest: now, oldest: now }
}

/// Since when nothing has been to do, if that is proven: every trigger that can tell said so at two times at least [`EVIDENCE`] apart,
/// and nothing said otherwise between them.
///
/// `idle_since` is the newest of the values at the first of these looks, so that the time between it and the oldest of the values now
/// has passed between two values of each trigger, however their ages differ.
fn proven(activation: Activation, history: &History) -> Option<Timestamp> {
    let (Activation::Idle { oldest, .. }, Some(since)) = (activation, history.idle_since) else { return None };
    (oldest.duration_since(since) >= EVIDENCE).then_some(since)
}

/// What becomes of the proposals of a workload that may rest below the fewest replicas it works with.
///
/// At rest it stays there until a trigger is active, then goes straight to what the proposals ask for. At work it keeps at least the
/// fewest until it is proven that nothing is to be done; then it goes to rest, at the pace of any other scale-in. A signal that cannot
/// tell work from none, as a CPU, still keeps it from resting while it asks for more than the fewest. No fallback rests a workload:
/// what cannot be read is no evidence.
pub(super) fn shape(demand: Demand, policy: &Policy, bounds: &Bounds, desired: Replicas, history: &History) -> Demand {
    if !bounds.may_rest() {
        return demand;
    }
    let (rest, work) = (bounds.rest, bounds.work());
    if let Some(since) = proven(demand.activation, history).filter(|_| !keeps_busy(&demand, policy, work)) {
        return Demand { least: rest, ..demand.with(Winner::Idle { since }, rest) };
    }
    let resting = desired <= rest && demand.activation != Activation::Active;
    let demand = Demand { least: if resting { rest } else { work }, ..demand };
    match demand.replicas {
        _ if demand.winner.is_none() => demand,
        _ if resting && demand.fallback_since.is_none() => demand.with(Winner::Resting, desired),
        // A fallback stays the winner: the step that raises it to the fewest says so.
        asked if !resting && asked < work && demand.fallback_since.is_none() => demand.with(Winner::Activation, work),
        _ => demand,
    }
}

/// Whether a signal that cannot tell work from none asks for more than the fewest replicas.
fn keeps_busy(demand: &Demand, policy: &Policy, work: Replicas) -> bool {
    policy.triggers.iter().zip(&demand.proposals).any(|(trigger, proposal)| {
        trigger.activation.is_none() && matches!(&proposal.verdict, Verdict::Known(counted) if counted.replicas > work)
    })
}
