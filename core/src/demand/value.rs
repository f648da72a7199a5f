//! An amount that all replicas share, into replicas: the HPA's rules for external and object metrics.

use jiff::SignedDuration;

use super::{
    Counted, Measure, Ruling,
    arithmetic::{ceil, float, within_tolerance},
};
use crate::{observation::Workload, policy::Behavior, units::Replicas};

/// The HPA's `Value`: the ready replicas times the ratio of value to target. Without a replica the ratio itself, whatever the
/// tolerance.
pub(super) fn value(milli: u64, target: u64, workload: &Workload, behavior: &Behavior, age: SignedDuration) -> Counted {
    let ratio = float(milli) / float(target.max(1));
    let Workload { desired, running, .. } = *workload;
    let (replicas, within) = match desired {
        Replicas::ZERO => (ceil(ratio), false),
        _ if within_tolerance(ratio, behavior) => (desired, true),
        _ => (ceil(ratio * f64::from(running.0)), false),
    };
    counted(milli, running, replicas, desired, within, age)
}

/// The HPA's `AverageValue`: the value divided by the target, unless the replicas that exist have within the tolerance of it each.
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
    let (replicas, within) =
        if within_tolerance(ratio, behavior) { (workload.desired, true) } else { (ceil(float(milli) / target), false) };
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
        _ if within => Ruling::WithinTolerance,
        more if more > desired => Ruling::More,
        fewer if fewer < desired => Ruling::Fewer,
        _ => Ruling::WholeReplicas,
    };
    Counted { measure: Measure::Value { milli, base }, age, replicas, after_cooldown: replicas, ruling, band: None }
}
