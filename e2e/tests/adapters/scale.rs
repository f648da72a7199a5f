//! Workloads on a real API server: observed with all that lives, and written only as what was observed.

mod kinds;
mod rights;
mod scene;

use hybridscaler::targets::{Observed, TargetError, Version, WriteError};
use hybridscaler_core::{
    Replicas,
    budget::{Shape, Surge},
    observation::Rollout,
};
use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v2::HorizontalPodAutoscaler};
use kube::{
    Api,
    api::{DeleteParams, PropagationPolicy},
    runtime::{conditions, wait::await_condition},
};
use serde_json::json;

use self::scene::{Scene, deployment, live, observe, write_until_stored};
use crate::eventually;

#[tokio::test]
async fn a_deployment_is_observed_written_and_its_terminating_pods_counted_until_they_are_gone() {
    let scene = Scene::lay("deployment").await;
    let target = scene.deployment(3).await;
    let Observed { workload, shape, revision, rival, notes, version } = target.observe().await.unwrap();
    assert_eq!((workload.desired, live(&workload)), (Replicas(3), [3, 0, 0]));
    assert_eq!((shape, rival, notes), (Shape::RollingUpdate { max_surge: Surge::Percent(50) }, None, Vec::new()));
    assert!(matches!(version, Version::Kubernetes { .. }) && revision.as_deref() == Some("1"), "{revision:?}");

    write_until_stored(&target, Replicas(5)).await;
    eventually("five run", async || live(&observe(&target).await) == [5, 0, 0]).await;

    write_until_stored(&target, Replicas(2)).await;
    eventually("three terminate", async || live(&observe(&target).await) == [2, 0, 3]).await;
    let workload = observe(&target).await;
    assert_eq!((workload.desired, workload.rollout), (Replicas(2), Rollout::Settled));
    scene.let_go().await;
    eventually("three are gone", async || live(&observe(&target).await) == [2, 0, 0]).await;
}

#[tokio::test]
async fn a_target_that_changed_after_it_was_seen_is_not_written() {
    let scene = Scene::lay("changed").await;
    let target = scene.deployment(2).await;
    let seen = target.observe().await.unwrap();
    scene.patch_deployment(json!({"metadata": {"annotations": {"touched": "yes"}}})).await;
    assert_eq!(target.write(&seen, Replicas(9)).await, Err(WriteError::Conflict));
    assert_eq!(observe(&target).await.desired, Replicas(2));
}

#[tokio::test]
async fn another_object_of_the_same_name_is_not_written() {
    let scene = Scene::lay("again").await;
    let target = scene.deployment(1).await;
    let seen = target.observe().await.unwrap();
    let deployments: Api<Deployment> = scene.api();
    let uid = deployments.get("web").await.unwrap().metadata.uid.unwrap();
    deployments.delete("web", &DeleteParams::default()).await.unwrap();
    await_condition(deployments, "web", conditions::is_deleted(&uid)).await.unwrap();
    assert!(matches!(target.write(&seen, Replicas(9)).await, Err(WriteError::NotFound(_))));
    scene.create::<Deployment>(deployment(1)).await;
    assert_eq!(target.write(&seen, Replicas(9)).await, Err(WriteError::Conflict));
    assert_eq!(observe(&target).await.desired, Replicas(1));
}

#[tokio::test]
async fn a_rolling_update_is_in_progress_and_counts_old_and_new_pods() {
    let scene = Scene::lay("rollout").await;
    let target = scene.deployment(4).await;
    scene
        .patch_deployment(json!({"spec": {"template": {"metadata": {"annotations": {
            "e2e.hybridscaler.dev/start-seconds": "2", "version": "2",
        }}}}}))
        .await;
    eventually("it is seen in progress with more pods than desired", async || {
        let workload = observe(&target).await;
        workload.rollout == Rollout::InProgress && workload.live() > workload.desired
    })
    .await;
    // The held old pods stay beside all new ones: twice what is desired, whatever maxSurge says.
    eventually("every old pod terminates beside every new one", async || {
        let workload = observe(&target).await;
        live(&workload) == [4, 0, 4] && workload.rollout == Rollout::Settled
    })
    .await;
}

#[tokio::test]
async fn the_pods_of_a_deleted_deployment_are_counted_until_they_are_gone() {
    let scene = Scene::lay("deleted").await;
    let target = scene.deployment(3).await;
    let deployments: Api<Deployment> = scene.api();
    deployments.delete("web", &DeleteParams::background()).await.unwrap();
    let left = async || target.left_behind().await.unwrap().unwrap();
    eventually("three terminate", async || live(&left().await) == [0, 0, 3] && left().await.desired == Replicas(0))
        .await;
    assert!(matches!(target.observe().await, Err(TargetError::NotFound(_))));
    scene.let_go().await;
    eventually("three are gone", async || live(&left().await) == [0, 0, 0]).await;
}

#[tokio::test]
async fn the_pods_of_a_deployment_that_was_deleted_without_them_live_on() {
    let scene = Scene::lay("orphans").await;
    let target = scene.deployment(2).await;
    let deployments: Api<Deployment> = scene.api();
    let uid = deployments.get("web").await.unwrap().metadata.uid.unwrap();
    let orphan = DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() };
    deployments.delete("web", &orphan).await.unwrap();
    await_condition(deployments, "web", conditions::is_deleted(&uid)).await.unwrap();
    let left = target.left_behind().await.unwrap().unwrap();
    assert_eq!((left.desired, live(&left)), (Replicas(2), [2, 0, 0]));
}

#[tokio::test]
async fn a_horizontal_pod_autoscaler_of_the_target_is_seen() {
    let scene = Scene::lay("owned").await;
    let target = scene.deployment(1).await;
    let hpa = json!({
        "metadata": {"name": "web-hpa"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    });
    scene.create::<HorizontalPodAutoscaler>(hpa).await;
    // Targets that share a list of autoscalers see a new one after it has aged; a new set of targets at once.
    let rival = scene.target("Deployment").observe().await.unwrap().rival.unwrap();
    assert_eq!(rival.name, "web-hpa");
    drop(target);
}
