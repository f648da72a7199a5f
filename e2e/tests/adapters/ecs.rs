//! ECS services are observed as they are, draining tasks included, and written once.

use std::time::{Duration, Instant};

use hybridscaler::{
    aws::{ATTEMPT_TIMEOUT, Service},
    targets::{EcsTarget, EcsTargets, Observed, TargetError, WriteError},
};
use hybridscaler_core::{
    Replicas,
    budget::Shape,
    observation::{Rollout, Workload},
};
use hybridscaler_e2e_aws::{self as served, Aws, Effect, Exit, Fault, TaskEvent};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{access, administrator};

/// A served ECS with the service `core-api`, told to run 3, whose tasks the test itself starts and stops.
struct Scene {
    aws: Aws,
    orders: UnboundedReceiver<TaskEvent>,
    target: EcsTarget,
}

fn core_api() -> Service {
    Service { cluster: "prod".to_owned(), name: "core-api".to_owned(), access: access(None) }
}

impl Scene {
    async fn lay() -> Self {
        let aws = Aws::start().await.unwrap();
        let orders = aws.ecs().attach_runner();
        let call = |operation: &str, input: Value| aws.ecs().call(operation, input).unwrap();
        call("CreateCluster", json!({"clusterName": "prod"}));
        let container = json!({"name": "main", "image": "example.com/main:1", "essential": true});
        call("RegisterTaskDefinition", json!({"family": "core-api", "containerDefinitions": [container]}));
        call(
            "CreateService",
            json!({
                "cluster": "prod", "serviceName": "core-api", "taskDefinition": "core-api", "desiredCount": 3,
                "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50},
            }),
        );
        let target = EcsTargets::new(administrator(&aws)).target(core_api());
        Self { aws, orders, target }
    }

    async fn observe(&self) -> Workload {
        self.target.observe().await.unwrap().workload
    }

    /// The target as a process sees it that has just started.
    fn afresh(&self) -> EcsTarget {
        EcsTargets::new(administrator(&self.aws)).target(core_api())
    }

    /// Starts so many of the tasks that ECS wants started.
    async fn start(&mut self, tasks: usize) {
        for _ in 0..tasks {
            match self.orders.recv().await.unwrap() {
                TaskEvent::Start(task) => self.aws.ecs().task_running(&task.arn).unwrap(),
                order => unreachable!("{order:?}"),
            }
        }
    }

    /// The tasks that ECS wants stopped, once there are so many.
    async fn stopping(&mut self, tasks: usize) -> Vec<String> {
        let mut arns = Vec::new();
        while arns.len() < tasks {
            match self.orders.recv().await.unwrap() {
                TaskEvent::Stop { arn, .. } => arns.push(arn),
                order => unreachable!("{order:?}"),
            }
        }
        arns
    }

    fn fault(&self, operation: &str, effect: Effect) {
        self.aws.faults().add(Fault::new(served::Service::Ecs, operation, effect));
    }

    /// Observes, then writes 5.
    async fn write(&self) -> (Observed, Result<(), WriteError>) {
        let seen = self.target.observe().await.unwrap();
        let written = self.target.write(&seen, Replicas(5)).await;
        (seen, written)
    }

    fn updates(&self) -> u64 {
        self.aws.calls().count(served::Service::Ecs, "UpdateService")
    }
}

fn workload(desired: u32, running: u32, starting: u32, terminating: u32, rollout: Rollout) -> Workload {
    let [desired, running, starting, terminating] = [desired, running, starting, terminating].map(Replicas);
    Workload { desired, running, starting, terminating, rollout }
}

#[tokio::test]
async fn a_service_is_observed_from_its_start_through_a_change_to_its_end() {
    let mut scene = Scene::lay().await;
    assert_eq!(scene.observe().await, workload(3, 0, 3, 0, Rollout::InProgress));
    scene.start(3).await;
    let seen = scene.target.observe().await.unwrap();
    assert_eq!(seen.workload, workload(3, 3, 0, 0, Rollout::Settled));
    assert_eq!(seen.shape, Shape::EcsRolling { maximum_percent: 150 });

    scene.target.write(&seen, Replicas(5)).await.unwrap();
    assert_eq!(scene.observe().await, workload(5, 3, 2, 0, Rollout::Settled));
    scene.start(2).await;
    let seen = scene.target.observe().await.unwrap();
    assert_eq!(seen.workload, workload(5, 5, 0, 0, Rollout::Settled));

    scene.target.write(&seen, Replicas(1)).await.unwrap();
    let stopping = scene.stopping(4).await;
    assert_eq!(scene.observe().await, workload(1, 1, 0, 4, Rollout::Settled));
    for arn in stopping {
        scene.aws.ecs().task_stopped(&arn, Exit::code(0)).unwrap();
    }
    assert_eq!(scene.observe().await, workload(1, 1, 0, 0, Rollout::Settled));
}

