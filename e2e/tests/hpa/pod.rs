//! A pod of a case, as a manifest and as a document says it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1;
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::object;

/// A pod, and what it uses of its CPU.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) phase: String,
    pub(crate) deleting: bool,
    pub(crate) ready: bool,
    /// How long ago it started, and became ready or not, in seconds.
    pub(crate) age: i64,
    /// Thousandths of a CPU.
    pub(crate) request: u64,
    /// Thousandths of a CPU; none where nobody measured it.
    pub(crate) usage: Option<u64>,
}

impl Pod {
    /// One that runs, is ready, and has no part in any metric.
    pub(crate) fn ready() -> Self {
        Self { phase: "Running".into(), deleting: false, ready: true, age: 1_000_000, request: 1_000, usage: None }
    }

    /// Makes it, with a status as a kubelet would write it, and begins to delete it if that is asked.
    pub(crate) async fn create(&self, client: &Client, namespace: &str, name: &str, labels: &Value) {
        let Self { phase, deleting, ready, age, request, usage: _ } = self;
        let pods: Api<v1::Pod> = Api::namespaced(client.clone(), namespace);
        let pod = object(json!({
            // What is deleted must stay to be seen.
            "metadata": {"name": name, "labels": labels, "finalizers": ["example.com/stays"]},
            "spec": {
                // No kubelet may touch the status.
                "schedulerName": "nobody",
                "containers": [{
                    "name": "main", "image": "example.com/main:1",
                    "resources": {"requests": {"cpu": format!("{request}m")}},
                }],
            },
        }));
        pods.create(&PostParams::default(), &pod).await.unwrap();
        let started = ago(Timestamp::now(), *age);
        let word = if *ready { "True" } else { "False" };
        let status = Patch::Merge(json!({"status": {
            "phase": phase, "startTime": started,
            "conditions": [{"type": "Ready", "status": word, "lastTransitionTime": started}],
        }}));
        pods.patch_status(name, &PatchParams::default(), &status).await.unwrap();
        if *deleting {
            pods.delete(name, &DeleteParams::default()).await.unwrap();
        }
    }

    /// The same in a document of `hybridscaler decide`.
    pub(crate) fn document(&self, now: Timestamp, window_seconds: u64) -> Value {
        let Self { phase, deleting, ready, age, request, usage } = self;
        json!({
            "phase": phase, "deleting": deleting, "ready": ready, "started": ago(now, *age),
            "request": format!("{request}m"), "usage": usage.map(|milli| format!("{milli}m")), "windowSeconds": window_seconds,
        })
    }
}

fn ago(now: Timestamp, seconds: i64) -> Timestamp {
    // The API server keeps whole seconds.
    Timestamp::from_second(now.as_second()).unwrap() - SignedDuration::from_secs(seconds)
}
