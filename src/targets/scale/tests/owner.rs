//! Another autoscaler of a target is seen.

use serde_json::{Value, json};

use super::{HPAS, SCALED_OBJECTS, api_server, observe_with, target};
use crate::{
    kubernetes::fake::{Fake, list, refusal},
    targets::{Note, TargetError},
};

#[tokio::test]
async fn a_horizontal_pod_autoscaler_of_the_target_is_seen_whatever_the_version() {
    let hpa = |api_version: &str, name: &str| {
        list(&[json!({
            "metadata": {"name": "web"},
            "spec": {
                "maxReplicas": 9,
                "scaleTargetRef": {"apiVersion": api_version, "kind": "Deployment", "name": name},
            },
        })])
    };
    for api_version in ["apps/v1", "apps/v1beta2"] {
        let rival = observe_with(HPAS, hpa(api_version, "order-worker")).await.unwrap().rival.unwrap();
        let text = rival.to_string();
        assert_eq!(rival.kind, "HorizontalPodAutoscaler");
        assert!(text.contains("kubectl delete HorizontalPodAutoscaler web -n orders"), "{text}");
    }
    assert_eq!(observe_with(HPAS, hpa("apps/v1", "another")).await.unwrap().rival, None);
    assert_eq!(observe_with(HPAS, hpa("example.com/v1", "order-worker")).await.unwrap().rival, None);
}

#[tokio::test]
async fn a_scaled_object_of_the_target_is_seen_by_kedas_defaults() {
    let scaled = |target: Value| list(&[json!({"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target}})]);
    let rival = observe_with(SCALED_OBJECTS, scaled(json!({"name": "order-worker"}))).await.unwrap().rival;
    assert_eq!(rival.unwrap().kind, "ScaledObject");
    let other_kind = json!({"kind": "StatefulSet", "name": "order-worker"});
    assert_eq!(observe_with(SCALED_OBJECTS, scaled(other_kind)).await.unwrap().rival, None);
}

#[tokio::test]
async fn without_the_right_to_list_autoscalers_the_target_is_observed_and_the_doubt_noted() {
    let refused = || refusal(403, "Forbidden", "User \"hs\" cannot list resource \"horizontalpodautoscalers\"");
    let seen = observe_with(HPAS, refused()).await.unwrap();
    assert!(
        matches!(&seen.notes[..], [Note::OwnersHidden { kind: "HorizontalPodAutoscaler", .. }]),
        "{:?}",
        seen.notes
    );
    assert!(seen.notes[0].to_string().contains("cannot list resource"), "{}", seen.notes[0]);
}

#[tokio::test]
async fn autoscalers_that_cannot_be_listed_for_another_reason_stop_the_observation() {
    let broken = || refusal(500, "InternalError", "etcd has no leader");
    assert!(matches!(observe_with(HPAS, broken()).await, Err(TargetError::Unreachable(_))));
}

#[tokio::test]
async fn autoscalers_of_a_namespace_are_listed_once_for_all_its_targets() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    let target = target(&fake);
    target.observe().await.unwrap();
    target.observe().await.unwrap();
    assert_eq!((fake.count("horizontalpodautoscalers"), fake.count("/pods")), (1, 2));
}
