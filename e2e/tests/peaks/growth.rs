//! Deployments that grow and roll out at the same time.

use hybridscaler_core::{budget::RolloutReserve, observation::Rollout};
use serde_json::json;

use crate::scene::{Life, Scene, new_version};

#[tokio::test]
async fn a_rollout_in_the_middle_of_a_scale_up_stays_within_what_the_scale_up_reserved() {
    let scene = Scene::lay("during", "Deployment", 2, Life::Held, json!({})).await;
    let reserved = scene.scale(RolloutReserve::Full, 6).await;
    scene.pods.until("the first new pod is made", |now| now.alive() > 2).await;
    scene.roll_out(2).await;
    scene.rolled_out(6).await;
    let most = scene.pods.most_alive();
    println!("a rollout in the middle of a scale-up: {most} pods lived at once, {reserved} were reserved");
    // Pods that were not made yet when the rollout began need no replacement.
    assert!((9..=reserved).contains(&most), "{most} of {reserved}");
    assert_eq!(reserved, 12);
}

/// The controller spreads the new pods over both revisions by their size, and those of the old one drain later. The reserve is for the
/// worst order of its steps, in which all old pods but one drain before it sees the new number; here it sees it at once.
#[tokio::test]
async fn a_scale_up_in_the_middle_of_a_rollout_reaches_the_peak_of_the_new_number_within_what_it_reserves() {
    let surge = json!({"strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0}}});
    let scene = Scene::lay("amid", "Deployment", 4, Life::Held, surge).await;
    let mut stands_still = new_version(2);
    stands_still["spec"]["minReadySeconds"] = json!(3600);
    stands_still["spec"]["progressDeadlineSeconds"] = json!(7200);
    scene.change(stands_still).await;
    scene.pods.rest_at(6, 0).await;
    scene.until("two are new", |status| status["updatedReplicas"] == 2).await;
    assert_eq!(scene.observe().await.workload.rollout, Rollout::InProgress);
    let reserved = scene.scale(RolloutReserve::Full, 8).await;
    scene.pods.rest_at(12, 0).await;
    scene.change(json!({"spec": {"minReadySeconds": 0}})).await;
    scene.rolled_out(8).await;
    let (most, peak) = (scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 8, 0).await);
    println!("a scale-up in the middle of a rollout: {most} pods lived at once, {reserved} were reserved");
    assert_eq!((most, peak, reserved), (16, 16, 26));
}
