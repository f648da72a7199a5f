//! Kinds other than Deployments.

use hybridscaler::targets::WriteError;
use hybridscaler_core::{Replicas, budget::Shape, observation::Rollout};
use k8s_openapi::{
    api::apps::v1::StatefulSet, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
    runtime::{conditions, wait::await_condition},
};
use serde_json::json;

use super::scene::{Scene, live, observe, template, write_until_stored};
use crate::eventually;

#[tokio::test]
async fn a_stateful_set_is_observed_and_written() {
    let scene = Scene::lay("set").await;
    scene
        .create::<StatefulSet>(json!({
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2, "serviceName": "web", "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": {"app": "web"}}, "template": template(),
            },
        }))
        .await;
    let target = scene.target("StatefulSet");
    eventually("it is at rest", async || observe(&target).await.at_rest()).await;
    assert_eq!(target.observe().await.unwrap().shape, Shape::StatefulSet);
    write_until_stored(&target, Replicas(3)).await;
    eventually("three run", async || live(&observe(&target).await) == [3, 0, 0]).await;
}

#[tokio::test]
async fn a_custom_kind_with_a_scale_subresource_is_observed_and_written() {
    let scene = Scene::lay("custom").await;
    define_fleet(&scene.client).await;
    let gvk = GroupVersionKind::gvk("e2e.hybridscaler.dev", "v1", "Fleet");
    let resource = ApiResource::from_gvk(&gvk);
    let fleets: Api<DynamicObject> = Api::namespaced_with(scene.client.clone(), &scene.bed.namespace, &resource);
    let fleet = DynamicObject::new("web", &resource).data(json!({"spec": {"replicas": 2}}));
    fleets.create(&PostParams::default(), &fleet).await.unwrap();
    let target = scene.target_as(&scene.client, "e2e.hybridscaler.dev/v1", "Fleet");
    let unusable = target.observe().await.unwrap_err();
    assert!(unusable.to_string().contains("selector"), "{unusable}");

    let caught_up = Patch::Merge(json!({"status": {"replicas": 2, "selector": "app=fleet"}}));
    fleets.patch_status("web", &PatchParams::default(), &caught_up).await.unwrap();
    let seen = target.observe().await.unwrap();
    assert_eq!((seen.shape, seen.workload.desired), (Shape::Other, Replicas(2)));
    assert_eq!(seen.workload.rollout, Rollout::Settled);
    target.write(&seen, Replicas(4)).await.unwrap();
    let workload = observe(&target).await;
    assert_eq!((workload.desired, workload.rollout), (Replicas(4), Rollout::NotObserved));
    assert_eq!(target.write(&seen, Replicas(6)).await, Err(WriteError::Conflict));
}

async fn define_fleet(client: &Client) {
    let definition: CustomResourceDefinition = serde_json::from_value(json!({
        "metadata": {"name": "fleets.e2e.hybridscaler.dev"},
        "spec": {
            "group": "e2e.hybridscaler.dev", "scope": "Namespaced",
            "names": {"kind": "Fleet", "plural": "fleets", "singular": "fleet"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "subresources": {"status": {}, "scale": {
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                    "labelSelectorPath": ".status.selector",
                }},
            }],
        },
    }))
    .unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    await_condition(definitions, "fleets.e2e.hybridscaler.dev", conditions::is_crd_established()).await.unwrap();
}
