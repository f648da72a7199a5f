//! The HPA's own cases, once through the controller of Kubernetes and once through ours: one external metric, one behavior, and the
//! same number from both.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, future::join_all};
use hybridscaler::api::decision::DecisionInput;
use hybridscaler_e2e::bed::{Bed, metrics_apis::MetricsApis};
use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::{HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus},
};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;

/// Many times what it takes, since the machine may be busy with a build.
const PATIENCE: Duration = Duration::from_mins(2);

/// No controller but the one under test: it decides on the counts that the test writes, and nobody acts on what it decides.
const FLAGS: [&str; 3] = [
    "--controllers=horizontal-pod-autoscaler-controller,serviceaccount-controller",
    "--horizontal-pod-autoscaler-sync-period=1s",
    "--horizontal-pod-autoscaler-downscale-stabilization=0s",
];

/// The metric of one case is this, with the case's name as its label.
const METRIC: &str = "load";

/// The greatest target that a HybridScaler takes, in thousandths.
const MOST: u64 = 1_000_000_000_000_000_000;

/// A case that one external metric, an average for each replica, can state.
struct Case {
    title: String,
    name: String,
    current: u64,
    /// What all replicas have of the metric together, and what each should have, in thousandths.
    value: u64,
    target: u64,
    min: u64,
    max: u64,
    behavior: Option<Value>,
    /// What the HPA's own test expects, where its constants are those of production.
    expected: u64,
}

impl Case {
    /// `None`: one of the API servers' rules refuses it, or it needs a past or another tolerance.
    fn of(suite: &str, number: usize, case: &Value) -> Option<Self> {
        let count = |field: &str| case[field].as_u64();
        let past = |field: &str| case[field].as_array().is_some_and(|events| !events.is_empty());
        let dial = |wanted: u64| (wanted * 1000, 1000);
        let rules = |direction: &str, rules: &Value| {
            let open = json!({"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100_000, "periodSeconds": 1}]});
            let other = if direction == "scaleUp" { "scaleDown" } else { "scaleUp" };
            json!({direction: at_once(rules), other: open})
        };
        let (current, (value, target), behavior, expected) = match suite {
            "convert_desired_replicas_with_rules" => {
                (count("current_replicas")?, dial(count("desired_replicas")?), None, count("expected_replicas")?)
            }
            "convert_desired_replicas_with_behavior_rate" => {
                let behavior = json!({
                    "scaleUp": at_once(&case["scale_up_rules"]), "scaleDown": at_once(&case["scale_down_rules"]),
                });
                (
                    count("current_replicas")?,
                    dial(count("desired_replicas")?),
                    Some(behavior),
                    count("expected_replicas")?,
                )
            }
            "scale_up_limit_with_scaling_rules" => (
                count("current_replicas")?,
                dial(1000),
                Some(rules("scaleUp", &case["rules"])),
                count("expected_limit")?,
            ),
            "scale_down_limit_with_behaviors" => (
                count("current_replicas")?,
                dial(1),
                Some(rules("scaleDown", &case["rules"])),
                count("expected_limit")?,
            ),
            "external_metric_average_value" | "object_metric_average_value" => {
                let average = (count("metric_value_milli")?, count("target_average_milli")?);
                // The default behavior, and the tolerance of everybody.
                (count("status_replicas")?, average, None, count("expected_replicas")?)
            }
            _ => return None,
        };
        let (min, max) = (count("min_replicas").unwrap_or(1), count("max_replicas").unwrap_or(2000));
        let tolerated = case["tolerance"].is_null() || case["tolerance"] == json!({"up": 0.1, "down": 0.1});
        let stated = target <= MOST
            && current > 0
            && min > 0
            && tolerated
            && !past("scale_up_events")
            && !past("scale_down_events");
        let (title, name) = (format!("{suite}: {}", case["name"].as_str()?), format!("case-{number}"));
        stated.then_some(Self { title, name, current, value, target, min, max, behavior, expected })
    }

    /// Makes what is scaled, with counts as if it ran, then its autoscaler.
    async fn create(&self, client: &Client, namespace: &str) {
        let Self { name, current, target, min, max, behavior, .. } = self;
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        let labels = json!({"case": name});
        let deployment = object(json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": current, "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
                },
            },
        }));
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
        let counts = Patch::Merge(json!({"status": {"replicas": current}}));
        deployments.patch_status(name, &PatchParams::default(), &counts).await.unwrap();
        let autoscaler: HorizontalPodAutoscaler = object(json!({
            "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": min, "maxReplicas": max, "behavior": behavior,
                "metrics": [{"type": "External", "external": {
                    "metric": {"name": METRIC, "selector": {"matchLabels": labels}},
                    "target": {"type": "AverageValue", "averageValue": format!("{target}m")},
                }}],
            },
        }));
        Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &autoscaler).await.unwrap();
    }

    /// The number that we come to.
    fn ours(&self) -> u64 {
        let Self { name, current, value, target, min, max, behavior, .. } = self;
        // An HPA without a behavior grows to twice its replicas, or to 4, which is less than the defaults of a behavior that is begun.
        let rate = |unit, value| json!({"type": unit, "value": value, "periodSeconds": 15});
        let to_four = (*current < 4).then(|| rate("Pods", 4_u64.saturating_sub(*current)));
        let policies: Vec<_> = [Some(rate("Percent", 100)), to_four].into_iter().flatten().collect();
        let default = json!({"scaleUp": {"policies": policies}, "scaleDown": {"stabilizationWindowSeconds": 0}});
        let input: DecisionInput = object(json!({
            "now": "2027-01-15T08:00:00Z",
            "scaler": {
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": min, "maxReplicas": max, "behavior": behavior.as_ref().unwrap_or(&default),
                "triggers": [{"name": "load", "external": {"metricName": METRIC, "targetAverageValue": format!("{target}m")}}],
            },
            "observation": {
                "replicas": {"desired": current}, "readings": {"load": {"value": format!("{value}m")}},
            },
        }));
        u64::from(input.decide(|| Ok(Vec::new())).unwrap().decision.replicas.0)
    }
}

