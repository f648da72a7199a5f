//! `StatefulSets`, which make a pod anew only once the one of the same ordinal is gone.

use futures::future::join_all;
use hybridscaler_core::budget::RolloutReserve;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::scene::{Life, Scene};

const DRAINS: Life = Life::Timed { start: 0, stop: 1 };

fn parallel() -> Value {
    json!({"serviceName": "web", "podManagementPolicy": "Parallel"})
}

#[tokio::test]
async fn a_rollout_of_a_stateful_set_never_runs_more_pods_than_desired() {
    let together = json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%"}}});
    let mut parallel_together = parallel();
    parallel_together["updateStrategy"] = together["updateStrategy"].clone();
    let settings =
        [("ordered", json!({"serviceName": "web"})), ("parallel", parallel()), ("together", parallel_together)];
    let rolled_out = async |(label, spec): (&str, Value)| {
        let scene = Scene::lay(&format!("set-{label}"), "StatefulSet", 3, DRAINS, spec).await;
        scene.roll_out(2).await;
        scene.rolled_out(3).await;
        assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 3, 0).await, "{label}");
    };
    join_all(settings.map(rolled_out)).await;
}

#[tokio::test]
async fn an_evicted_pod_of_a_stateful_set_is_gone_before_it_is_made_anew() {
    let scene = Scene::lay("set-evicted", "StatefulSet", 5, DRAINS, parallel()).await;
    scene.evict(|_| true).await;
    scene.pods.until("they terminate", |now| now.terminating > 0).await;
    scene.pods.rest_at(5, 0).await;
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 5, 0).await);
}

/// What terminates above the lower number lives beside all below it, also when one of those was gone at the moment of the look.
#[tokio::test]
async fn a_stateful_set_that_was_lowered_keeps_its_pods_above_beside_those_below() {
    let scene = Scene::lay("set-lowered", "StatefulSet", 6, Life::Held, parallel()).await;
    scene.scale(RolloutReserve::Full, 2).await;
    scene.pods.rest_at(2, 4).await;
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 2, 4).await);
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Surge, 2, 4).await);

    let below = |name: &str| ["web-0", "web-1"].contains(&name);
    scene.let_go(|pod| below(&pod.name_any())).await;
    scene.evict(|pod| below(&pod.name_any())).await;
    scene.pods.until("one is gone", |now| now.alive() < 6).await;
    scene.pods.rest_at(2, 4).await;
    assert_eq!(scene.pods.most_alive(), 6);
}
