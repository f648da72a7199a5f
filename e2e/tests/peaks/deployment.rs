//! Deployments that roll out one pod after the other.

use futures::future::join_all;
use hybridscaler_core::{
    budget::{RolloutReserve, Shape, Surge},
    observation::Rollout,
};
use serde_json::{Value, json};

use crate::scene::{Life, Scene, new_version};

fn rolling(max_surge: impl Into<Value>, max_unavailable: impl Into<Value>) -> Value {
    let (max_surge, max_unavailable) = (max_surge.into(), max_unavailable.into());
    json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": max_surge, "maxUnavailable": max_unavailable}}})
}

#[tokio::test]
async fn a_rollout_whose_old_pods_drain_for_long_comes_to_twice_the_pods_whatever_max_surge_says() {
    let strategies = [
        ("default", json!({}), Surge::Percent(25)),
        ("none", rolling(0, 2), Surge::Count(0)),
        ("one", rolling(1, 0), Surge::Count(1)),
        ("available", json!({"minReadySeconds": 1, "strategy": rolling("50%", 0)["strategy"]}), Surge::Percent(50)),
    ];
    let rolled_out = async |(label, spec, max_surge): (&str, Value, Surge)| {
        let scene = Scene::lay(&format!("full-{label}"), "Deployment", 5, Life::Held, spec).await;
        assert_eq!(scene.observe().await.shape, Shape::RollingUpdate { max_surge });
        scene.roll_out(2).await;
        scene.rolled_out(5).await;
        assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 5, 0).await, "{label}");
        // `Surge` does not cover old pods that drain for longer than new ones take to start.
        let surge = scene.peak(RolloutReserve::Surge, 5, 0).await;
        assert!(scene.pods.most_alive() > surge, "{label}: {} pods lived", scene.pods.most_alive());
        assert_eq!(scene.observe().await.workload.rollout, Rollout::Settled);
    };
    join_all(strategies.map(rolled_out)).await;
}

#[tokio::test]
async fn pods_that_terminate_when_a_rollout_begins_come_on_top() {
    let scene = Scene::lay("leaving", "Deployment", 7, Life::Held, json!({})).await;
    scene.scale(RolloutReserve::Full, 4).await;
    scene.pods.rest_at(4, 3).await;
    scene.roll_out(2).await;
    scene.rolled_out(4).await;
    assert_eq!(scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 4, 3).await);
}

/// The processes are counted here: that is when connections are open.
#[tokio::test]
async fn a_rollout_whose_old_pods_end_before_new_ones_run_stays_within_the_surge_rounded_up() {
    let life = Life::Timed { start: 4, stop: 1 };
    let scene = Scene::lay("surge", "Deployment", 3, life, rolling("50%", 0)).await;
    let peak = scene.peak(RolloutReserve::Surge, 3, 0).await;
    scene.roll_out(2).await;
    scene.rolled_out(3).await;
    assert_eq!((scene.pods.most_working(), peak), (5, 5));
}

#[tokio::test]
async fn a_rollout_that_no_pod_may_exceed_runs_no_more_than_desired_while_old_pods_end_before_new_ones_run() {
    let life = Life::Timed { start: 4, stop: 1 };
    let scene = Scene::lay("no-surge", "Deployment", 4, life, rolling(0, "50%")).await;
    let peak = scene.peak(RolloutReserve::Surge, 4, 0).await;
    scene.roll_out(2).await;
    scene.rolled_out(4).await;
    assert_eq!((scene.pods.most_working(), peak), (4, 4));
}

#[tokio::test]
async fn a_deployment_that_is_paused_with_a_change_to_come_is_settled_and_reserves_for_that_rollout() {
    let scene = Scene::lay("paused", "Deployment", 2, Life::Held, json!({})).await;
    let mut paused = new_version(2);
    paused["spec"]["paused"] = json!(true);
    scene.change(paused).await;
    scene.until("the pause is seen", |status| status["updatedReplicas"].is_null()).await;
    assert_eq!(scene.observe().await.workload.rollout, Rollout::Settled);
    let reserved = scene.scale(RolloutReserve::Full, 4).await;
    scene.pods.rest_at(4, 0).await;
    scene.change(json!({"spec": {"paused": false}})).await;
    scene.rolled_out(4).await;
    assert_eq!(scene.pods.most_alive(), reserved);
}

#[tokio::test]
async fn a_rollout_past_its_deadline_is_still_in_progress_and_within_its_peak() {
    let scene = Scene::lay("late", "Deployment", 4, Life::Held, json!({"progressDeadlineSeconds": 1})).await;
    let mut never_ready = new_version(2);
    never_ready["spec"]["template"]["metadata"]["annotations"]["e2e.hybridscaler.dev/start-seconds"] = json!("3600");
    scene.change(never_ready).await;
    scene
        .until("the deadline has passed", |status| {
            let conditions = status["conditions"].as_array().into_iter().flatten();
            conditions.into_iter().any(|condition| condition["reason"] == "ProgressDeadlineExceeded")
        })
        .await;
    assert_eq!(scene.observe().await.workload.rollout, Rollout::InProgress);
    // Its one pod that may be unavailable drains, and the new ones of the surge wait: 4 + 1 + 1.
    assert_eq!(scene.pods.most_alive(), 6);
    assert!(scene.pods.most_alive() <= scene.peak(RolloutReserve::Full, 4, 0).await);
}

#[tokio::test]
async fn three_rollouts_inside_one_drain_come_to_four_times_the_pods_which_no_reserve_covers() {
    let scene = Scene::lay("quick", "Deployment", 3, Life::Held, json!({})).await;
    for version in 2..5 {
        scene.roll_out(version).await;
        scene.rolled_out(3).await;
    }
    let (most, peak) = (scene.pods.most_alive(), scene.peak(RolloutReserve::Full, 3, 0).await);
    println!("three rollouts inside one drain: {most} pods of 3 lived at once, {peak} were reserved");
    assert_eq!((most, peak), (12, 6));
}
