//! The HPA's arithmetic, in the same floating-point operations, so that it gives the same numbers to the last replica.
//!
//! Source: `pkg/controller/podautoscaler/replica_calculator.go` and `metrics/utilization.go` of Kubernetes.

use crate::{policy::Behavior, units::Replicas};

/// Whether a ratio of load to target changes nothing, bounds included.
pub(super) fn within_tolerance(ratio: f64, behavior: &Behavior) -> bool {
    // Kubernetes reads a quantity of thousandths as a product, which now and then differs from the quotient in the last bit.
    let fraction = |permille: u32| f64::from(permille) * 0.001;
    let least = 1.0 - fraction(behavior.scale_down.tolerance_permille);
    let most = 1.0 + fraction(behavior.scale_up.tolerance_permille);
    least <= ratio && ratio <= most
}

/// `amount` rounded up to whole replicas, between 0 and the most that a target can be told.
pub(super) fn ceil(amount: f64) -> Replicas {
    if amount.is_nan() || amount >= f64::from(Replicas::MOST.0) {
        return Replicas::MOST;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and i32::MAX; negative becomes 0"
    )]
    let whole = amount.max(0.0) as u32;
    Replicas(if f64::from(whole) < amount { whole + 1 } else { whole })
}

/// A count as the HPA's floating point sees it.
#[expect(clippy::cast_precision_loss, reason = "the HPA converts an int64 in the same way")]
pub(super) const fn float(amount: u64) -> f64 {
    amount as f64
}
