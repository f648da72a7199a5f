//! Every case of `cases/hpa.json`: what the tests of Kubernetes' own Horizontal Pod Autoscaler give it and expect of it.

#![expect(clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use hybridscaler_core::{
    explanation::Limit,
    policy::{Behavior, Outage, Pace},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::support::unhurried;

mod documents;
mod external;
mod pods;
mod rates;
mod reconcile;
mod windows;

#[derive(Deserialize)]
struct File {
    meta: Meta,
    suites: Vec<Suite>,
}

#[derive(Deserialize)]
struct Meta {
    total_cases: usize,
    cases_per_suite: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Suite {
    suite: String,
    cases: Vec<Value>,
}

/// A case that cannot apply to us, and why.
const NOT_OURS: &[(&str, &str)] = &[(
    "AWS percent rounding",
    "a step policy's percentage of the capacity: there are no step policies here, and a rate policy's percentage rounds as the HPA's",
)];

fn run(suite: &str, case: &Value) {
    match suite {
        "convert_desired_replicas_with_rules" => rates::without_behavior(&typed(case)),
        "scale_up_limit_with_scaling_rules" => rates::up_limit(&typed(case)),
        "scale_down_limit_with_behaviors" => rates::down_limit(&typed(case)),
        "convert_desired_replicas_with_behavior_rate" => rates::limited(&typed(case)),
        "store_scale_event" => rates::stored(&typed(case)),
        "stabilize_recommendation" => windows::without_behavior(&typed(case)),
        "stabilize_recommendation_with_behaviors" => windows::with_behaviors(&typed(case)),
        "resource_replicas_cpu_utilization" => pods::utilization(&typed(case)),
        "pods_metric_average_value" => pods::average_value(&typed(case)),
        "group_pods" => pods::groups(&typed(case)),
        "object_metric_value" | "external_metric_value" => external::value(&typed(case)),
        "object_metric_average_value" | "external_metric_average_value" => external::average_value(&typed(case)),
        "reconcile_autoscaler" => reconcile::whole(&typed(case)),
        "kep_and_doc_examples" => documents::example(case),
        _ => panic!("nothing runs the suite {suite}"),
    }
}

fn typed<T: DeserializeOwned>(case: &Value) -> T {
    serde_json::from_value(case.clone()).unwrap_or_else(|error| panic!("{error}: {case}"))
}

#[test]
fn every_case_of_the_hpa_gives_the_number_that_the_hpa_gives() {
    let file: File = serde_json::from_str(include_str!("../cases/hpa.json")).unwrap();
    let (mut ran, mut listed) = (0, 0);
    for Suite { suite, cases } in &file.suites {
        let (not_ours, ours): (Vec<_>, Vec<_>) = cases.iter().partition(|case| reason_not_to_run(case).is_some());
        for case in &ours {
            println!("{suite}: {}", name(case)); // shown when the case fails
            run(suite, case);
        }
        for case in &not_ours {
            println!("{suite}: {} cannot apply: {}", name(case), reason_not_to_run(case).unwrap());
        }
        assert_eq!(cases.len(), file.meta.cases_per_suite[suite], "{suite}");
        println!("{suite}: {} ran, {} listed", ours.len(), not_ours.len());
        ran += ours.len();
        listed += not_ours.len();
    }
    println!("{ran} cases ran, {listed} listed");
    assert_eq!((ran + listed, listed), (file.meta.total_cases, NOT_OURS.len()));
}

fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap()
}

fn reason_not_to_run(case: &Value) -> Option<&'static str> {
    NOT_OURS.iter().find(|(listed, _)| *listed == name(case)).map(|(_, reason)| *reason)
}

/// The reason of the HPA's condition `ScalingLimited` that says the same.
fn scaling_limited(limit: Limit) -> &'static str {
    match limit {
        Limit::MinReplicas => "TooFewReplicas",
        Limit::MaxReplicas => "TooManyReplicas",
        Limit::ScaleUpLimit | Limit::ScaleUpDisabled => "ScaleUpLimit",
        Limit::ScaleDownLimit | Limit::ScaleDownDisabled => "ScaleDownLimit",
        Limit::None | Limit::ScaleUpStabilized | Limit::ScaleDownStabilized => "DesiredWithinRange",
        other => panic!("the HPA has no word for {other:?}"),
    }
}

/// How far a ratio may be from 1, as a fraction.
#[derive(Clone, Copy, Deserialize)]
struct Tolerance {
    up: f64,
    down: f64,
}

impl Tolerance {
    fn behavior(self) -> Behavior {
        let pace = |fraction| Pace { tolerance_permille: thousandths(fraction), ..unhurried() };
        Behavior { scale_up: pace(self.up), scale_down: pace(self.down), outage: Outage::PassOver }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cases hold fractions of a few digits")]
fn thousandths(fraction: f64) -> u32 {
    (fraction * 1000.0).round() as u32
}
