//! How much may change in a time, as in the HPA (`calculateScaleUpLimitWithScalingRules`, `calculateScaleDownLimitWithBehaviors`), in
//! the same floating-point operations, so that it gives the same numbers to the last replica.

use core::cmp::Ordering;

use jiff::Timestamp;

use super::Stand;
use crate::{
    explanation::Cause,
    history::{History, added, removed},
    policy::{Pace, Policy, RateKind, RatePolicy, SelectPolicy},
    units::Replicas,
};

/// Keeps a change within the policies of its direction. Never past what is desired: the past is not undone. Where a bound allows no
/// more than the policies, it is the bound that limits.
pub(crate) fn limit_rate(
    stand: &Stand,
    number: Replicas,
    policy: &Policy,
    history: &History,
    now: Timestamp,
) -> Option<(Replicas, Cause)> {
    let desired = stand.desired;
    let behavior = &policy.behavior;
    // What was changed already limits for as long as the last of several changes that count as one, and frees as long as the first.
    let start = |policy: &RatePolicy, growing: bool| {
        let added = added(&history.events, policy.period, now, growing);
        let removed = removed(&history.events, policy.period, now, !growing);
        i64::from(desired.0).saturating_sub(added).saturating_add(removed)
    };
    match number.cmp(&desired) {
        Ordering::Equal => None,
        Ordering::Greater if behavior.scale_up.select == SelectPolicy::Disabled => {
            Some((desired, Cause::ScaleUpDisabled { then: number }))
        }
        Ordering::Less if behavior.scale_down.select == SelectPolicy::Disabled => {
            Some((desired, Cause::ScaleDownDisabled { then: number }))
        }
        Ordering::Greater => {
            let (limit, policy) =
                limit(&behavior.scale_up, |policy| up(start(policy, true), policy), Ordering::Greater)?;
            // From nothing no percentage leads anywhere.
            let limit = limit.max(desired).max(Replicas(1));
            (number > limit && limit < stand.max).then_some((limit, Cause::ScaleUpLimit { policy, then: number }))
        }
        Ordering::Less => {
            let (limit, policy) =
                limit(&behavior.scale_down, |policy| down(start(policy, false), policy), Ordering::Less)?;
            let limit = limit.min(desired);
            (number < limit && limit > stand.min).then_some((limit, Cause::ScaleDownLimit { policy, then: number }))
        }
    }
}

/// The limit that the policies of a direction give, and the policy that gives it; `further` is where a larger change leads.
fn limit(pace: &Pace, of: impl Fn(&RatePolicy) -> Replicas, further: Ordering) -> Option<(Replicas, RatePolicy)> {
    let limits = pace.policies.iter().map(|policy| (of(policy), *policy));
    limits.reduce(|best, next| {
        let preferred = match pace.select {
            SelectPolicy::Max => further,
            SelectPolicy::Min | SelectPolicy::Disabled => further.reverse(),
        };
        if next.0.cmp(&best.0) == preferred { next } else { best }
    })
}

/// A percentage is rounded up, or a small one would never lead anywhere.
fn up(start: i64, policy: &RatePolicy) -> Replicas {
    match policy.kind {
        RateKind::Pods => whole(start.saturating_add(policy.value.into())),
        RateKind::Percent => {
            let exact = float(start) * (1.0 + f64::from(policy.value) / 100.0);
            let floor = whole_of(exact);
            whole(if float(floor) < exact { floor.saturating_add(1) } else { floor })
        }
    }
}

/// A percentage leaves what is left rounded down, so that the last replica may go.
fn down(start: i64, policy: &RatePolicy) -> Replicas {
    match policy.kind {
        RateKind::Pods => whole(start.saturating_sub(policy.value.into())),
        RateKind::Percent => whole(whole_of(float(start) * (1.0 - f64::from(policy.value) / 100.0))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of replicas; the HPA converts them in the same way")]
const fn float(count: i64) -> f64 {
    count as f64
}

/// Towards zero; what does not fit is held at the edge.
#[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
const fn whole_of(amount: f64) -> i64 {
    amount as i64
}

fn whole(replicas: i64) -> Replicas {
    Replicas(u32::try_from(replicas.max(0)).unwrap_or(u32::MAX)).min(Replicas::MOST)
}
