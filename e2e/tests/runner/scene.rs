//! A control plane, a small database and a queue, and what the tests ask them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hybridscaler_e2e::bed::Bed;
use hybridscaler_e2e::bed::postgres::{Postgres, Settings};
use hybridscaler_e2e::runner::{self, Counters, Pace, Pods, SCHEMA, Service, Tasks, Timing};
use hybridscaler_e2e_aws::Aws;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Config, NoTls};

/// The connections of a replica.
pub(crate) const POOL: u64 = 10;

/// How long a terminating replica keeps its connections.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

const PATIENCE: Duration = Duration::from_mins(1);

/// The parts that a test works with.
pub(crate) struct Scene {
    aws: Aws,
    bed: Bed,
    kube: Client,
    postgres: Postgres,
    server: tokio_postgres::Client,
}

/// A service whose replicas are run until this is dropped.
pub(crate) struct Running<Runner> {
    pub(crate) service: Service,
    _runner: Runner,
}

impl Scene {
    /// Sets the scene `name` around a database with so many slots. Five are not for ordinary roles: three are kept for superusers,
    /// and two superusers are there already, the bed's and the one that counts here.
    pub(crate) async fn set(name: &str, max_connections: u16) -> Self {
        let bed = Bed::shared(name).await.unwrap();
        let kube = bed.control_plane.admin().await.unwrap();
        let postgres = bed.postgres(name, Settings { max_connections, ..Settings::default() }).await.unwrap();
        postgres.execute(SCHEMA).await.unwrap();
        let (server, connection) = tokio_postgres::connect(&postgres.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        let aws = Aws::start().await.unwrap();
        aws.ecs().call("CreateCluster", json!({"clusterName": "default"})).unwrap();
        Self { aws, bed, kube, postgres, server }
    }

    /// Makes a role, a queue and a Deployment, all called `name`, and runs the Deployment's pods.
    pub(crate) async fn run_pods(&self, name: &str, replicas: u32) -> Running<Pods> {
        self.run_pods_starting_in(name, replicas, Duration::ZERO).await
    }

    /// The same with pods that take a while to start.
    pub(crate) async fn run_pods_starting_in(&self, name: &str, replicas: u32, start_up: Duration) -> Running<Pods> {
        let service = self.service(name).await;
        let pods = Pods::run(self.kube.clone(), &self.bed.namespace, &format!("app={name}"), service.clone());
        let timing = Timing { start_up, grace: Duration::from_secs(20) };
        let deployment = runner::deployment(name, replicas, timing).unwrap();
        self.deployments().create(&PostParams::default(), &deployment).await.unwrap();
        Running { service, _runner: pods }
    }

    /// Makes a role, a queue and an ECS service, all called `name`, and runs the service's tasks.
    pub(crate) async fn run_tasks(&self, name: &str, replicas: u32) -> Running<Tasks> {
        self.run_tasks_with(name, replicas, DRAIN).await
    }

    /// The same with tasks that keep their connections for so long. They are killed after four seconds.
    pub(crate) async fn run_tasks_with(&self, name: &str, replicas: u32, drain: Duration) -> Running<Tasks> {
        let service = Service { drain, ..self.service(name).await };
        let tasks = Tasks::run(self.aws.ecs().clone(), [service.clone()], Duration::ZERO);
        let container = json!({"name": "app", "image": "app:simulated", "stopTimeout": 4});
        self.ecs("RegisterTaskDefinition", json!({"family": name, "containerDefinitions": [container]}));
        self.ecs("CreateService", json!({"serviceName": name, "taskDefinition": name, "desiredCount": replicas}));
        Running { service, _runner: tasks }
    }

    /// A service with its own role and queue.
    pub(crate) async fn service(&self, name: &str) -> Service {
        Service {
            name: name.to_owned(),
            database: self.login(name).await.into(),
            pool: u32::try_from(POOL).unwrap(),
            sqs: aws_sdk_sqs::Client::new(&runner::sdk_config(&self.aws)),
            queue_url: self.aws.sqs().create_queue(name).unwrap(),
            pace: Pace { per_second: 10, busy: Duration::from_millis(50) },
            exit: Duration::ZERO,
            drain: DRAIN,
            counters: Arc::new(Counters::default()),
        }
    }

    /// The login of a new role.
    pub(crate) async fn login(&self, role: &str) -> Config {
        self.postgres.create_role(role).await.unwrap();
        self.postgres.url(role).parse().unwrap()
    }

    /// Takes so many connections away, as a role of that name, until the result is dropped.
    pub(crate) async fn hold(&self, role: &str, connections: u32) -> Vec<tokio_postgres::Client> {
        let login = self.login(role).await;
        let mut held = Vec::new();
        for _ in 0..connections {
            let (client, connection) = login.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            held.push(client);
        }
        held
    }

    pub(crate) fn send(&self, queue: &str, messages: u32) {
        for number in 0..messages {
            self.aws.sqs().send(queue, &number.to_string()).unwrap();
        }
    }

    /// Messages that wait or are held.
    pub(crate) fn left(&self, queue: &str) -> usize {
        let depth = self.aws.sqs().depth(queue).unwrap();
        depth.visible + depth.in_flight
    }

    pub(crate) async fn scale(&self, deployment: &str, replicas: u32) {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.deployments().patch_scale(deployment, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) fn scale_tasks(&self, service: &str, replicas: u32) {
        self.ecs("UpdateService", json!({"service": service, "desiredCount": replicas}));
    }

    /// The ids of all tasks that have not stopped.
    pub(crate) fn tasks(&self, service: &str) -> Vec<String> {
        let all = self.describe_tasks(service);
        let live = all.iter().filter(|task| task["lastStatus"] != "STOPPED");
        live.map(|task| task["taskArn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    }

    /// The exit code and reason of each task that has stopped.
    pub(crate) fn exits(&self, service: &str) -> Vec<(i64, Option<String>)> {
        let all = self.describe_tasks(service);
        let containers = all.iter().filter(|task| task["lastStatus"] == "STOPPED").map(|task| &task["containers"][0]);
        containers
            .map(|container| (container["exitCode"].as_i64().unwrap(), container["reason"].as_str().map(str::to_owned)))
            .collect()
    }

    /// The names of all pods that the API server has, terminating ones too.
    pub(crate) async fn pods(&self, deployment: &str) -> Vec<String> {
        self.list(deployment).await.iter().map(Pod::name_any).collect()
    }

    /// Why each pod that waits in `CrashLoopBackOff` crashed.
    pub(crate) async fn crash_looping(&self, deployment: &str) -> Vec<String> {
        let pods = self.list(deployment).await;
        let containers = pods.iter().filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref()?.first());
        containers
            .filter(|container| {
                let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
                waiting.and_then(|waiting| waiting.reason.as_deref()) == Some("CrashLoopBackOff") && !container.ready
            })
            .map(|container| {
                let ended = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
                ended.and_then(|ended| ended.message.clone()).unwrap_or_default()
            })
            .collect()
    }

    /// The open connections of a role, as the server sees them, by `application_name`.
    pub(crate) async fn connections_by_name(&self, role: &str) -> BTreeMap<String, u64> {
        let sql = "SELECT application_name, count(*) FROM pg_stat_activity \
             WHERE usename = $1 AND backend_type = 'client backend' GROUP BY 1";
        let rows = self.server.query(sql, &[&role]).await.unwrap();
        rows.iter().map(|row| (row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap())).collect()
    }

    /// The open connections of a role, as the server sees them.
    pub(crate) async fn connections(&self, role: &str) -> u64 {
        self.connections_by_name(role).await.values().sum()
    }

    /// The messages that a service has handled, as the database counts them.
    pub(crate) async fn handled(&self, service: &str) -> i64 {
        self.server.query_one("SELECT count(*) FROM handled WHERE queue = $1", &[&service]).await.unwrap().get(0)
    }

    /// The refusals that the database's own log tells of.
    pub(crate) fn refusals(&self) -> u64 {
        u64::try_from(self.postgres.refusals().unwrap()).unwrap()
    }

    async fn list(&self, deployment: &str) -> Vec<Pod> {
        let pods = Api::<Pod>::namespaced(self.kube.clone(), &self.bed.namespace);
        pods.list(&ListParams::default().labels(&format!("app={deployment}"))).await.unwrap().items
    }

    /// All tasks that ECS has not forgotten: what `ListTasks` shows, and what it hides unless asked for.
    fn describe_tasks(&self, service: &str) -> Vec<Value> {
        let mut arns = Vec::new();
        for status in ["RUNNING", "STOPPED"] {
            let listed = self.ecs("ListTasks", json!({"serviceName": service, "desiredStatus": status}));
            arns.extend(listed["taskArns"].as_array().unwrap().clone());
        }
        if arns.is_empty() {
            return arns;
        }
        self.ecs("DescribeTasks", json!({"tasks": arns}))["tasks"].as_array().unwrap().clone()
    }

    fn ecs(&self, operation: &str, input: Value) -> Value {
        self.aws.ecs().call(operation, input).unwrap()
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.kube.clone(), &self.bed.namespace)
    }
}

/// Waits until the other side says so: the database and the API server are asked again every 50 ms.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
