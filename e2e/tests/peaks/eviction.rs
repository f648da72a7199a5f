//! Pods that are evicted: their replacements start beside them.

use hybridscaler_core::budget::{RolloutReserve, Shape};
use serde_json::json;

use crate::scene::{Life, Scene};

#[tokio::test]
async fn the_eviction_of_every_pod_once_comes_to_twice_the_pods() {
    let scene = Scene::lay("evicted", "Deployment", 6, Life::Held, json!({})).await;
    scene.evict(|_| true).await;
    scene.pods.rest_at(6, 6).await;
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 6, 0).await);
    // What fewer evictions come to is as many more, and `Surge` does not cover them.
    assert!(scene.pods.most_alive() > scene.peak(RolloutReserve::Surge, 6, 0).await);
}

#[tokio::test]
async fn the_eviction_of_every_pod_beside_a_rollout_comes_to_three_times_the_pods_which_no_reserve_covers() {
    let scene = Scene::lay("both", "Deployment", 4, Life::Held, json!({})).await;
    scene.roll_out(2).await;
    scene.rolled_out(4).await;
    scene.evict(|_| true).await;
    scene.pods.rest_at(4, 8).await;
    let (most, peak) = (scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 4, 0).await);
    println!("evictions beside a rollout: {most} pods of 4 lived at once, {peak} were reserved");
    assert_eq!((most, peak), (12, 8));
}

#[tokio::test]
async fn a_kind_that_only_its_scale_describes_comes_to_twice_its_pods_when_all_are_evicted() {
    let scene = Scene::lay("generic", "ReplicaSet", 5, Life::Held, json!({})).await;
    assert_eq!(scene.observe().await.shape, Shape::Other);
    scene.evict(|_| true).await;
    scene.pods.rest_at(5, 5).await;
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 5, 0).await);
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Surge, 5, 0).await);
}

#[tokio::test]
async fn a_kind_that_only_its_scale_describes_counts_what_terminates_when_it_grows() {
    let scene = Scene::lay("generic-grows", "ReplicaSet", 6, Life::Held, json!({})).await;
    scene.scale(RolloutReserve::Full, 2).await;
    scene.pods.rest_at(2, 4).await;
    let reserved = scene.scale(RolloutReserve::Full, 5).await;
    scene.pods.rest_at(5, 4).await;
    scene.evict(|_| true).await;
    scene.pods.rest_at(5, 9).await;
    assert_eq!((scene.pods.most_alive(), reserved), (14, 14));
}
