//! The runner gives replicas a life that costs real connections: what it promises, counted by the other side.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "runner/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use std::time::Duration;

use hybridscaler_e2e::runner::Bystander;
use tokio::time::Instant;

use scene::{DRAIN, POOL, Scene, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn each_replica_opens_its_whole_pool_and_takes_messages() {
    let scene = Scene::set("pools", 100).await;
    let pods = scene.run_pods("worker", 3).await;
    eventually("three pools are open", async || scene.connections("worker").await == 3 * POOL).await;

    scene.send("worker", 40);
    eventually("every message is handled once", async || scene.handled("worker").await == 40).await;
    eventually("what is handled is deleted", async || scene.left("worker") == 0).await;
    let totals = pods.service.counters.totals();
    assert_eq!((totals.opened, totals.refused, totals.crashed), (3 * POOL, 0, 0));
    assert_eq!(totals.working, 3);
    assert!(totals.busy >= pods.service.pace.busy * 40, "each message kept a replica busy: {:?}", totals.busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminating_pod_stays_until_the_server_has_freed_its_connections() {
    let scene = Scene::set("terminating", 100).await;
    let _pods = scene.run_pods("worker", 3).await;
    eventually("three pools are open", async || scene.connections("worker").await == 3 * POOL).await;

    let begun = Instant::now();
    scene.scale("worker", 1).await;
    let mut kept_for = Duration::ZERO;
    loop {
        // No pod starts meanwhile, so a connection seen after the list must belong to a pod in the list.
        let pods = scene.pods("worker").await;
        let connections = scene.connections_by_name("worker").await;
        let listed: BTreeSet<_> = pods.iter().collect();
        for (name, open) in &connections {
            assert!(listed.contains(name), "pod {name} is gone, {open} of its connections are not");
            assert!(*open <= POOL, "pod {name} has {open} connections");
        }
        if connections.len() == 3 {
            kept_for = begun.elapsed();
        }
        if pods.len() == 1 {
            break;
        }
    }
    assert!(kept_for >= DRAIN, "connections were kept for {kept_for:?} only, the drain time is {DRAIN:?}");
    assert_eq!(scene.connections("worker").await, POOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_never_ran_is_let_go() {
    let scene = Scene::set("pending", 100).await;
    let _pods = scene.run_pods_starting_in("worker", 2, Duration::from_mins(10)).await;
    eventually("two pods wait to start", async || scene.pods("worker").await.len() == 2).await;
    scene.scale("worker", 0).await;
    eventually("both are gone", async || scene.pods("worker").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_crashes_the_replica_until_there_is_room() {
    // 23 slots: two pools of ten fit, a third does not.
    let scene = Scene::set("refused", 28).await;
    let pods = scene.run_pods("worker", 3).await;
    let counters = &pods.service.counters;
    eventually("a replica has crashed twice", async || counters.totals().crashed >= 2).await;
    // At first all three may crash, each with a part of its pool.
    eventually("two have all they need", async || counters.totals().working == 2).await;
    eventually("the third waits", async || scene.crash_looping("worker").await.len() == 1).await;
    eventually("it keeps no connection", async || scene.connections("worker").await == 2 * POOL).await;
    let told = scene.crash_looping("worker").await;
    assert!(told.iter().all(|message| message.contains("connection refused: FATAL")), "{told:?}");

    scene.scale("worker", 2).await;
    eventually("one pod is gone", async || scene.pods("worker").await.len() == 2).await;
    eventually("both pools are open", async || scene.connections("worker").await == 2 * POOL).await;
    let refused = counters.totals().refused;
    assert_eq!(refused, counters.totals().crashed, "each crash was for one refusal");
    assert_eq!(refused, scene.refusals(), "the database's log and the runner count the same refusals");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_replica_comes_back_when_there_is_room() {
    let scene = Scene::set("back", 28).await;
    let other = scene.hold("other", 20).await;
    let pods = scene.run_pods("worker", 2).await;
    eventually("both replicas have crashed", async || pods.service.counters.totals().crashed >= 2).await;
    eventually("the API server knows", async || scene.crash_looping("worker").await.len() == 2).await;
    drop(other);
    eventually("both pools are open", async || scene.connections("worker").await == 2 * POOL).await;
    eventually("both pods are ready again", async || scene.crash_looping("worker").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_task_stays_until_the_server_has_freed_its_connections() {
    let scene = Scene::set("tasks", 100).await;
    let tasks = scene.run_tasks("api", 3).await;
    eventually("three pools are open", async || scene.connections("api").await == 3 * POOL).await;
    scene.send("api", 20);
    eventually("every message is handled", async || scene.handled("api").await == 20).await;

    let begun = Instant::now();
    scene.scale_tasks("api", 1);
    let mut kept_for = Duration::ZERO;
    loop {
        // No task starts meanwhile, so a connection seen after the list must belong to a task in the list.
        let live = scene.tasks("api");
        let connections = scene.connections_by_name("api").await;
        for (id, open) in &connections {
            assert!(live.contains(id), "task {id} has stopped, {open} of its connections are open");
            assert!(*open <= POOL, "task {id} has {open} connections");
        }
        if connections.len() == 3 {
            kept_for = begun.elapsed();
        }
        if live.len() == 1 {
            break;
        }
    }
    assert!(kept_for >= DRAIN, "connections were kept for {kept_for:?} only, the drain time is {DRAIN:?}");
    assert_eq!(scene.connections("api").await, POOL);
    assert_eq!(scene.exits("api"), [(0, None), (0, None)], "both ended in order");
    assert_eq!(tasks.service.counters.totals().crashed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_stops_the_task_with_an_error_and_ecs_replaces_it() {
    let scene = Scene::set("refused-task", 28).await;
    let tasks = scene.run_tasks("api", 3).await;
    let counters = &tasks.service.counters;
    eventually("the third task has crashed twice", async || counters.totals().crashed >= 2).await;
    scene.scale_tasks("api", 2);
    eventually("two tasks are left", async || scene.tasks("api").len() == 2).await;
    eventually("both pools are open", async || scene.connections("api").await == 2 * POOL).await;

    let refused = counters.totals().refused;
    assert_eq!(refused, counters.totals().crashed, "each crash was for one refusal");
    assert_eq!(refused, scene.refusals(), "the database's log and the runner count the same refusals");
    let crashes: Vec<_> = scene.exits("api").into_iter().filter(|(code, _)| *code == 1).collect();
    assert_eq!(crashes.len() as u64, refused);
    let told =
        |reason: &Option<String>| reason.as_ref().is_some_and(|reason| reason.contains("connection refused: FATAL"));
    assert!(crashes.iter().all(|(_, reason)| told(reason)), "{crashes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_outlasts_its_grace_is_killed() {
    let scene = Scene::set("killed-task", 100).await;
    let _tasks = scene.run_tasks_with("api", 1, Duration::from_mins(10)).await;
    eventually("its pool is open", async || scene.connections("api").await == POOL).await;
    scene.scale_tasks("api", 0);
    eventually("it has stopped", async || scene.tasks("api").is_empty()).await;
    assert_eq!(scene.connections("api").await, 0);
    assert_eq!(scene.exits("api"), [(137, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bystander_suffers_from_a_full_database_and_from_nothing_else() {
    let scene = Scene::set("bystander", 28).await;
    let login = scene.login("payments").await;
    let payments = Bystander::start("payments", login.clone().into());
    eventually("it has asked", async || payments.suffered().asked >= 2).await;
    assert_eq!(payments.suffered().failed, 0);
    drop(payments);
    eventually("its last connection is closed", async || scene.connections("payments").await == 0).await;

    let _others = scene.hold("other", 23).await;
    let payments = Bystander::start("payments", login.into());
    eventually("it has asked again", async || payments.suffered().asked >= 2).await;
    let suffered = payments.suffered();
    assert_eq!(suffered.failed, suffered.asked);
    assert!(
        suffered.last_error.as_ref().is_some_and(|told| told.contains("connection refused: FATAL")),
        "{suffered:?}"
    );
    assert_eq!(scene.refusals(), suffered.failed);
}
