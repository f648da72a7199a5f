//! What shapes demand before it becomes a decision: certainty, stabilization, rates, bounds, rollouts, cooldowns, a person's word.
//!
//! A step takes the number that reached it and says what it makes of it, with its cause; or nothing, when it has nothing to say.

use alloc::sync::Arc;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::{
    demand::{Demand, Winner, activation},
    explanation::{Bound, Cause, Step, Steps},
    history::{Cooling, History},
    observation::{Observation, Rollout},
    policy::{Mode, Policy},
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
    min: Replicas,
    max: Replicas,
    min_of: Option<Arc<str>>,
    max_of: Option<Arc<str>>,
}

impl Stand {
    /// The bounds are the policy's, or those of open schedules: the largest minimum and the smallest maximum, which counts more.
    pub(crate) fn of(policy: &Policy, seen: &Observation, demand: &Demand) -> Self {
        let desired = seen.workload.desired;
        let (mut min, mut max) = (activation::least(demand, policy, desired), policy.max.max(policy.min));
        let (mut min_of, mut max_of) = (None, None);
        let (mut own_min, mut own_max) = (None, None);
        for (schedule, _) in policy.schedules.iter().zip(&seen.schedules).filter(|(_, until)| until.is_some()) {
            if schedule.min.is_some_and(|min| own_min.is_none_or(|known| min > known)) {
                (own_min, min_of) = (schedule.min, Some(Arc::clone(&schedule.name)));
            }
            if schedule.max.is_some_and(|max| own_max.is_none_or(|known| max < known)) {
                (own_max, max_of) = (schedule.max, Some(Arc::clone(&schedule.name)));
            }
        }
        min = own_min.unwrap_or(min);
        max = own_max.unwrap_or(max);
        Self { desired, min: min.min(max), max, min_of, max_of }
    }

    /// The desired number moved into the bounds, which nothing holds up: the bounds are a person's will and need no reading
    /// (as in the HPA, which rescales into its bounds before it reads a metric).
    fn held(&self) -> Replicas {
        self.clamp(self.desired)
    }

    fn clamp(&self, replicas: Replicas) -> Replicas {
        replicas.clamp(self.min, self.max)
    }
}

/// A signal that is unknown might ask for what runs now, so nothing is scaled in past it; others may still scale out. A fallback is
/// the user's word on what to run instead.
pub(crate) fn keep_while_unknown(stand: &Stand, number: Replicas, demand: &Demand) -> Option<(Replicas, Cause)> {
    let lowers = number < stand.desired || demand.winner.is_none();
    let fell_back = matches!(demand.winner, Some(Winner::Fallback { .. }));
    (demand.any_unknown() && lowers && !fell_back).then_some((stand.desired, Cause::UnknownSignal))
}

/// The user's bounds.
pub(crate) fn bound(stand: &Stand, number: Replicas) -> Option<(Replicas, Cause)> {
    let cause = match number {
        _ if number < stand.min => Cause::MinReplicas(Bound { schedule: stand.min_of.clone() }),
        _ if number > stand.max => Cause::MaxReplicas(Bound { schedule: stand.max_of.clone() }),
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
    after_cooldown: Replicas,
    policy: &Policy,
    history: &History,
    now: Timestamp,
) -> Option<(Replicas, Cause)> {
    let held = stand.held();
    let behavior = &policy.behavior;
    let up = history.scale_up.map_or(Cooling::Over, |up| up.cooling(behavior.scale_up.cooldown, now));
    let down = history.scale_down.map_or(Cooling::Over, |down| down.cooling(behavior.scale_down.cooldown, now));
    let after = stand.clamp(after_cooldown);
    match (up, down) {
        (Cooling::Settling { .. } | Cooling::Until { .. }, _) if number < held => {
            Some((held, Cause::ScaleUpCooldown { cooling: up, then: number }))
        }
        (Cooling::Settling { .. } | Cooling::Until { .. }, _) if number < after => {
            Some((number, Cause::ScaleUpCooldown { cooling: up, then: after }))
        }
        (_, Cooling::Settling { .. } | Cooling::Until { .. }) if number < held => {
            Some((held, Cause::ScaleDownCooldown { cooling: down, then: number }))
        }
        _ => None,
    }
}

/// What a person said has the last word: a pin, a pause of one direction or of both, and zero replicas set by hand.
///
/// Zero replicas where the policy would never go there means that a person paused the workload (as in the HPA): it stays at zero
/// until the person sets another number.
pub(crate) fn respect_person(stand: &Stand, number: Replicas, policy: &Policy) -> Option<(Replicas, Cause)> {
    let desired = stand.desired;
    if policy.mode == Mode::Paused {
        return Some((desired, Cause::Paused { then: policy.pinned.unwrap_or(number) }));
    }
    if let Some(pinned) = policy.pinned {
        return Some((pinned, Cause::Pinned { then: number }));
    }
    if desired == Replicas::ZERO && activation::at_rest(policy) > Replicas::ZERO {
        return Some((desired, Cause::PausedByHand));
    }
    match policy.mode {
        Mode::ScaleUpOnly if number < desired => Some((desired, Cause::ScaleDownPaused { then: number })),
        Mode::ScaleDownOnly if number > desired => Some((desired, Cause::ScaleUpPaused { then: number })),
        _ => None,
    }
}