#[tokio::test]
async fn a_deployment_is_in_progress_until_the_old_tasks_are_replaced() {
    let mut scene = Scene::lay().await;
    scene.start(3).await;
    let deploy = json!({"cluster": "prod", "service": "core-api", "forceNewDeployment": true});
    scene.aws.ecs().call("UpdateService", deploy).unwrap();
    assert_eq!(scene.observe().await.rollout, Rollout::InProgress);
}

#[tokio::test]
async fn a_write_without_an_answer_is_sent_once_and_holds_the_service() {
    let mut scene = Scene::lay().await;
    scene.start(3).await;
    scene.fault("UpdateService", Effect::Hang);
    let started = Instant::now();
    let (seen, written) = scene.write().await;
    assert!(matches!(written, Err(WriteError::UnknownOutcome(_))), "{written:?}");
    assert!(started.elapsed() < ATTEMPT_TIMEOUT + Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(scene.observe().await.rollout, Rollout::NotObserved);
    assert!(matches!(scene.target.write(&seen, Replicas(5)).await, Err(WriteError::Held { .. })));
    assert_eq!(scene.updates(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_during_a_write_leaves_its_outcome_unknown() {
    let mut scene = Scene::lay().await;
    scene.start(3).await;
    scene.fault("UpdateService", Effect::Drop);
    let (_, written) = scene.write().await;
    assert!(matches!(written, Err(WriteError::UnknownOutcome(_))), "{written:?}");
    assert_eq!(scene.updates(), 1);
}

#[tokio::test]
async fn a_throttled_write_was_not_carried_out_and_holds_nothing() {
    let mut scene = Scene::lay().await;
    scene.start(3).await;
    scene.aws.faults().add(Fault::new(served::Service::Ecs, "UpdateService", Effect::Throttle).times(1));
    let (_, written) = scene.write().await;
    assert!(matches!(written, Err(WriteError::Throttled(_))), "{written:?}");
    assert_eq!(scene.updates(), 1);
    scene.write().await.1.unwrap();
}

#[tokio::test]
async fn a_count_that_someone_else_changed_is_not_overwritten() {
    let mut scene = Scene::lay().await;
    scene.start(3).await;
    let seen = scene.target.observe().await.unwrap();
    let by_hand = json!({"cluster": "prod", "service": "core-api", "desiredCount": 2});
    scene.aws.ecs().call("UpdateService", by_hand).unwrap();
    assert_eq!(scene.target.write(&seen, Replicas(5)).await, Err(WriteError::Conflict));
    assert_eq!(scene.updates(), 0);
}

#[tokio::test]
async fn services_that_cannot_be_scaled_are_told_apart() {
    let scene = Scene::lay().await;
    let present = |members| scene.aws.ecs().present("prod", "core-api", members).unwrap();
    present(json!({"schedulingStrategy": "DAEMON"}));
    assert!(matches!(scene.target.observe().await, Err(TargetError::NotScalable(_))));
    present(json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}));
    assert_eq!(scene.target.observe().await.unwrap().shape, Shape::EcsReplacing);
    let other = |cluster: &str, name: &str| {
        let service = Service { cluster: cluster.to_owned(), name: name.to_owned(), access: access(None) };
        EcsTargets::new(administrator(&scene.aws)).target(service)
    };
    assert!(matches!(other("prod", "nothing").observe().await, Err(TargetError::NotFound(_))));
    assert!(matches!(other("nowhere", "core-api").observe().await, Err(TargetError::NotFound(_))));
}

#[tokio::test]
async fn application_auto_scaling_is_seen_to_scale_the_service_until_it_is_suspended() {
    let scene = Scene::lay().await;
    let register = |suspended: bool| {
        let target = json!({
            "ServiceNamespace": "ecs", "ResourceId": "service/prod/core-api", "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": 1, "MaxCapacity": 9,
            "SuspendedState": {
                "DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": true,
                "ScheduledScalingSuspended": suspended,
            },
        });
        scene.aws.autoscaling().call("RegisterScalableTarget", target).unwrap();
    };
    register(false);
    let rival = scene.target.observe().await.unwrap().rival.unwrap();
    assert!(rival.to_string().contains("--resource-id service/prod/core-api"), "{rival}");

    register(true);
    assert_eq!(scene.afresh().observe().await.unwrap().rival, None);
}

#[tokio::test]
async fn a_service_is_scaled_though_nobody_may_ask_who_else_does() {
    let scene = Scene::lay().await;
    let denied = served::AwsError::new("AccessDeniedException", "not you");
    scene.aws.faults().add(Fault::new(served::Service::Autoscaling, "DescribeScalableTargets", Effect::Fail(denied)));
    for _ in 0..3 {
        let seen = scene.target.observe().await.unwrap();
        let [note] = &seen.notes[..] else { panic!("{seen:?}") };
        let text = note.to_string();
        assert!(text.contains("application-autoscaling:DescribeScalableTargets"), "{text}");
    }
    // It is not asked at every look.
    assert_eq!(scene.aws.calls().count(served::Service::Autoscaling, "DescribeScalableTargets"), 1);
}
