//! An amount that all replicas share, into replicas: the HPA's rules for external and object metrics.

use alloc::format;

use jiff::SignedDuration;

use super::{
    Counted, Measure, Ruling,
    arithmetic::{ceil, float, within_tolerance},
};
use crate::{
    observation::Workload,
    policy::Behavior,
    reading::{Unknown, Unread},
    units::Replicas,
};

/// The HPA's `Value`: the ready replicas times the ratio of value to target. Where none is desired the ratio itself, whatever the
/// tolerance.
///
/// # Errors
/// Replicas are desired and none exists, so there is nothing to take a ratio of.
pub(super) fn value(
    milli: u64,
    target: u64,
    workload: &Workload,
    behavior: &Behavior,
    age: SignedDuration,
) -> Result<Counted, Unread> {
    let ratio = float(milli) / float(target.max(1));
    let Workload { desired, running, .. } = *workload;
    let (replicas, within) = match desired {
        Replicas::ZERO => (ceil(ratio), false),
        _ if within_tolerance(ratio, behavior) => (desired, true),
        _ if workload.live() == Replicas::ZERO => {
            let message = format!("{desired} replicas are desired and none exists, so no ratio can be taken of them");
            return Err(Unread::new(Unknown::Empty, message));
        }
        _ => (ceil(ratio * f64::from(running.0)), false),
    };
    Ok(counted(milli, running, replicas, desired, within, age))
}

/// The HPA's `AverageValue`: the value divided by the target, or the replicas that exist when each has within the tolerance of it.
pub(super) fn average_value(
    milli: u64,
    target: u64,
    workload: &Workload,
    behavior: &Behavior,
    age: SignedDuration,
) -> Counted {
    let target = float(target.max(1));
    let exist = workload.running.plus(workload.starting);
    let ratio = float(milli) / (target * f64::from(exist.0));
    let within = within_tolerance(ratio, behavior);
    let replicas = if within { exist } else { ceil(float(milli) / target) };
    counted(milli, exist, replicas, workload.desired, within, age)
}

fn counted(
    milli: u64,
    base: Replicas,
    replicas: Replicas,
    desired: Replicas,
    within: bool,
    age: SignedDuration,
) -> Counted {
    let ruling = match replicas {
        more if more > desired => Ruling::More,
        fewer if fewer < desired => Ruling::Fewer,
        _ if within => Ruling::WithinTolerance,
        _ => Ruling::WholeReplicas,
    };
    Counted { measure: Measure::Value { milli, base }, age, replicas, after_cooldown: replicas, ruling, band: None }
}
