//! Pods live and die as annotations and finalizers say.

use std::time::Instant;

use hybridscaler_e2e::bed::Bed;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::{Condition, await_condition};
use serde_json::{Value, json};

use crate::object;

fn pod(name: &str, annotations: &Value, finalizers: &[&str]) -> Pod {
    object(json!({
        "metadata": {"name": name, "annotations": annotations, "finalizers": finalizers},
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
    }))
}

/// The pod's condition `Ready` is `True`.
fn ready() -> impl Condition<Pod> {
    |pod: Option<&Pod>| pod.is_some_and(|pod| transition(pod, "Ready").is_some())
}

/// When a condition of the pod became `True`.
fn transition(pod: &Pod, condition: &str) -> Option<i64> {
    let found =
        pod.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == condition && c.status == "True")?;
    Some(found.last_transition_time.as_ref()?.0.as_second())
}

#[tokio::test]
async fn a_deployment_goes_from_5_to_50_running_pods() {
    let bed = Bed::shared("grow").await.unwrap();
    let client = bed.control_plane.admin().await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &bed.namespace);
    let ready = |replicas| {
        move |web: Option<&Deployment>| {
            web.and_then(|d| d.status.as_ref()).and_then(|s| s.ready_replicas) == Some(replicas)
        }
    };
    let web = object(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
            },
        },
    }));
    let started = Instant::now();
    deployments.create(&PostParams::default(), &web).await.unwrap();
    await_condition(deployments.clone(), "web", ready(5)).await.unwrap();
    let five = started.elapsed();
    let fifty = Patch::Merge(json!({"spec": {"replicas": 50}}));
    deployments.patch_scale("web", &PatchParams::default(), &fifty).await.unwrap();
    await_condition(deployments, "web", ready(50)).await.unwrap();
    println!("5 pods ready after {five:?}, 50 after {:?}", started.elapsed());

    let pods =
        Api::<Pod>::namespaced(client, &bed.namespace).list(&ListParams::default().labels("app=web")).await.unwrap();
    assert_eq!(pods.items.len(), 50);
    assert!(pods.iter().all(|pod| { pod.spec.as_ref().unwrap().node_name.as_deref().unwrap().starts_with("node-") }));
}

#[tokio::test]
async fn a_pod_takes_its_start_seconds_to_become_ready() {
    let bed = Bed::shared("slow-start").await.unwrap();
    let pods: Api<Pod> = Api::namespaced(bed.control_plane.admin().await.unwrap(), &bed.namespace);
    let slow = pod("slow", &json!({"e2e.hybridscaler.dev/start-seconds": "2"}), &[]);
    pods.create(&PostParams::default(), &slow).await.unwrap();
    let slow = await_condition(pods, "slow", ready()).await.unwrap().unwrap();
    let took = transition(&slow, "Ready").unwrap() - transition(&slow, "PodScheduled").unwrap();
    assert!(took >= 2, "took {took} s");
}

#[tokio::test]
async fn a_deleted_pod_stays_as_long_as_it_has_a_finalizer() {
    let bed = Bed::shared("finalizer").await.unwrap();
    let pods: Api<Pod> = Api::namespaced(bed.control_plane.admin().await.unwrap(), &bed.namespace);
    for (name, finalizers) in [("held", &["e2e.hybridscaler.dev/hold"][..]), ("free", &[])] {
        pods.create(&PostParams::default(), &pod(name, &json!({}), finalizers)).await.unwrap();
        await_condition(pods.clone(), name, ready()).await.unwrap();
    }
    let held = pods.delete("held", &DeleteParams::default()).await.unwrap().left().unwrap();
    let free = pods.delete("free", &DeleteParams::default()).await.unwrap().left().unwrap();
    // What kwok does without a finalizer is the measure of how long it would have taken.
    await_condition(pods.clone(), "free", is_deleted(&free.metadata.uid.unwrap())).await.unwrap();
    let seen = pods.get("held").await.unwrap().metadata;
    assert!(seen.deletion_timestamp.is_some());
    // Nobody cut its grace period short, which is how long it may still do its work.
    assert_eq!(seen.deletion_grace_period_seconds, Some(30));

    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    pods.patch("held", &PatchParams::default(), &release).await.unwrap();
    await_condition(pods, "held", is_deleted(&held.metadata.uid.unwrap())).await.unwrap();
}
