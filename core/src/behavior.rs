//! What shapes demand before it becomes a decision: certainty, bounds, rollouts, cooldowns, a person's pause.

use alloc::{string::String, vec::Vec};

use jiff::Timestamp;

use crate::{
    demand::Demand,
    explanation::{Cause, Step},
    history::{Cooling, History},
    observation::{Rollout, Workload},
    policy::{Behavior, Policy},
    units::Replicas,
};

/// Where a workload stands: what a step falls back to when it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    desired: Replicas,
    min: Replicas,
    max: Replicas,
}

impl Stand {
    pub(crate) fn of(policy: &Policy, workload: &Workload) -> Self {
        Self { desired: workload.desired, min: policy.min, max: policy.max.max(policy.min) }
    }

    /// The desired number moved into the bounds, which nothing holds up: the bounds are a person's will and need no reading
    /// (as in the HPA, which rescales into its bounds before it reads a metric).
    fn held(&self) -> Replicas {
        self.clamp(self.desired)
    }

    fn clamp(&self, replicas: Replicas) -> Replicas {
        replicas.clamp(self.min, self.max)
    }

    fn hold(&self, from: Replicas, cause: Cause) -> Step {
        Step { from, to: self.held(), cause: Some(cause) }
    }
}

/// A signal that is unknown might ask for what runs now, so nothing is scaled in past it; others may still scale out.
pub(crate) fn keep_while_unknown(stand: &Stand, demand: &Demand) -> Step {
    let unknown: Vec<String> = demand.unknown().map(|(trigger, _)| String::from(trigger)).collect();
    let lowers = demand.replicas < stand.desired || demand.winner.is_none();
    if unknown.is_empty() || !lowers {
        return Step::unchanged(demand.replicas);
    }
    Step { from: demand.replicas, to: stand.desired, cause: Some(Cause::UnknownSignal { triggers: unknown }) }
}

/// The user's bounds.
pub(crate) fn bound(stand: &Stand, from: Replicas) -> Step {
    let to = stand.clamp(from);
    let cause = match from {
        _ if from < stand.min => Some(Cause::MinReplicas),
        _ if from > stand.max => Some(Cause::MaxReplicas),
        _ => None,
    };
    Step { from, to, cause }
}

/// No scale-in during a rollout (as Application Auto Scaling): its counts hold old and new replicas at once.
pub(crate) fn keep_during_rollout(stand: &Stand, from: Replicas, rollout: Rollout) -> Step {
    if from >= stand.held() || rollout == Rollout::Settled {
        return Step::unchanged(from);
    }
    stand.hold(from, Cause::RolloutInProgress)
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
    from: Replicas,
    demand: &Demand,
    behavior: &Behavior,
    history: &History,
    now: Timestamp,
) -> Step {
    let held = stand.held();
    let up = history.scale_up.map_or(Cooling::Over, |up| up.cooling(behavior.scale_up.cooldown, now));
    let down = history.scale_down.map_or(Cooling::Over, |down| down.cooling(behavior.scale_down.cooldown, now));
    let after = stand.clamp(demand.after_cooldown);
    match (up, down) {
        (Cooling::Settling { .. } | Cooling::Until { .. }, _) if from < held => {
            stand.hold(from, Cause::ScaleUpCooldown { cooling: up, then: from })
        }
        (Cooling::Settling { .. } | Cooling::Until { .. }, _) if from < after => {
            Step { from, to: from, cause: Some(Cause::ScaleUpCooldown { cooling: up, then: after }) }
        }
        (_, Cooling::Settling { .. } | Cooling::Until { .. }) if from < held => {
            stand.hold(from, Cause::ScaleDownCooldown { cooling: down, then: from })
        }
        _ => Step::unchanged(from),
    }
}

/// Zero replicas while at least one is asked for means that a person paused the workload (as in the HPA): it stays at zero until the
/// person sets another number.
pub(crate) fn respect_pause(stand: &Stand, from: Replicas) -> Step {
    if stand.desired == Replicas::ZERO && stand.min > Replicas::ZERO {
        return Step { from, to: Replicas::ZERO, cause: Some(Cause::PausedByHand) };
    }
    Step::unchanged(from)
}
