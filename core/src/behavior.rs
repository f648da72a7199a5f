//! What shapes demand before it becomes a decision: certainty, stabilization, rates, bounds, rollouts, cooldowns, a person's word.
//!
//! A step takes the number that reached it and says what it makes of it, with its cause; or nothing, when it has nothing to say.
//!
//! Application Auto Scaling's step policies are not offered: a target says the same in one number. Who comes from them should know
//! how their percentages are rounded there (user guide, "Step scaling policies"): a change above 1 down, one between 0 and 1 to 1, one
//! between -1 and 0 to -1, one below -1 up; that is, towards no change, but never to none. Here the number of replicas is rounded up
//! in both directions, so no fraction of a replica is ever missing.

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::{
    bounds::Bounds,
    demand::Demand,
    explanation::{Bound, Cause, Step, Steps},
    history::{Activity, Cooling, History},
    observation::{Observation, Rollout},
    policy::{Mode, Pace, Policy},
    units::Replicas,
};

mod rate;
mod window;

pub(crate) use rate::limit_rate;
pub(crate) use window::stabilize;

/// A number on its way from demand to decision, and the steps that had something to say.
pub(crate) struct Way {
    pub(crate) number: Replicas,
    pub(crate) steps: Steps,
}

impl Way {
    pub(crate) fn from(number: Replicas) -> Self {
        Self { number, steps: SmallVec::new() }
    }

    pub(crate) fn step(&mut self, step: impl FnOnce(Replicas) -> Option<(Replicas, Cause)>) {
        if let Some((to, cause)) = step(self.number) {
            self.steps.push(Step { from: self.number, to, cause });
            self.number = to;
        }
    }
}

/// Where a workload stands: what a step falls back to when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) desired: Replicas,
    /// The fewest replicas now, whatever the most.
    least: Replicas,
    min: Replicas,
    max: Replicas,
    bounds: Bounds,
}

impl Stand {
    pub(crate) fn of(bounds: Bounds, seen: &Observation, demand: &Demand) -> Self {
        let least = demand.least;
        Self { desired: seen.workload.desired, least, min: least.min(bounds.max), max: bounds.max, bounds }
    }

    /// The desired number moved into the bounds, which nothing holds up: the bounds are a person's will and need no reading
    /// (as in the HPA, which rescales into its bounds before it reads a metric).
    fn held(&self) -> Replicas {
        self.clamp(self.desired)
    }

    /// Whose the fewest replicas are.
    fn fewest(&self) -> Cause {
        match &self.bounds {
            bounds if self.least < bounds.min => Cause::IdleReplicas,
            bounds if self.least > bounds.min => Cause::LastReplica,
            bounds => Cause::MinReplicas(Bound { schedule: bounds.min_of.clone() }),
        }
    }

    fn clamp(&self, replicas: Replicas) -> Replicas {
        replicas.clamp(self.min, self.max)
    }
}

/// A signal that is unknown might ask for what runs now, so nothing is scaled in past it; others may still scale out. A fallback is
/// the user's word on what to run instead.
pub(crate) fn keep_while_unknown(stand: &Stand, number: Replicas, demand: &Demand) -> Option<(Replicas, Cause)> {
    let lowers = number < stand.desired || demand.winner.is_none();
    (lowers && demand.fallback_since.is_none() && demand.any_unknown()).then_some((stand.desired, Cause::UnknownSignal))
}

/// The user's bounds. A workload without work keeps its idle replicas, and one that may have work at least one.
pub(crate) fn bound(stand: &Stand, number: Replicas) -> Option<(Replicas, Cause)> {
    let cause = match number {
        _ if number < stand.min => stand.fewest(),
        _ if number > stand.max => Cause::MaxReplicas(Bound { schedule: stand.bounds.max_of.clone() }),
        _ => return None,
    };
    Some((stand.clamp(number), cause))
}

/// No scale-in during a rollout (as Application Auto Scaling): its counts hold old and new replicas at once.
pub(crate) fn keep_during_rollout(stand: &Stand, number: Replicas, rollout: Rollout) -> Option<(Replicas, Cause)> {
    let lowers = number < stand.held() && rollout != Rollout::Settled;
    lowers.then(|| (stand.held(), Cause::RolloutInProgress))
}

/// Application Auto Scaling's cooldowns.
///
/// In a scale-up cooldown only a larger scale-up acts; ratio triggers count from the capacity at its start, so what was added already
/// is not added again. In a scale-down cooldown there is no scale-down; a scale-up goes ahead (and ends it, see
/// [`History::scaled`]).
///
/// Application Auto Scaling's documents leave open whether a scale-in may happen in a scale-out cooldown; there it hardly can, since
/// its low alarm needs 15 minutes of low values. With signals read every few seconds it could, and would undo a scale-out before it
/// carried any load. So here it waits as well.
pub(crate) fn cool_down(
    stand: &Stand,
    number: Replicas,
    demand: &Demand,
    policy: &Policy,
    history: &History,
    now: Timestamp,
) -> Option<(Replicas, Cause)> {
    let held = stand.held();
    let behavior = &policy.behavior;
    let cooling = |activity: Option<Activity>, pace: &Pace| {
        activity.map(|activity| activity.cooling(pace.cooldown, now)).filter(|cooling| *cooling != Cooling::Over)
    };
    let up = cooling(history.scale_up, &behavior.scale_up);
    let down = cooling(history.scale_down, &behavior.scale_down);
    let asked = stand.clamp(demand.replicas);
    let after = stand.clamp(demand.after_cooldown);
    match (up, down) {
        (Some(cooling), _) if number < held => Some((held, Cause::ScaleUpCooldown { cooling, then: number })),
        // The cooldown is to blame only where nothing else holds the number below what is asked for in it.
        (Some(cooling), _) if asked < after && number >= asked => {
            Some((number, Cause::ScaleUpCooldown { cooling, then: after }))
        }
        (_, Some(cooling)) if number < held => Some((held, Cause::ScaleDownCooldown { cooling, then: number })),
        _ => None,
    }
}

/// What a person said has the last word: a pin, a pause of one direction or of both, and zero replicas set by hand.
///
/// Zero replicas where the policy would never go there means that a person paused the workload (as in the HPA): it stays at zero
/// until the person sets another number. Zero that we wrote ourselves, before the policy or a schedule changed, is none of that.
pub(crate) fn respect_person(
    stand: &Stand,
    number: Replicas,
    policy: &Policy,
    history: &History,
) -> Option<(Replicas, Cause)> {
    let desired = stand.desired;
    if policy.mode == Mode::Paused {
        return Some((desired, Cause::Paused { then: policy.pinned.unwrap_or(number) }));
    }
    if let Some(pinned) = policy.pinned {
        return Some((pinned, Cause::Pinned { then: number }));
    }
    if desired == Replicas::ZERO && stand.bounds.rest > Replicas::ZERO && !history.went_to_zero() {
        return Some((desired, Cause::PausedByHand));
    }
    match policy.mode {
        Mode::ScaleUpOnly if number < desired => Some((desired, Cause::ScaleDownPaused { then: number })),
        Mode::ScaleDownOnly if number > desired => Some((desired, Cause::ScaleUpPaused { then: number })),
        _ => None,
    }
}