/// The rules without their window: one decision is asked for, and what was recommended before it is its own beginning.
fn at_once(rules: &Value) -> Value {
    let mut rules = rules.clone();
    rules["stabilizationWindowSeconds"] = json!(0);
    rules
}

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// What the HPA decided, once it could read its metric.
fn decided(status: &HorizontalPodAutoscalerStatus) -> Option<i32> {
    let conditions = status.conditions.iter().flatten();
    let active =
        conditions.into_iter().any(|condition| condition.type_ == "ScalingActive" && condition.status == "True");
    active.then_some(status.desired_replicas)
}

/// The first decision on each autoscaler, by name. Later ones are of counts that nobody keeps.
async fn first_decisions(autoscalers: Api<HorizontalPodAutoscaler>, many: usize) -> BTreeMap<String, u64> {
    let none = autoscalers.list(&ListParams::default()).await.unwrap();
    let params = WatchParams::default().timeout(290);
    let mut events = autoscalers.watch(&params, &none.metadata.resource_version.unwrap()).await.unwrap().boxed();
    let mut first = BTreeMap::new();
    while first.len() < many {
        let (WatchEvent::Added(seen) | WatchEvent::Modified(seen)) = events.next().await.unwrap().unwrap() else {
            continue;
        };
        if let Some(replicas) = seen.status.as_ref().and_then(decided) {
            first.entry(seen.name_any()).or_insert(u64::try_from(replicas).unwrap());
        }
    }
    first
}

#[tokio::test]
async fn the_controller_of_kubernetes_and_ours_decide_alike() {
    let file: Value = serde_json::from_str(include_str!("../../core/tests/cases/hpa.json")).unwrap();
    let suites = file["suites"].as_array().unwrap().iter();
    let all = suites.flat_map(|suite| {
        suite["cases"].as_array().unwrap().iter().map(|case| (suite["suite"].as_str().unwrap(), case))
    });
    let cases: Vec<Case> =
        all.enumerate().filter_map(|(number, (suite, case))| Case::of(suite, number, case)).collect();

    let bed = Bed::own_with("hpa", &FLAGS).await.unwrap();
    let client = bed.control_plane.admin().await.unwrap();
    let metrics = MetricsApis::start(&bed).await.unwrap();
    for Case { name, value, .. } in &cases {
        metrics.set_external(METRIC, &[("case", name)], &format!("{value}m"));
    }
    let decisions = tokio::spawn(first_decisions(Api::namespaced(client.clone(), &bed.namespace), cases.len()));
    join_all(cases.iter().map(|case| case.create(&client, &bed.namespace))).await;
    let theirs = timeout(PATIENCE, decisions).await.expect("the HPA does not decide in time").unwrap();

    for case in &cases {
        let (kubernetes, ours) = (theirs[&case.name], case.ours());
        assert_eq!((kubernetes, ours), (case.expected, case.expected), "{}: theirs, ours", case.title);
    }
    println!("{} cases ran through the controller of Kubernetes", cases.len());
    assert_eq!(cases.len(), 17);
}
