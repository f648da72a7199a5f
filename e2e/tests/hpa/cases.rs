//! The cases of the HPA's own tests that objects on an API server can state.

use serde_json::{Value, json};

use crate::{
    case::{Case, Metric},
    pod::Pod,
};

/// The greatest target that a HybridScaler takes, in thousandths.
const MOST: u64 = 1_000_000_000_000_000_000;

/// What the HPA tolerates unless it is told.
const TOLERANCE: f64 = 0.1;

/// Every one of them.
pub(crate) fn all() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../../../core/tests/cases/hpa.json")).unwrap();
    let suites = file["suites"].as_array().unwrap().iter();
    let all = suites.flat_map(|suite| {
        suite["cases"].as_array().unwrap().iter().map(|case| (suite["suite"].as_str().unwrap(), case))
    });
    all.enumerate().filter_map(|(number, (suite, case))| of(suite, number, case)).collect()
}

/// `None`: one of the API servers' rules refuses it, it needs a past or a tolerance that neither can be given, or ends without a
/// decision.
fn of(suite: &str, number: usize, case: &Value) -> Option<Case> {
    let count = |field: &str| case[field].as_u64();
    let none_of = |field: &str| case[field].as_array().is_none_or(Vec::is_empty);
    let dial = |wanted: u64| (wanted * 1000, 1000);
    let blank = Case {
        title: format!("{suite}: {}", case["name"].as_str()?),
        name: format!("case-{number}"),
        asked: count("current_replicas").or_else(|| count("status_replicas"))?,
        there: count("current_replicas").or_else(|| count("status_replicas"))?,
        pods: Vec::new(),
        metrics: Vec::new(),
        min: count("min_replicas").unwrap_or(1),
        max: count("max_replicas").unwrap_or(2000),
        behavior: None,
        expected: 0,
    };
    let by_average = |(value, target): (u64, u64)| vec![Metric::AverageValue { value, target }];
    let made = match suite {
        "convert_desired_replicas_with_rules" => Case {
            metrics: by_average(dial(count("desired_replicas")?)),
            expected: count("expected_replicas")?,
            ..blank
        },
        "convert_desired_replicas_with_behavior_rate" => Case {
            metrics: by_average(dial(count("desired_replicas")?)),
            behavior: Some(json!({
                "scaleUp": at_once(&case["scale_up_rules"]), "scaleDown": at_once(&case["scale_down_rules"]),
            })),
            expected: count("expected_replicas")?,
            ..blank
        },
        "scale_up_limit_with_scaling_rules" => Case {
            metrics: by_average(dial(1000)),
            behavior: Some(json!({"scaleUp": at_once(&case["rules"]), "scaleDown": unlimited()})),
            expected: count("expected_limit")?,
            ..blank
        },
        "scale_down_limit_with_behaviors" => Case {
            metrics: by_average(dial(1)),
            behavior: Some(json!({"scaleUp": unlimited(), "scaleDown": at_once(&case["rules"])})),
            expected: count("expected_limit")?,
            ..blank
        },
        "external_metric_average_value" | "object_metric_average_value" => Case {
            metrics: by_average((count("metric_value_milli")?, count("target_average_milli")?)),
            behavior: tolerating(&case["tolerance"]),
            expected: count("expected_replicas")?,
            ..blank
        },
        "external_metric_value" | "object_metric_value" => {
            let values = case["metric_values_milli"].as_array()?.iter().map(Value::as_u64);
            let value = values.sum::<Option<u64>>()?;
            Case {
                pods: vec![Pod::ready(); usize::try_from(count("ready_pods")?).ok()?],
                metrics: vec![Metric::Value { value, target: count("target_value_milli")? }],
                behavior: tolerating(&case["tolerance"]),
                expected: count("expected_replicas")?,
                ..blank
            }
        }
        "reconcile_autoscaler" => whole(case, blank)?,
        _ => return None,
    };
    // A case without bounds may expect any number; an object has some.
    let stated = made.expected <= made.max
        && made.asked > 0
        && made.min > 0
        && made.metrics.iter().all(|metric| match metric {
            Metric::AverageValue { target, .. } | Metric::Value { target, .. } => *target <= MOST,
            Metric::Cpu { .. } | Metric::Absent => true,
        })
        && none_of("scale_up_events")
        && none_of("scale_down_events");
    stated.then_some(made)
}

