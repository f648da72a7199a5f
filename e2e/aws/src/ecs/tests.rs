//! The life of tasks and services, in process and on paused time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::mpsc::UnboundedReceiver, time::advance};

use super::{Ecs, Exit, TaskEvent, TaskInfo, Timing};
use crate::clock::Clock;

mod deployments;
mod laws;
mod lifecycle;

const SECOND: Duration = Duration::from_secs(1);

/// A service `prod/core-api` and, as its runner, the test.
struct Bed {
    ecs: Ecs,
    orders: UnboundedReceiver<TaskEvent>,
}

impl Bed {
    fn new(desired: u32, maximum: u32, minimum_healthy: u32) -> Self {
        let ecs = Ecs::new(Clock::start());
        let orders = ecs.attach_runner();
        create(&ecs, desired, maximum, minimum_healthy);
        Self { ecs, orders }
    }

    /// The orders given since the last call.
    fn orders(&mut self) -> Vec<TaskEvent> {
        std::iter::from_fn(|| self.orders.try_recv().ok()).collect()
    }

    /// The tasks ordered to start since the last call.
    fn started(&mut self) -> Vec<TaskInfo> {
        let start = |event| match event {
            TaskEvent::Start(task) => Some(task),
            TaskEvent::Stop { .. } | TaskEvent::Kill { .. } => None,
        };
        self.orders().into_iter().filter_map(start).collect()
    }

    /// Lets every ordered task run.
    fn run_all(&mut self) -> Vec<TaskInfo> {
        let started = self.started();
        for task in &started {
            self.ecs.task_running(&task.arn).unwrap();
        }
        started
    }

    fn update(&self, members: Value) -> Value {
        update(&self.ecs, members)
    }

    fn deploy(&self) {
        self.update(json!({ "forceNewDeployment": true }));
    }
}

fn create(ecs: &Ecs, desired: u32, maximum: u32, minimum_healthy: u32) {
    ecs.call("CreateCluster", json!({ "clusterName": "prod" })).unwrap();
    register(ecs);
    let configuration = json!({ "maximumPercent": maximum, "minimumHealthyPercent": minimum_healthy });
    let service = json!({
        "cluster": "prod",
        "serviceName": "core-api",
        "taskDefinition": "api",
        "desiredCount": desired,
        "deploymentConfiguration": configuration,
    });
    ecs.call("CreateService", service).unwrap();
}

fn register(ecs: &Ecs) {
    let container = json!({
        "name": "api",
        "image": "api:1",
        "stopTimeout": 20,
        "environment": [{ "name": "POOL", "value": "10" }],
    });
    ecs.call("RegisterTaskDefinition", json!({ "family": "api", "containerDefinitions": [container] })).unwrap();
}

fn update(ecs: &Ecs, mut members: Value) -> Value {
    members["cluster"] = "prod".into();
    members["service"] = "core-api".into();
    ecs.call("UpdateService", members).unwrap()["service"].take()
}

fn service(ecs: &Ecs) -> Value {
    let answer = ecs.call("DescribeServices", json!({ "cluster": "prod", "services": ["core-api"] }));
    answer.unwrap()["services"][0].take()
}

/// Every task the cluster still knows, whatever its desired status.
fn tasks(ecs: &Ecs) -> Vec<Value> {
    let list = |status| {
        let answer = ecs.call("ListTasks", json!({ "cluster": "prod", "desiredStatus": status })).unwrap();
        answer["taskArns"].as_array().unwrap().clone()
    };
    let arns: Vec<_> = [list("RUNNING"), list("STOPPED")].concat();
    let describe = |arns: &[Value]| {
        let answer = ecs.call("DescribeTasks", json!({ "cluster": "prod", "tasks": arns })).unwrap();
        answer["tasks"].as_array().unwrap().clone()
    };
    arns.chunks(100).flat_map(describe).collect()
}

fn task(ecs: &Ecs, arn: &str) -> Value {
    tasks(ecs).into_iter().find(|task| task["taskArn"] == arn).unwrap()
}

/// How many tasks are in which state.
fn statuses(ecs: &Ecs) -> BTreeMap<String, usize> {
    let mut statuses = BTreeMap::new();
    for task in tasks(ecs) {
        *statuses.entry(task["lastStatus"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    statuses
}

fn messages(ecs: &Ecs) -> Vec<String> {
    let events = service(ecs)["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}
