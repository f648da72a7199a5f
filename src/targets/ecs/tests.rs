#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use hybridscaler_core::budget::Shape;
use serde_json::{Value, json};
use tokio::time::{advance, pause, resume};

use super::*;
use crate::aws::fake::{Answer, Fake, access};

const CLUSTER: &str = "prod";

/// ECS with one service: told to run 5, of which 3 run and 1 is pending; a fifth is already running but not counted
/// yet, and of the tasks it wants stopped two have not stopped.
fn ecs(operation: &str, request: &Value) -> Answer {
    Answer::Json(match operation {
        "DescribeServices" => json!({"services": [{
            "serviceName": "core-api", "status": "ACTIVE", "desiredCount": 5, "runningCount": 3, "pendingCount": 1,
            "deploymentConfiguration": {"maximumPercent": 100},
            "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED"}],
        }]}),
        "ListTasks" if request["desiredStatus"] == "STOPPED" => json!({"taskArns": ["s1", "s2", "s3"]}),
        "ListTasks" => json!({"taskArns": ["r1", "r2", "r3", "p1", "r4"]}),
        "DescribeTasks" => json!({"tasks": [
            {"taskArn": "s1", "lastStatus": "DEACTIVATING"},
            {"taskArn": "s2", "lastStatus": "STOPPED"},
            {"taskArn": "s3", "lastStatus": "STOPPING"},
        ]}),
        "UpdateService" => json!({"service": {"serviceName": "core-api"}}),
        "DescribeScalableTargets" => json!({"ScalableTargets": []}),
        other => return Answer::Error(400, "InvalidAction", Box::leak(other.to_owned().into_boxed_str())),
    })
}

/// ECS whose `operation` answers otherwise.
async fn ecs_but(operation: &'static str, answer: fn() -> Answer) -> Fake {
    Fake::serve(move |asked, request| if asked == operation { answer() } else { ecs(asked, request) }).await
}

fn target(fake: &Fake) -> EcsTarget {
    let service = Service { cluster: CLUSTER.to_owned(), name: "core-api".to_owned(), access: access() };
    EcsTargets::new(fake.aws()).target(service)
}

fn service(edit: &Value) -> Answer {
    let mut service = json!({"serviceName": "core-api", "status": "ACTIVE", "desiredCount": 5, "runningCount": 5});
    service.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
    Answer::Json(json!({"services": [service]}))
}

/// Observes, then writes 7.
async fn write(fake: &Fake) -> (EcsTarget, Result<(), WriteError>) {
    let target = target(fake);
    let seen = target.observe().await.unwrap();
    let written = target.write(&seen, Replicas(7)).await;
    (target, written)
}

