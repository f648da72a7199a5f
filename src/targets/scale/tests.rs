#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod owner;
mod write;

use std::sync::Mutex;

use hybridscaler_core::{
    budget::{Shape, Surge},
    observation::Rollout,
};
use serde_json::{Value, json};

use super::*;
use crate::kubernetes::fake::{Fake, list, refusal};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/orders/deployments/order-worker";
const HPAS: &str = "GET /apis/autoscaling/v2/namespaces/orders/horizontalpodautoscalers";
const SCALED_OBJECTS: &str = "GET /apis/keda.sh/v1alpha1/namespaces/orders/scaledobjects";

/// The API server of a namespace with one Deployment of 3, two of them ready and one older pod on its way out.
fn api_server(line: &str) -> (u16, Value) {
    let pod = |ready: &str, deleted: Option<&str>| {
        json!({
            "metadata": {"deletionTimestamp": deleted},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        })
    };
    match line {
        "GET /apis/apps/v1" => (
            200,
            json!({"groupVersion": "apps/v1", "resources": [
                {"name": "deployments", "singularName": "", "namespaced": true, "kind": "Deployment", "verbs": []},
                {"name": "deployments/scale", "singularName": "", "namespaced": true, "kind": "Scale", "verbs": []},
                {"name": "events", "singularName": "", "namespaced": true, "kind": "Event", "verbs": []},
            ]}),
        ),
        SCALED_OBJECTS => refusal(404, "NotFound", "the server could not find the requested resource"),
        HPAS => list(&[]),
        "GET /apis/apps/v1/namespaces/orders/deployments/order-worker" => (
            200,
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "order-worker", "uid": "d-1", "resourceVersion": "42", "generation": 2},
                "spec": {
                    "replicas": 3,
                    "selector": {"matchLabels": {"app": "order-worker"}},
                    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
                    "template": {},
                },
                "status": {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3},
            }),
        ),
        "GET /apis/apps/v1/namespaces/orders/replicasets" => list(&[json!({
            "metadata": {"generation": 1, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d-1", "controller": true}
            ]},
            "spec": {"replicas": 3, "selector": {}},
            "status": {"observedGeneration": 1, "replicas": 3},
        })]),
        "GET /api/v1/namespaces/orders/pods" => {
            list(&[pod("True", None), pod("True", None), pod("False", None), pod("True", Some("2026-11-23T12:00:00Z"))])
        }
        line if line.starts_with("PUT ") => (200, json!({"metadata": {}, "spec": {"replicas": 5}})),
        line => refusal(404, "NotFound", line),
    }
}

fn target(fake: &Fake) -> ScaleTarget {
    KubernetesTargets::new(fake.client.clone()).target(WorkloadRef {
        namespace: "orders".to_owned(),
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        name: "order-worker".to_owned(),
    })
}

/// What observing comes to when `line` is answered so, and all else as ever.
async fn observe_with(line: &'static str, answer: (u16, Value)) -> Result<Observed, TargetError> {
    let fake = Fake::new(move |asked, _| Some(if asked == line { answer.clone() } else { api_server(asked) }));
    target(&fake).observe().await
}

#[tokio::test]
async fn a_deployment_is_observed_with_its_shape_pods_and_version() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    let seen = target(&fake).observe().await.unwrap();
    let expected = Observed {
        workload: Workload {
            desired: Replicas(3),
            running: Replicas(2),
            starting: Replicas(1),
            terminating: Replicas(1),
            rollout: Rollout::Settled,
        },
        shape: Shape::RollingUpdate { max_surge: Surge::Count(1) },
        revision: None,
        version: Version::Kubernetes { resource_version: "42".to_owned(), uid: "d-1".to_owned() },
        rival: None,
        notes: Vec::new(),
    };
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn every_read_asks_for_the_newest_state_and_pods_come_last() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    target(&fake).observe().await.unwrap();
    let lines: Vec<_> = fake.asked().into_iter().map(|(line, _)| line).collect();
    assert!(lines.iter().all(|line| !line.contains("resourceVersion")), "{lines:?}");
    let place = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert!(place(DEPLOYMENT) < place("replicasets"), "{lines:?}");
    assert_eq!(place("/pods"), lines.len() - 1, "{lines:?}");
    assert!(lines[place("/pods")].contains("labelSelector=app%3Dorder-worker"), "{lines:?}");
}

