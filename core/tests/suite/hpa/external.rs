//! Amounts that all replicas share.

use hybridscaler_core::{
    Replicas,
    history::History,
    look,
    observation::Workload,
    policy::Target,
    reading::{Load, Reading},
};
use serde::Deserialize;

use super::Tolerance;
use crate::support::{at_rest, now, policy, seen};

/// What the one trigger proposes.
fn proposed(target: Target, milli: u64, workload: Workload, tolerance: Tolerance) -> u32 {
    let mut policy = policy(1, Replicas::MOST.0, &[("external", target)]);
    policy.behavior = tolerance.behavior();
    let reading = Reading::Known { load: Load::Value { milli }, at: now() };
    let decision = look(&policy, &seen(workload, &[reading]), &mut History::default(), now());
    let (_, counted) = decision.explanation.demand.counted().next().unwrap();
    counted.replicas.0
}

#[derive(Deserialize)]
pub(super) struct Value {
    current_replicas: u32,
    ready_pods: u32,
    metric_values_milli: Vec<i64>,
    target_value_milli: u64,
    tolerance: Tolerance,
    expected_replicas: u32,
    expected_usage_milli: i64,
}

pub(super) fn value(case: &Value) {
    let target = Target::Value { milli: case.target_value_milli };
    let sum = case.metric_values_milli.iter().fold(0, |sum: i64, value| sum.saturating_add(*value));
    assert_eq!(sum, case.expected_usage_milli);
    let workload = Workload { running: Replicas(case.ready_pods), ..at_rest(case.current_replicas) };
    assert_eq!(proposed(target, sum.unsigned_abs(), workload, case.tolerance), case.expected_replicas);
}

#[derive(Deserialize)]
pub(super) struct AverageValue {
    status_replicas: u32,
    metric_value_milli: u64,
    target_average_milli: u64,
    tolerance: Tolerance,
    expected_replicas: u32,
}

/// Wherever `spec.replicas` stands: the rule looks at `status.replicas` alone.
pub(super) fn average_value(case: &AverageValue) {
    let target = Target::AverageValue { milli: case.target_average_milli };
    for desired in [case.status_replicas, 7] {
        let workload = Workload { desired: Replicas(desired), ..at_rest(case.status_replicas) };
        assert_eq!(proposed(target, case.metric_value_milli, workload, case.tolerance), case.expected_replicas);
    }
}