#[tokio::test]
async fn a_service_is_observed_with_the_tasks_that_its_own_counts_leave_out() {
    let fake = Fake::serve(ecs).await;
    let seen = target(&fake).observe().await.unwrap();
    let expected = Observed {
        workload: Workload {
            desired: Replicas(5),
            running: Replicas(3),
            starting: Replicas(1),
            terminating: Replicas(3),
            rollout: Rollout::Settled,
        },
        shape: Shape::EcsRolling { maximum_percent: 100 },
        revision: Some("ecs-svc/1".to_owned()),
        version: Version::Ecs,
        rival: None,
        notes: Vec::new(),
    };
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_service_is_read_before_its_tasks_and_those_to_run_before_those_to_stop() {
    let fake = Fake::serve(ecs).await;
    target(&fake).observe().await.unwrap();
    let calls: Vec<_> = fake
        .calls()
        .into_iter()
        .map(|(operation, request)| match request["desiredStatus"].as_str() {
            Some(desired) => format!("{operation} {desired}"),
            None => operation,
        })
        .collect();
    assert_eq!(calls[0], "DescribeScalableTargets");
    assert_eq!(calls[1..], ["DescribeServices", "ListTasks RUNNING", "ListTasks STOPPED", "DescribeTasks"]);
}

#[tokio::test]
async fn more_tasks_than_one_call_may_name_are_all_counted() {
    let fake = Fake::serve(|operation, request| match operation {
        "ListTasks" if request["desiredStatus"] == "STOPPED" => Answer::Json(match request["nextToken"].as_str() {
            None => json!({"taskArns": vec!["s"; 100], "nextToken": "2"}),
            Some("2") => json!({"taskArns": vec!["s"; 100], "nextToken": "3"}),
            _ => json!({"taskArns": vec!["s"; 30]}),
        }),
        "ListTasks" => Answer::Json(json!({"taskArns": []})),
        "DescribeTasks" => {
            let named = request["tasks"].as_array().unwrap();
            assert!(named.len() <= 100);
            let tasks: Vec<_> = named.iter().map(|_| json!({"lastStatus": "STOPPING"})).collect();
            Answer::Json(json!({"tasks": tasks}))
        }
        _ => service(&json!({"runningCount": 0})),
    })
    .await;
    assert_eq!(target(&fake).observe().await.unwrap().workload.terminating, Replicas(230));
}

#[tokio::test]
async fn what_cannot_be_scaled_is_told_apart() {
    let missing = || Answer::Json(json!({"services": [], "failures": [{"arn": "x", "reason": "MISSING"}]}));
    let observe = async |answer| target(&ecs_but("DescribeServices", answer).await).observe().await.unwrap_err();
    assert!(matches!(observe(missing).await, TargetError::NotFound(_)));
    assert!(matches!(observe(|| service(&json!({"status": "DRAINING"}))).await, TargetError::NotFound(_)));
    assert!(matches!(observe(|| service(&json!({"schedulingStrategy": "DAEMON"}))).await, TargetError::NotScalable(_)));
    let no_cluster = || Answer::Error(400, "ClusterNotFoundException", "Cluster not found.");
    assert!(matches!(observe(no_cluster).await, TargetError::NotFound(_)));
}

#[tokio::test]
async fn a_refused_read_of_tasks_names_its_own_permission() {
    let denied = || Answer::Error(400, "AccessDeniedException", "not you");
    for (operation, action) in [("ListTasks", "ecs:ListTasks"), ("DescribeTasks", "ecs:DescribeTasks")] {
        let refused = target(&ecs_but(operation, denied).await).observe().await.unwrap_err();
        let statement = format!(r#"{{"Effect":"Allow","Action":"{action}""#);
        assert!(matches!(&refused, TargetError::Forbidden(text) if text.contains(&statement)), "{refused}");
    }
}

#[tokio::test]
async fn a_write_tells_the_service_the_new_count() {
    let fake = Fake::serve(ecs).await;
    write(&fake).await.1.unwrap();
    let (operation, request) = fake.calls().pop().unwrap();
    assert_eq!(operation, "UpdateService");
    assert_eq!(request, json!({"cluster": CLUSTER, "service": "core-api", "desiredCount": 7}));
}

#[tokio::test]
async fn a_count_that_someone_changed_since_is_a_conflict_and_not_overwritten() {
    let fake = Fake::serve(ecs).await;
    let target = target(&fake);
    let mut seen = target.observe().await.unwrap();
    seen.workload.desired = Replicas(4);
    assert_eq!(target.write(&seen, Replicas(7)).await, Err(WriteError::Conflict));
    assert!(!fake.operations().contains(&"UpdateService".to_owned()));
}

#[tokio::test]
async fn a_write_whose_service_cannot_be_read_again_is_not_sent() {
    let reads = std::sync::atomic::AtomicU32::new(0);
    let fake = Fake::serve(move |operation, request| match operation {
        "DescribeServices" if reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 => {
            Answer::Error(500, "ServerException", "try again")
        }
        _ => ecs(operation, request),
    })
    .await;
    let (target, written) = write(&fake).await;
    assert!(matches!(written, Err(WriteError::Unreachable(_))), "{written:?}");
    assert_eq!(target.shared.holds.remaining(&target.service), None);
}

#[tokio::test]
async fn a_refused_write_holds_nothing() {
    let fake = ecs_but("UpdateService", || Answer::Error(400, "AccessDeniedException", "not you")).await;
    let (target, written) = write(&fake).await;
    assert!(matches!(&written, Err(WriteError::Forbidden(text)) if text.contains("ecs:UpdateService")), "{written:?}");
    assert_eq!(target.observe().await.unwrap().workload.rollout, Rollout::Settled);
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_sent_once_and_holds_the_service() {
    let fake = ecs_but("UpdateService", || Answer::Error(500, "ServerException", "try again")).await;
    let (target, written) = write(&fake).await;
    assert!(matches!(written, Err(WriteError::UnknownOutcome(_))), "{written:?}");
    let seen = target.observe().await.unwrap();
    assert_eq!(seen.workload.rollout, Rollout::NotObserved);
    assert!(matches!(target.write(&seen, Replicas(7)).await, Err(WriteError::Held { .. })));
    let updates = fake.operations().iter().filter(|operation| *operation == "UpdateService").count();
    assert_eq!(updates, 1);
}

#[tokio::test]
async fn a_throttled_write_was_not_carried_out_and_is_not_repeated_by_itself() {
    let fake = ecs_but("UpdateService", || Answer::Error(400, "ThrottlingException", "Rate exceeded")).await;
    let (_, written) = write(&fake).await;
    assert!(matches!(written, Err(WriteError::Throttled(_))), "{written:?}");
    let updates = fake.operations().iter().filter(|operation| *operation == "UpdateService").count();
    assert_eq!(updates, 1);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_holds_the_service() {
    let fake = ecs_but("UpdateService", || Answer::Hang).await;
    let target = target(&fake);
    let seen = target.observe().await.unwrap();
    let sent = async {
        while !fake.operations().contains(&"UpdateService".to_owned()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        written = target.write(&seen, Replicas(7)) => unreachable!("{written:?}"),
        () = sent => {}
    }
    assert!(matches!(target.write(&seen, Replicas(7)).await, Err(WriteError::Held { .. })));
}

#[tokio::test]
async fn another_target_of_the_same_service_is_held_too() {
    let fake = ecs_but("UpdateService", || Answer::Raw(502, "bad gateway")).await;
    let targets = EcsTargets::new(fake.aws());
    let of =
        |name: &str| targets.target(Service { cluster: CLUSTER.to_owned(), name: name.to_owned(), access: access() });
    let seen = of("core-api").observe().await.unwrap();
    assert!(matches!(of("core-api").write(&seen, Replicas(7)).await, Err(WriteError::UnknownOutcome(_))));
    assert!(matches!(of("core-api").write(&seen, Replicas(7)).await, Err(WriteError::Held { .. })));
    assert!(matches!(of("other").write(&seen, Replicas(7)).await, Err(WriteError::UnknownOutcome(_))));
}

#[tokio::test]
async fn a_list_of_scalable_targets_is_believed_for_a_minute_and_outlives_a_failure() {
    let first = AtomicBool::new(true);
    let fake = Fake::serve(move |operation, request| match operation {
        "DescribeScalableTargets" if first.swap(false, Ordering::Relaxed) => Answer::Json(
            json!({"ScalableTargets": [scalable("service/prod/core-api"), scalable("service/prod/other")]}),
        ),
        "DescribeScalableTargets" => Answer::Error(400, "ValidationException", "not now"),
        _ => ecs(operation, request),
    })
    .await;
    let target = target(&fake);
    let refused = async || target.observe().await.unwrap().rival.is_some();
    let asked = || fake.operations().iter().filter(|operation| *operation == "DescribeScalableTargets").count();
    assert!(refused().await && refused().await);
    assert_eq!(asked(), 1);
    pause();
    advance(Duration::from_mins(1)).await;
    resume();
    assert!(refused().await, "what was listed before counts while nothing newer is known");
    assert_eq!(asked(), 2);
}

fn scalable(resource_id: &str) -> Value {
    json!({
        "ServiceNamespace": "ecs", "ResourceId": resource_id, "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1, "MaxCapacity": 9, "RoleARN": "arn:aws:iam::123456789012:role/x", "CreationTime": 1_700_000_000,
    })
}
