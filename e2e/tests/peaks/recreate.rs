//! Deployments that end every old pod before a new one starts.

use hybridscaler_core::budget::{RolloutReserve, Shape};
use serde_json::{Value, json};

use crate::scene::{Life, Scene};

fn recreate() -> Value {
    json!({"strategy": {"type": "Recreate"}})
}

#[tokio::test]
async fn a_rollout_that_recreates_never_runs_more_pods_than_desired() {
    let life = Life::Timed { start: 0, stop: 2 };
    let scene = Scene::lay("recreate", "Deployment", 4, life, recreate()).await;
    assert_eq!(scene.observe().await.shape, Shape::Recreate);
    scene.roll_out(2).await;
    scene.rolled_out(4).await;
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 4, 0).await);
}

#[tokio::test]
async fn a_deployment_that_recreates_starts_new_pods_beside_those_that_terminate_when_it_grows() {
    let scene = Scene::lay("recreate-grows", "Deployment", 7, Life::Held, recreate()).await;
    scene.scale(RolloutReserve::Full, 2).await;
    scene.pods.rest_at(2, 5).await;
    let reserved = scene.scale(RolloutReserve::Full, 6).await;
    scene.pods.rest_at(6, 5).await;
    assert_eq!((scene.pods.most_alive(), reserved), (11, 11));
    assert_eq!(reserved, scene.peak(RolloutReserve::Surge, 6, 5).await);
}

#[tokio::test]
async fn a_deployment_that_recreates_starts_replacements_beside_evicted_pods_which_no_reserve_covers() {
    let scene = Scene::lay("recreate-evicted", "Deployment", 4, Life::Held, recreate()).await;
    scene.evict(|_| true).await;
    scene.pods.rest_at(4, 4).await;
    assert_eq!((scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 4, 0).await), (8, 4));
}
