//! A Deployment whose pods the runner can run.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use super::pods::FINALIZER;

/// How long the platform takes to start and may take to end a replica. Whole seconds, as Kubernetes counts them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From scheduled until running.
    pub start_up: Duration,
    /// From the order to end until the replica is killed.
    pub grace: Duration,
}

/// The manifest of a Deployment `name` that starts no pod before an old one is gone (`maxSurge: 0`), and whose pods are labelled
/// `app=NAME` and kept by the runner until their connections are closed.
pub fn deployment(name: &str, replicas: u32, timing: Timing) -> Result<Deployment, serde_json::Error> {
    let labels = json!({"app": name});
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {
                "metadata": {
                    "labels": labels,
                    "finalizers": [FINALIZER],
                    "annotations": {"e2e.hybridscaler.dev/start-seconds": timing.start_up.as_secs().to_string()},
                },
                "spec": {
                    "terminationGracePeriodSeconds": timing.grace.as_secs(),
                    "containers": [{"name": "app", "image": format!("{name}:simulated")}],
                },
            },
        },
    }))
}
