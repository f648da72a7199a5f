//! One case: its objects for the HPA, and its document for us.

use hybridscaler::api::decision::DecisionInput;
use hybridscaler_e2e::bed::metrics_apis::{MetricsApis, WINDOW};
use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v2::HorizontalPodAutoscaler};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Map, Value, json};

use crate::{object, pod::Pod};

/// The external metric of one case is this, with the case's name as its label.
const METRIC: &str = "load";

/// A case that an autoscaler with one metric or two can state.
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) name: String,
    /// Replicas that are asked for, and those that there are.
    pub(crate) asked: u64,
    pub(crate) there: u64,
    pub(crate) pods: Vec<Pod>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) behavior: Option<Value>,
    /// What the HPA's own test expects, where its constants are those of production.
    pub(crate) expected: u64,
}

/// A metric with its target; loads are in thousandths.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Metric {
    /// What all replicas have together, and what each should have.
    AverageValue { value: u64, target: u64 },
    /// What there is, and what there should be.
    Value { value: u64, target: u64 },
    /// CPU in percent of what the pods request.
    Cpu { percent: u64 },
    /// One that nobody serves.
    Absent,
}

impl Case {
    fn labels(&self) -> Value {
        json!({"case": self.name})
    }

    /// Each pod's name with the CPU that it uses.
    pub(crate) fn uses(&self) -> Vec<(String, u64)> {
        let named = self.pods.iter().enumerate().map(|(number, pod)| (self.pod(number), pod.usage));
        named.filter_map(|(name, usage)| Some((name, usage?))).collect()
    }

    fn pod(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    /// Serves what is external.
    pub(crate) fn serve(&self, metrics: &MetricsApis) {
        for metric in &self.metrics {
            if let Metric::AverageValue { value, .. } | Metric::Value { value, .. } = metric {
                metrics.set_external(METRIC, &[("case", &self.name)], &format!("{value}m"));
            }
        }
    }

    /// Makes what is scaled, with counts as if it ran, then its autoscaler.
    pub(crate) async fn create(&self, client: &Client, namespace: &str) {
        let Self { name, asked, there, min, max, .. } = self;
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        let labels = self.labels();
        let deployment = object(json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": asked, "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
                },
            },
        }));
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
        let counts = Patch::Merge(json!({"status": {"replicas": there}}));
        deployments.patch_status(name, &PatchParams::default(), &counts).await.unwrap();
        for (number, pod) in self.pods.iter().enumerate() {
            pod.create(client, namespace, &self.pod(number), &labels).await;
        }
        let metrics: Vec<_> = self.metrics.iter().map(|metric| metric.of_autoscaler(&labels)).collect();
        let autoscaler: HorizontalPodAutoscaler = object(json!({
            "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": min, "maxReplicas": max, "behavior": self.behavior.clone().map(with_quantities),
                "metrics": metrics,
            },
        }));
        Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &autoscaler).await.unwrap();
    }

    /// The number that we come to.
    pub(crate) fn ours(&self) -> u64 {
        let Self { name, asked, there, min, max, behavior, .. } = self;
        let now: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        // An HPA without a behavior grows to twice its replicas, or to 4, which is less than the defaults of a behavior that is begun.
        let rate = |unit, value| json!({"type": unit, "value": value, "periodSeconds": 15});
        let to_four = (*asked < 4).then(|| rate("Pods", 4_u64.saturating_sub(*asked)));
        let policies: Vec<_> = [Some(rate("Percent", 100)), to_four].into_iter().flatten().collect();
        let default = json!({"scaleUp": {"policies": policies}, "scaleDown": {"stabilizationWindowSeconds": 0}});
        let names = (0..).map(|number| format!("trigger-{number}"));
        let triggers = names.clone().zip(&self.metrics).map(|(name, metric)| metric.of_trigger(&name));
        let readings = names.zip(&self.metrics).map(|(name, metric)| (name, self.reading(*metric, now)));
        let input: DecisionInput = object(json!({
            "now": now,
            "scaler": {
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": min, "maxReplicas": max, "behavior": behavior.as_ref().unwrap_or(&default),
                "triggers": triggers.collect::<Vec<_>>(),
            },
            "observation": {
                "replicas": {"desired": asked, "running": there}, "readings": readings.collect::<Map<_, _>>(),
            },
        }));
        u64::from(input.decide(|| Ok(Vec::new())).unwrap().decision.replicas.0)
    }

    fn reading(&self, metric: Metric, now: Timestamp) -> Value {
        match metric {
            Metric::AverageValue { value, .. } | Metric::Value { value, .. } => json!({"value": format!("{value}m")}),
            Metric::Cpu { .. } => {
                let pods: Vec<_> = self.pods.iter().map(|pod| pod.document(now, WINDOW.as_secs())).collect();
                json!({"pods": pods})
            }
            Metric::Absent => json!({"unknown": "NotFound"}),
        }
    }
}

impl Metric {
    fn of_autoscaler(self, labels: &Value) -> Value {
        let external = |name: &str, target: Value| {
            let metric = json!({"name": name, "selector": {"matchLabels": labels}});
            json!({"type": "External", "external": {"metric": metric, "target": target}})
        };
        match self {
            Self::AverageValue { target, .. } => {
                external(METRIC, json!({"type": "AverageValue", "averageValue": format!("{target}m")}))
            }
            Self::Value { target, .. } => external(METRIC, json!({"type": "Value", "value": format!("{target}m")})),
            Self::Cpu { percent } => {
                let target = json!({"type": "Utilization", "averageUtilization": percent});
                json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
            }
            Self::Absent => external("nobody-serves-this", json!({"type": "Value", "value": "1"})),
        }
    }

    fn of_trigger(self, name: &str) -> Value {
        match self {
            Self::AverageValue { target, .. } => {
                json!({"name": name, "external": {"metricName": METRIC, "targetAverageValue": format!("{target}m")}})
            }
            Self::Value { target, .. } => {
                json!({"name": name, "external": {"metricName": METRIC, "targetValue": format!("{target}m")}})
            }
            Self::Cpu { percent } => json!({"name": name, "cpu": {"targetUtilization": percent}}),
            Self::Absent => json!({"name": name, "external": {"metricName": "nobody-serves-this", "targetValue": "1"}}),
        }
    }
}

/// The HPA's tolerances are quantities, and its client knows these as strings only.
fn with_quantities(mut behavior: Value) -> Value {
    for rules in behavior.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(tolerance) = rules.get_mut("tolerance") {
            *tolerance = tolerance.to_string().into();
        }
    }
    behavior
}
