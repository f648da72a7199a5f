//! One task from order to end.

use super::*;
use crate::ecs::ServiceCounts;

#[tokio::test(start_paused = true)]
async fn the_built_in_runner_takes_a_task_through_every_state_in_order() {
    let ecs = Ecs::new(Clock::start());
    ecs.set_timing(Timing {
        provisioning: SECOND,
        activating: SECOND,
        deactivating: SECOND,
        deprovisioning: SECOND,
        start: SECOND,
        stop: SECOND,
        ..Timing::default()
    });
    create(&ecs, 1, 200, 100);
    let mut seen = Vec::new();
    for second in 0..9 {
        if second == 4 {
            update(&ecs, json!({ "desiredCount": 0 }));
        }
        let task = tasks(&ecs).remove(0);
        seen.push((task["desiredStatus"].clone(), task["lastStatus"].clone()));
        advance(SECOND).await;
    }
    let expected = [
        ("RUNNING", "PROVISIONING"),
        ("RUNNING", "PENDING"),
        ("RUNNING", "ACTIVATING"),
        ("RUNNING", "RUNNING"),
        ("STOPPED", "DEACTIVATING"),
        ("STOPPED", "STOPPING"),
        ("STOPPED", "DEPROVISIONING"),
        ("STOPPED", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ];
    assert_eq!(seen, expected.map(|(desired, last)| (desired.into(), last.into())));
    let task = tasks(&ecs).remove(0);
    let date = |name: &str| task[name].as_f64().unwrap().round();
    let created = date("createdAt");
    let after =
        ["startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt"].map(|name| format!("{}", date(name) - created));
    assert_eq!(after, ["3", "4", "6", "7"]);
    assert_eq!(task["containers"][0]["exitCode"], 0);
    assert_eq!(task["stopCode"], "ServiceSchedulerInitiated");
    assert!(task["stoppedReason"].as_str().unwrap().contains("deployment ecs-svc/"), "{task}");
}

#[tokio::test(start_paused = true)]
async fn a_built_in_task_that_outlasts_its_grace_is_killed() {
    let ecs = Ecs::new(Clock::start());
    ecs.set_timing(Timing { stop: Duration::from_mins(1), ..Timing::default() });
    create(&ecs, 1, 200, 100);
    update(&ecs, json!({ "desiredCount": 0 }));
    advance(Duration::from_secs(19)).await;
    assert_eq!(tasks(&ecs)[0]["lastStatus"], "STOPPING");
    advance(SECOND).await;
    assert_eq!(tasks(&ecs)[0]["lastStatus"], "STOPPED");
    assert_eq!(tasks(&ecs)[0]["containers"][0]["exitCode"], 137);
}

#[tokio::test(start_paused = true)]
async fn a_task_waits_for_its_runner_to_start_and_to_end() {
    let mut bed = Bed::new(1, 200, 100);
    let ordered = bed.started().remove(0);
    assert_eq!((ordered.cluster.as_str(), ordered.service.as_str()), ("prod", "core-api"));
    assert_eq!(ordered.definition, "api:1");
    assert_eq!(ordered.environment["POOL"], "10");
    advance(Duration::from_hours(1)).await;
    assert_eq!(task(&bed.ecs, &ordered.arn)["lastStatus"], "PENDING");
    bed.ecs.task_running(&ordered.arn).unwrap();
    assert_eq!(task(&bed.ecs, &ordered.arn)["lastStatus"], "RUNNING");

    bed.update(json!({ "desiredCount": 0 }));
    let grace = Duration::from_secs(20);
    assert_eq!(bed.orders(), [TaskEvent::Stop { arn: ordered.arn.clone(), grace }]);
    advance(SECOND * 19).await;
    assert_eq!(task(&bed.ecs, &ordered.arn)["lastStatus"], "STOPPING");
    assert_eq!(bed.orders(), []);
    advance(SECOND).await;
    assert_eq!(task(&bed.ecs, &ordered.arn)["lastStatus"], "STOPPING", "until the runner says that it is gone");
    assert_eq!(bed.orders(), [TaskEvent::Kill { arn: ordered.arn.clone() }]);
    bed.ecs.task_stopped(&ordered.arn, Exit::code(137)).unwrap();
    let task = task(&bed.ecs, &ordered.arn);
    assert_eq!((&task["lastStatus"], &task["containers"][0]["exitCode"]), (&json!("STOPPED"), &json!(137)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_exits_while_it_stops_is_not_killed() {
    let mut bed = Bed::new(1, 200, 100);
    let arn = bed.run_all().remove(0).arn;
    bed.update(json!({ "desiredCount": 0 }));
    bed.ecs.task_stopped(&arn, Exit::code(143)).unwrap();
    assert_eq!(bed.orders().len(), 1, "the order to stop");
    advance(Duration::from_mins(1)).await;
    assert_eq!(task(&bed.ecs, &arn)["lastStatus"], "STOPPED");
    assert_eq!(bed.orders(), []);
    assert_eq!(bed.ecs.task_stopped("arn:unknown", Exit::code(0)).unwrap_err().0, "arn:unknown");
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_container_stops_without_its_runner() {
    let mut bed = Bed::new(0, 200, 100);
    bed.ecs.set_timing(Timing { provisioning: SECOND, ..Timing::default() });
    bed.update(json!({ "desiredCount": 1 }));
    bed.update(json!({ "desiredCount": 0 }));
    assert_eq!(statuses(&bed.ecs), BTreeMap::from([("STOPPED".to_owned(), 1)]));
    advance(Duration::from_mins(1)).await;
    assert_eq!(bed.orders(), []);
}

#[tokio::test(start_paused = true)]
async fn a_crashed_task_says_why_and_is_replaced_at_once() {
    let mut bed = Bed::new(2, 200, 100);
    let arn = bed.run_all().remove(0).arn;
    bed.ecs.task_stopped(&arn, Exit::code(1).because("too many clients already")).unwrap();
    let crashed = task(&bed.ecs, &arn);
    assert_eq!(crashed["lastStatus"], "STOPPED");
    assert_eq!(crashed["stopCode"], "EssentialContainerExited");
    assert_eq!(crashed["stoppedReason"], "Essential container in task exited");
    assert_eq!(crashed["containers"][0]["exitCode"], 1);
    assert_eq!(crashed["containers"][0]["reason"], "too many clients already");
    assert_eq!(bed.run_all().len(), 1, "a task that had been running is replaced without a wait");
    assert_eq!(service(&bed.ecs)["runningCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_fail_to_start_are_tried_again_after_a_growing_wait() {
    let mut bed = Bed::new(10, 200, 100);
    for wait in [1, 2, 4] {
        let attempt = bed.started();
        assert_eq!(attempt.len(), 10);
        for task in attempt {
            bed.ecs.task_stopped(&task.arn, Exit::code(1).because("image not found")).unwrap();
        }
        advance(Duration::from_millis(1_000 * wait - 1)).await;
        service(&bed.ecs);
        assert_eq!(bed.orders(), [], "ten failures of one attempt count as one");
        advance(Duration::from_millis(1)).await;
        service(&bed.ecs);
    }
    assert_eq!(service(&bed.ecs)["deployments"][0]["failedTasks"], 30);
    assert!(messages(&bed.ecs).iter().any(|m| m.contains("unable to consistently start tasks")));
    let failed = tasks(&bed.ecs).into_iter().find(|task| task["lastStatus"] == "STOPPED").unwrap();
    assert_eq!(failed["stopCode"], "TaskFailedToStart");
    assert_eq!(failed["stoppedReason"], "image not found");
    bed.run_all();
    assert_eq!(service(&bed.ecs)["deployments"][0]["failedTasks"], 0);
    bed.update(json!({ "desiredCount": 11 }));
    let failed = bed.started().remove(0);
    bed.ecs.task_stopped(&failed.arn, Exit::code(1)).unwrap();
    advance(SECOND).await;
    service(&bed.ecs);
    assert_eq!(bed.started().len(), 1, "after a task that ran the wait is short again");
}

#[tokio::test(start_paused = true)]
async fn running_tasks_are_counted_apart_from_those_that_stop() {
    let mut bed = Bed::new(4, 200, 100);
    let arns: Vec<_> = bed.started().into_iter().map(|task| task.arn).collect();
    for arn in &arns[..3] {
        bed.ecs.task_running(arn).unwrap();
    }
    bed.update(json!({ "desiredCount": 2 }));
    let counts = bed.ecs.counts("prod", "core-api").unwrap();
    assert_eq!(counts, ServiceCounts { desired: 2, pending: 0, running: 2, stopping: 2 });
    let shown = service(&bed.ecs);
    assert_eq!((&shown["runningCount"], &shown["pendingCount"]), (&json!(2), &json!(0)));
    assert_eq!(task(&bed.ecs, &arns[3])["desiredStatus"], "STOPPED", "the one that did not run yet goes first");
    assert_eq!(task(&bed.ecs, &arns[2])["desiredStatus"], "STOPPED", "then the youngest");
    let listed = bed.ecs.call("ListTasks", json!({ "cluster": "prod" })).unwrap();
    assert_eq!(listed["taskArns"].as_array().unwrap().len(), 2, "stopping tasks are not listed unless asked for");
}

#[tokio::test(start_paused = true)]
async fn a_task_stopped_by_hand_is_replaced() {
    let mut bed = Bed::new(1, 200, 100);
    let arn = bed.run_all().remove(0).arn;
    let stopped = bed.ecs.call("StopTask", json!({ "cluster": "prod", "task": arn, "reason": "drill" })).unwrap();
    assert_eq!(stopped["task"]["stopCode"], "UserInitiated");
    assert_eq!(stopped["task"]["stoppedReason"], "drill");
    assert_eq!(bed.started().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_is_described_for_an_hour() {
    let mut bed = Bed::new(1, 200, 100);
    let arn = bed.run_all().remove(0).arn;
    bed.update(json!({ "desiredCount": 0 }));
    bed.ecs.task_stopped(&arn, Exit::code(0)).unwrap();
    advance(Duration::from_hours(1)).await;
    assert_eq!(tasks(&bed.ecs).len(), 1);
    advance(SECOND).await;
    assert_eq!(tasks(&bed.ecs).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_may_wait_for_the_counts_of_a_service() {
    let ecs = Ecs::new(Clock::start());
    ecs.set_timing(Timing { start: SECOND * 3, ..Timing::default() });
    tokio::spawn(ecs.clone().run());
    create(&ecs, 5, 200, 100);
    let counts = ecs.until("prod", "core-api", |counts| counts.running == 5).await.unwrap();
    assert_eq!(counts, ServiceCounts { desired: 5, pending: 0, running: 5, stopping: 0 });
    assert_eq!(ecs.until("prod", "other", |_| true).await.unwrap_err().code(), "ServiceNotFoundException");
}
