//! What the operator needs to be allowed.

use std::collections::BTreeSet;

use hybridscaler::targets::{Note, TargetError, WriteError};
use hybridscaler_core::Replicas;
use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{Role, RoleBinding},
};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::scene::{Scene, client, write_until_stored};
use crate::eventually;

/// What the documentation of the scale target says a Deployment needs, and nothing else.
const RIGHTS: [(&str, &str, &str); 6] = [
    ("apps", "deployments", "get"),
    ("apps", "deployments/scale", "update"),
    ("apps", "replicasets", "list"),
    ("", "pods", "list"),
    ("autoscaling", "horizontalpodautoscalers", "list"),
    ("keda.sh", "scaledobjects", "list"),
];

/// Lets the ServiceAccount `scaler` do what `rights` say, and nothing else.
async fn grant(scene: &Scene, rights: &[(&str, &str, &str)]) {
    let rules: Vec<_> = rights
        .iter()
        .map(|(group, resource, verb)| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]}))
        .collect();
    let role = Patch::Apply(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "scaler"}, "rules": rules,
    }));
    let apply = PatchParams::apply("test").force();
    scene.api::<Role>().patch("scaler", &apply, &role).await.unwrap();
}

#[tokio::test]
async fn the_documented_rights_suffice_and_a_missing_one_is_named() {
    let scene = Scene::lay("rights").await;
    scene.deployment(1).await;
    scene.create::<ServiceAccount>(json!({"metadata": {"name": "scaler"}})).await;
    grant(&scene, &RIGHTS).await;
    scene
        .create::<RoleBinding>(json!({
            "metadata": {"name": "scaler"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "scaler"},
            "subjects": [{"kind": "ServiceAccount", "name": "scaler", "namespace": scene.bed.namespace}],
        }))
        .await;
    let kubeconfig = scene.bed.control_plane.service_account_kubeconfig(&scene.bed.namespace, "scaler").await.unwrap();
    let client = client(&kubeconfig).await;
    let target = || scene.target_as(&client, "apps/v1", "Deployment");
    eventually("the rights act", async || target().observe().await.is_ok_and(|seen| seen.notes.is_empty())).await;
    write_until_stored(&target(), Replicas(2)).await;

    let without = async |resource: &str| {
        let rest: Vec<_> = RIGHTS.into_iter().filter(|(_, name, _)| *name != resource).collect();
        grant(&scene, &rest).await;
    };
    for resource in ["deployments", "replicasets", "pods"] {
        without(resource).await;
        eventually("the right is missed", async || {
            let named = |text: &str| text.contains(&format!("resource \"{resource}\""));
            matches!(target().observe().await, Err(TargetError::Forbidden(text)) if named(&text))
        })
        .await;
    }
    without("deployments/scale").await;
    eventually("the write is refused", async || match target().observe().await {
        Ok(seen) => match target().write(&seen, Replicas(3)).await {
            Err(WriteError::Forbidden(text)) => text.contains("deployments/scale"),
            Ok(()) | Err(WriteError::Conflict) => false,
            Err(error) => unreachable!("{error}"),
        },
        Err(_) => false,
    })
    .await;
    let hidden = BTreeSet::from(["horizontalpodautoscalers", "scaledobjects"]);
    let rest: Vec<_> = RIGHTS.into_iter().filter(|(_, name, _)| !hidden.contains(name)).collect();
    grant(&scene, &rest).await;
    eventually("both doubts are noted", async || match target().observe().await {
        Ok(seen) => {
            let kinds: Vec<_> = seen.notes.iter().map(|Note::OwnersHidden { kind, .. }| *kind).collect();
            kinds == ["ScaledObject", "HorizontalPodAutoscaler"]
        }
        Err(_) => false,
    })
    .await;
}
