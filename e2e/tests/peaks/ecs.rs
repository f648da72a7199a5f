//! ECS services, whose tasks the test itself starts and stops. A task lives from PENDING until its container is gone, and works from
//! RUNNING on.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use hybridscaler::{
    aws::{Access, Aws, Options, Service},
    targets::{EcsTarget, EcsTargets},
};
use hybridscaler_core::budget::RolloutReserve;
use hybridscaler_e2e_aws::{self as served, ACCESS_KEY_ID, Exit, REGION, SECRET_ACCESS_KEY, ServiceCounts, TaskEvent};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, error::TryRecvError};

use crate::peak;

/// A served ECS with one service. Nothing moves but by what the test does, so a look after each step misses no state.
struct Scene {
    aws: served::Aws,
    orders: UnboundedReceiver<TaskEvent>,
    target: EcsTarget,
    /// Told to start, to stop, and not yet done.
    starting: Vec<String>,
    stopping: Vec<String>,
    most: u32,
    most_working: u32,
}

impl Scene {
    /// Lays a service of `desired` tasks, all of them running.
    async fn lay(desired: u32, maximum_percent: u32, minimum_healthy_percent: u32) -> Self {
        let aws = served::Aws::start().await.unwrap();
        let orders = aws.ecs().attach_runner();
        let target = EcsTargets::new(administrator(&aws)).target(Service {
            cluster: "prod".to_owned(),
            name: "core-api".to_owned(),
            access: Access { region: REGION.to_owned(), role_arn: None },
        });
        let mut scene =
            Self { aws, orders, target, starting: Vec::new(), stopping: Vec::new(), most: 0, most_working: 0 };
        scene.call("CreateCluster", json!({"clusterName": "prod"}));
        scene.register();
        scene.call(
            "CreateService",
            json!({
                "cluster": "prod", "serviceName": "core-api", "taskDefinition": "core-api", "desiredCount": desired,
                "deploymentConfiguration": {
                    "maximumPercent": maximum_percent, "minimumHealthyPercent": minimum_healthy_percent,
                },
            }),
        );
        scene.start_all();
        assert_eq!(scene.counts().running, desired);
        scene
    }

    fn call(&mut self, operation: &str, input: Value) {
        self.aws.ecs().call(operation, input).unwrap();
        self.look();
    }

    fn register(&mut self) {
        let container = json!({"name": "main", "image": "example.com/main:1", "essential": true});
        self.call("RegisterTaskDefinition", json!({"family": "core-api", "containerDefinitions": [container]}));
    }

    /// A deployment of a new revision.
    fn deploy(&mut self) {
        self.register();
        self.call("UpdateService", json!({"cluster": "prod", "service": "core-api", "taskDefinition": "core-api"}));
    }

    fn scale(&mut self, desired: u32) {
        self.call("UpdateService", json!({"cluster": "prod", "service": "core-api", "desiredCount": desired}));
    }

    fn look(&mut self) {
        loop {
            match self.orders.try_recv() {
                Ok(TaskEvent::Start(task)) => self.starting.push(task.arn),
                Ok(TaskEvent::Stop { arn, .. }) => self.stopping.push(arn),
                Ok(order @ TaskEvent::Kill { .. }) => unreachable!("{order:?}"),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => unreachable!("the served ECS ended"),
            }
        }
        let ServiceCounts { pending, running, stopping, .. } = self.counts();
        self.most = self.most.max(pending + running + stopping);
        self.most_working = self.most_working.max(running + stopping);
    }

    fn counts(&self) -> ServiceCounts {
        self.aws.ecs().counts("prod", "core-api").unwrap_or_default()
    }

    /// Runs each task that ECS wants started, and those it wants because of that, until it wants no more.
    fn start_all(&mut self) {
        while let Some(arn) = self.starting.pop() {
            self.start(&arn);
        }
    }

    /// One that was told to stop before it ran does not run any more.
    fn start(&mut self, arn: &String) {
        if !self.stopping.contains(arn) {
            self.aws.ecs().task_running(arn).unwrap();
        }
        self.look();
    }

    /// Ends each task that ECS wants stopped.
    fn stop_all(&mut self) {
        while let Some(arn) = self.stopping.pop() {
            self.aws.ecs().task_stopped(&arn, Exit::code(0)).unwrap();
            self.look();
        }
    }

    /// Ends what is to stop before it runs what was to start by then, until nothing is to do.
    fn settle_stops_first(&mut self) {
        loop {
            self.stop_all();
            let ordered = std::mem::take(&mut self.starting);
            if ordered.is_empty() {
                break;
            }
            for arn in ordered {
                self.start(&arn);
            }
        }
    }

    /// The peak for what the service itself says of its deployments.
    async fn peak(&self, reserve: RolloutReserve, desired: u32, terminating: u32) -> u32 {
        peak(reserve, self.target.observe().await.unwrap().shape, desired, terminating)
    }
}

fn administrator(served: &served::Aws) -> Aws {
    let credentials = Credentials::from_keys(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None);
    Aws::new(Options {
        endpoint_url: Some(served.endpoint().to_owned()),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
    })
}

#[tokio::test]
async fn a_deployment_whose_old_tasks_drain_for_long_comes_to_twice_the_tasks_whatever_the_percentages_say() {
    for (maximum, minimum_healthy) in [(200, 100), (150, 50), (100, 50)] {
        let mut scene = Scene::lay(6, maximum, minimum_healthy).await;
        scene.deploy();
        scene.start_all();
        assert_eq!(scene.counts().running, 6);
        assert_eq!(scene.most, scene.peak(RolloutReserve::Full, 6, 0).await, "{maximum} %");
    }
}

/// The containers are counted here: that is when connections are open.
#[tokio::test]
async fn a_deployment_whose_old_tasks_end_before_new_ones_run_stays_within_the_maximum_percent_rounded_down() {
    for (maximum, most) in [(200, 10), (150, 7), (110, 5), (100, 5)] {
        let mut scene = Scene::lay(5, maximum, 50).await;
        scene.deploy();
        scene.settle_stops_first();
        assert_eq!(scene.counts().running, 5);
        assert_eq!((scene.most_working, scene.peak(RolloutReserve::Surge, 5, 0).await), (most, most), "{maximum} %");
    }
}

#[tokio::test]
async fn a_scale_up_in_the_middle_of_a_deployment_gives_all_to_the_newest_revision() {
    let mut scene = Scene::lay(4, 150, 50).await;
    scene.deploy();
    let terminating = scene.counts().stopping;
    scene.scale(8);
    scene.start_all();
    assert_eq!(scene.counts().running, 8);
    // Of the 16 + what terminated, 4 old tasks cannot become 8 any more.
    assert_eq!((scene.most, scene.peak(RolloutReserve::Full, 8, terminating).await), (8 + 4, 16 + terminating));
}

#[tokio::test]
async fn the_replacement_of_every_task_once_comes_to_twice_the_tasks_and_what_terminated_on_top() {
    let mut scene = Scene::lay(6, 200, 100).await;
    scene.scale(4);
    let tasks = scene.aws.ecs().call("ListTasks", json!({"cluster": "prod", "serviceName": "core-api"})).unwrap();
    for arn in tasks["taskArns"].as_array().unwrap() {
        scene.call("StopTask", json!({"cluster": "prod", "task": arn}));
    }
    scene.start_all();
    assert_eq!(scene.counts().running, 4);
    assert_eq!(scene.most, scene.peak(RolloutReserve::Full, 4, 2).await);
}
