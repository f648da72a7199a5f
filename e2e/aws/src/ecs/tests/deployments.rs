//! Rolling updates, watched at every step.

use super::*;

/// What a deployment may not leave: at most `most` tasks starting or running, at least `least` running.
struct Watch {
    most: usize,
    least: usize,
    steps: usize,
    peak: usize,
    lowest: usize,
}

impl Watch {
    fn look(&mut self, ecs: &Ecs) {
        let shown = service(ecs);
        let count = |name: &str| usize::try_from(shown[name].as_u64().unwrap()).unwrap();
        let (running, total) = (count("runningCount"), count("runningCount") + count("pendingCount"));
        assert!(total <= self.most, "step {}: {total} tasks of at most {}", self.steps, self.most);
        assert!(running >= self.least, "step {}: {running} running of at least {}", self.steps, self.least);
        self.steps += 1;
        self.peak = self.peak.max(total);
        self.lowest = self.lowest.min(running);
    }
}

/// Deploys and carries out one order after the other, looking after each, until the deployment is complete.
fn roll(desired: u32, maximum: u32, minimum_healthy: u32, most: usize, least: usize) -> Watch {
    let mut bed = Bed::new(desired, maximum, minimum_healthy);
    bed.run_all();
    assert_eq!(service(&bed.ecs)["deployments"][0]["rolloutState"], "COMPLETED");
    let mut watch = Watch { most, least, steps: 0, peak: 0, lowest: usize::MAX };
    bed.deploy();
    watch.look(&bed.ecs);
    assert_eq!(service(&bed.ecs)["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let mut orders = std::collections::VecDeque::new();
    loop {
        orders.extend(bed.orders());
        match orders.pop_front() {
            Some(TaskEvent::Start(task)) => bed.ecs.task_running(&task.arn).unwrap(),
            Some(TaskEvent::Stop { arn, .. }) => bed.ecs.task_stopped(&arn, Exit::code(143)).unwrap(),
            Some(TaskEvent::Kill { arn }) => panic!("{arn} was to be killed"),
            None => break,
        }
        watch.look(&bed.ecs);
    }
    let shown = service(&bed.ecs);
    let deployments = shown["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 1, "the old one is gone");
    assert_eq!(deployments[0]["rolloutState"], "COMPLETED");
    assert_eq!(shown["runningCount"], desired);
    watch
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_stays_within_both_percentages_at_every_step() {
    for (desired, maximum, minimum_healthy, most, least) in [
        (10, 200, 100, 20, 10),
        (10, 100, 50, 10, 5),
        (35, 100, 50, 35, 18),
        (7, 150, 50, 10, 4),
        (4, 125, 75, 5, 3),
        (3, 200, 0, 6, 0),
        (3, 100, 0, 3, 0),
        (1, 200, 100, 2, 1),
    ] {
        let watch = roll(desired, maximum, minimum_healthy, most, least);
        let context = format!("{desired} tasks at {maximum}/{minimum_healthy}");
        assert_eq!(watch.peak, most, "{context} use the room they are given");
        if maximum == 100 {
            assert_eq!(watch.lowest, least, "{context} stop as many as they may");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_spare_tasks_the_old_ones_stop_first_and_their_containers_outlast_the_count() {
    let mut bed = Bed::new(4, 100, 50);
    bed.run_all();
    bed.deploy();
    let orders = bed.orders();
    let stops = orders.iter().filter(|order| matches!(order, TaskEvent::Stop { .. })).count();
    assert_eq!((stops, orders.len()), (2, 4), "two stop and two start in their place at once");
    // The two that stop still hold their containers: six exist where four are counted.
    let counts = bed.ecs.counts("prod", "core-api").unwrap();
    assert_eq!((counts.running, counts.pending, counts.stopping), (2, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_told_from_a_change_of_the_desired_count() {
    let mut bed = Bed::new(2, 200, 100);
    bed.run_all();
    let before = service(&bed.ecs);
    let update = bed.update(json!({ "desiredCount": 3, "taskDefinition": "api:1" }));
    assert_eq!(update["deployments"][0]["id"], before["deployments"][0]["id"], "neither is a deployment");
    assert_eq!(update["deployments"][0]["desiredCount"], 3);

    register(&bed.ecs);
    let update = bed.update(json!({ "taskDefinition": "api" }));
    assert_eq!(update["taskDefinition"], "arn:aws:ecs:eu-west-1:123456789012:task-definition/api:2");
    let statuses: Vec<_> = update["deployments"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["PRIMARY", "ACTIVE"]);
    assert!(bed.started().iter().any(|task| task.definition == "api:2"));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_crashes_in_a_deployment_comes_back_in_its_own_revision() {
    let mut bed = Bed::new(4, 100, 50);
    let first = bed.run_all();
    register(&bed.ecs);
    bed.update(json!({ "taskDefinition": "api:2" }));
    bed.orders();
    let old = first.iter().find(|it| task(&bed.ecs, &it.arn)["desiredStatus"] == "RUNNING").unwrap();
    bed.ecs.task_stopped(&old.arn, Exit::code(1)).unwrap();
    let definitions: Vec<_> = bed.started().into_iter().map(|task| task.definition).collect();
    assert_eq!(definitions, ["api:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_without_room_says_so_once_and_goes_on_when_it_gets_some() {
    let mut bed = Bed::new(3, 125, 100);
    bed.run_all();
    bed.deploy();
    bed.deploy();
    let stuck = |ecs: &Ecs| messages(ecs).iter().filter(|m| m.contains("unable to stop or start tasks")).count();
    assert_eq!((bed.orders().len(), stuck(&bed.ecs)), (0, 2), "once for each of the two deployments");
    bed.update(json!({ "desiredCount": 3 }));
    assert_eq!(stuck(&bed.ecs), 2);
    bed.update(json!({ "deploymentConfiguration": { "minimumHealthyPercent": 50 } }));
    assert!(!bed.orders().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_counts_as_healthy_after_its_time() {
    let mut bed = Bed::new(2, 200, 100);
    bed.run_all();
    bed.ecs.set_timing(Timing { healthy_after: SECOND * 40, ..Timing::default() });
    advance(SECOND * 40).await;
    bed.deploy();
    bed.run_all();
    advance(SECOND * 39).await;
    assert_eq!(service(&bed.ecs)["runningCount"], 4);
    advance(SECOND).await;
    assert_eq!(service(&bed.ecs)["runningCount"], 2, "the old ones stop when the new ones are healthy");
}

#[tokio::test(start_paused = true)]
async fn events_tell_what_the_scheduler_did_newest_first() {
    let mut bed = Bed::new(2, 200, 100);
    bed.run_all();
    bed.update(json!({ "desiredCount": 1 }));
    let told: Vec<_> = messages(&bed.ecs)
        .iter()
        .map(|message| message.split(" (task").next().unwrap().split(" (deployment").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        told,
        [
            "(service core-api) has reached a steady state.",
            "(service core-api) has stopped 1 running tasks:",
            "(service core-api) has reached a steady state.",
            "(service core-api)",
            "(service core-api) has started 2 tasks:",
        ]
    );
    assert!(messages(&bed.ecs)[3].ends_with("deployment completed."));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_drains_and_its_name_is_free_again() {
    let mut bed = Bed::new(1, 200, 100);
    let arn = bed.run_all().remove(0).arn;
    bed.ecs.set_timing(Timing { deactivating: SECOND, ..Timing::default() });
    let delete = |force: bool| {
        bed.ecs.call("DeleteService", json!({ "cluster": "prod", "service": "core-api", "force": force }))
    };
    assert!(delete(false).unwrap_err().message().contains("scaled above 0"));
    assert_eq!(delete(true).unwrap()["service"]["status"], "DRAINING");
    let update = json!({ "cluster": "prod", "service": "core-api", "desiredCount": 1 });
    assert_eq!(bed.ecs.call("UpdateService", update).unwrap_err().code(), "ServiceNotActiveException");
    assert_eq!(bed.ecs.call("ListServices", json!({ "cluster": "prod" })).unwrap()["serviceArns"], json!([]));
    advance(SECOND).await;
    assert_eq!(task(&bed.ecs, &arn)["lastStatus"], "STOPPING");
    assert_eq!(service(&bed.ecs)["status"], "INACTIVE", "as soon as every task is in STOPPING");
    create(&bed.ecs, 0, 200, 100);
    assert_eq!(service(&bed.ecs)["status"], "ACTIVE");
}