/// A whole look, with pods.
fn whole(case: &Value, blank: Case) -> Option<Case> {
    let metrics: Option<Vec<_>> = case["metrics"].as_array()?.iter().map(metric).collect();
    let metrics = metrics?;
    let pods: Option<Vec<_>> = case["metrics"].as_array()?.iter().map(pods).collect();
    // Without any value there is no decision to compare, unless the bounds alone tell.
    let asked = case["spec_replicas"].as_u64()?;
    let pods: Vec<Pod> = pods?.into_iter().flatten().collect();
    let unread = |metric: &Metric| match metric {
        Metric::Cpu { .. } => pods.iter().all(|pod| pod.usage.is_none()),
        Metric::Absent => true,
        Metric::AverageValue { .. } | Metric::Value { .. } => false,
    };
    if asked <= blank.max && metrics.iter().all(unread) {
        return None;
    }
    // What the HPA keeps of the time before, without a word in its spec: five minutes to fewer.
    let young = case["recommendation_history"] == "initial";
    Some(Case {
        asked,
        there: case["status_replicas"].as_u64()?,
        pods: if pods.is_empty() { vec![Pod::ready(); usize::try_from(asked).ok()?] } else { pods },
        metrics,
        behavior: young.then(|| json!({"scaleDown": {"stabilizationWindowSeconds": 300}})),
        expected: case["expected_desired_replicas"].as_u64()?,
        ..blank
    })
}

fn metric(metric: &Value) -> Option<Metric> {
    match metric["kind"].as_str()? {
        "Resource/cpu utilization" => Some(Metric::Cpu { percent: metric["target_percent"].as_u64()? }),
        "External value" => {
            let value = metric["values_milli"].as_array()?.iter().map(Value::as_u64).sum::<Option<u64>>()?;
            Some(Metric::Value { value, target: metric["target_milli"].as_u64()? })
        }
        // No API server takes a metric without a type: one that nobody serves is as unknown.
        "invalid type" => Some(Metric::Absent),
        _ => None,
    }
}

/// The pods that a metric is about; `None`: it measures more than there are, which no API says.
fn pods(metric: &Value) -> Option<Vec<Pod>> {
    let list = |field: &str| metric[field].as_array().map_or(&[][..], Vec::as_slice);
    let (uses, requests) = (list("pod_usage_milli"), list("pod_request_milli"));
    let pod = |number: usize| {
        Some(Pod {
            phase: list("pod_phase")[number].as_str()?.to_owned(),
            deleting: list("pod_deleting")[number].as_bool()?,
            ready: list("pod_ready")[number].as_bool()?,
            age: list("pod_start_age_s")[number].as_i64()?,
            request: requests[number].as_u64()?,
            usage: uses.get(number).and_then(Value::as_u64),
        })
    };
    (uses.len() <= requests.len()).then(|| (0..requests.len()).map(pod).collect())?
}

/// The rules without their window: one decision is asked for, and what was recommended before it is its own beginning.
fn at_once(rules: &Value) -> Value {
    let mut rules = rules.clone();
    rules["stabilizationWindowSeconds"] = json!(0);
    rules
}

/// Rules that hold nothing back.
fn unlimited() -> Value {
    json!({"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100_000, "periodSeconds": 1}]})
}

/// A behavior with these tolerances; none where they are everybody's.
fn tolerating(tolerance: &Value) -> Option<Value> {
    let (up, down) = (tolerance["up"].as_f64().unwrap_or(TOLERANCE), tolerance["down"].as_f64().unwrap_or(TOLERANCE));
    let everybody = (up - TOLERANCE).abs() < f64::EPSILON && (down - TOLERANCE).abs() < f64::EPSILON;
    (!everybody).then(
        || json!({"scaleUp": {"tolerance": up}, "scaleDown": {"tolerance": down, "stabilizationWindowSeconds": 0}}),
    )
}