#[tokio::test]
async fn all_pages_of_pods_are_counted() {
    let page = Mutex::new(0);
    let fake = Fake::new(move |line, _| {
        let (status, mut answer) = api_server(line);
        if line.ends_with("/pods") {
            let mut page = page.lock().unwrap();
            *page += 1;
            answer["metadata"]["continue"] = json!(if *page < 3 { "more" } else { "" });
        }
        Some((status, answer))
    });
    let seen = target(&fake).observe().await.unwrap();
    assert_eq!((seen.workload.running, fake.count("continue=more")), (Replicas(6), 2));
}

#[tokio::test]
async fn a_kind_is_discovered_once_and_again_after_its_object_was_not_found() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    let targets = KubernetesTargets::new(fake.client.clone());
    let named = |name: &str| WorkloadRef { name: name.to_owned(), ..target(&fake).workload };
    let there = targets.target(named("order-worker"));
    there.observe().await.unwrap();
    there.observe().await.unwrap();
    assert_eq!(fake.count("GET /apis/apps/v1?") + fake.count("GET /apis/apps/v1\u{0}"), 0);
    let discoveries =
        || fake.asked().iter().filter(|(line, _)| line.trim_end_matches('?') == "GET /apis/apps/v1").count();
    assert_eq!(discoveries(), 1);
    assert!(matches!(targets.target(named("gone")).observe().await, Err(TargetError::NotFound(_))));
    there.observe().await.unwrap();
    assert_eq!(discoveries(), 2);
}

#[tokio::test]
async fn what_cannot_be_scaled_is_refused() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    let observe = async |api_version: &str, kind: &str| {
        let workload =
            WorkloadRef { api_version: api_version.to_owned(), kind: kind.to_owned(), ..target(&fake).workload };
        KubernetesTargets::new(fake.client.clone()).target(workload).observe().await.unwrap_err()
    };
    assert!(matches!(observe("apps/v1", "Event").await, TargetError::NotScalable(_)));
    assert!(matches!(observe("apps/v1", "Deploymint").await, TargetError::NotFound(_)));
    assert!(matches!(observe("nobody.example/v1", "Deployment").await, TargetError::NotFound(_)));
    assert!(matches!(observe("apps/v1/x", "Deployment").await, TargetError::Invalid(_)));
}

#[tokio::test]
async fn a_name_that_would_lead_to_another_path_is_never_asked_for() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    for name in ["../../secrets/root", "a/b", "a?x=y", "a%2fb", ""] {
        let workload = WorkloadRef { name: name.to_owned(), ..target(&fake).workload };
        let refused = KubernetesTargets::new(fake.client.clone()).target(workload).observe().await.unwrap_err();
        assert!(matches!(refused, TargetError::Invalid(_)), "{name}: {refused}");
    }
    assert_eq!(fake.asked(), []);
}

#[tokio::test]
async fn errors_of_reads_are_told_apart() {
    const PODS: &str = "GET /api/v1/namespaces/orders/pods";
    let observe = async |code, reason: &str| observe_with(PODS, refusal(code, reason, "its words")).await.unwrap_err();
    assert!(matches!(observe(403, "Forbidden").await, TargetError::Forbidden(text) if text.contains("its words")));
    assert!(matches!(observe(429, "TooManyRequests").await, TargetError::Throttled(_)));
    assert!(matches!(observe(503, "ServiceUnavailable").await, TargetError::Unreachable(_)));
    assert!(matches!(observe_with(PODS, (200, json!({"items": 7}))).await, Err(TargetError::Invalid(_))));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_never_answers_is_unreachable_after_five_seconds() {
    let fake = Fake::new(|_, _| None);
    let asked = tokio::time::Instant::now();
    assert!(matches!(target(&fake).observe().await, Err(TargetError::Unreachable(_))));
    assert_eq!(asked.elapsed().as_secs(), 5);
}
