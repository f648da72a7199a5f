//! A control plane, a small database and a queue, and what the tests ask them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use hybridscaler_e2e::bed::Bed;
use hybridscaler_e2e::bed::postgres::{Postgres, Settings};
use hybridscaler_e2e::runner::{self, Counters, Pace, Pods, SCHEMA, Service, Timing};
use hybridscaler_e2e_aws::{ACCESS_KEY_ID, Aws, REGION, SECRET_ACCESS_KEY};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
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

/// The pods of a Deployment, while they are run.
pub(crate) struct Running {
    pub(crate) service: Service,
    _pods: Pods,
}

impl Scene {
    /// Sets the scene `name` around a database with so many slots. Five are not for ordinary roles: three are kept for superusers,
    /// and two superusers are there already, the bed's and the one that counts here.
    pub(crate) async fn set(name: &str, max_connections: u16) -> Self {
        let bed = Bed::shared(name).await.unwrap();
        let kube = bed.control_plane.admin().await.unwrap();
        let postgres = bed
            .postgres(
                name,
                Settings {
                    max_connections,
                    ..Settings::default()
                },
            )
            .await
            .unwrap();
        postgres.execute("ALTER SYSTEM SET scram_iterations = 1").await.unwrap();
        postgres.execute("SELECT pg_reload_conf()").await.unwrap();
        postgres.execute(SCHEMA).await.unwrap();
        let (server, connection) = tokio_postgres::connect(&postgres.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        let aws = Aws::start().await.unwrap();
        Self {
            aws,
            bed,
            kube,
            postgres,
            server,
        }
    }

    /// Makes a role, a queue and a Deployment, all called `name`, and runs the Deployment's pods.
    pub(crate) async fn run_pods(&self, name: &str, replicas: u32) -> Running {
        self.run_pods_starting_in(name, replicas, Duration::ZERO).await
    }

    /// The same with pods that take a while to start.
    pub(crate) async fn run_pods_starting_in(&self, name: &str, replicas: u32, start_up: Duration) -> Running {
        let service = self.service(name).await;
        let pods = Pods::run(
            self.kube.clone(),
            &self.bed.namespace,
            &format!("app={name}"),
            service.clone(),
        );
        let timing = Timing {
            start_up,
            grace: Duration::from_secs(20),
        };
        let deployment = runner::deployment(name, replicas, timing).unwrap();
        self.deployments()
            .create(&PostParams::default(), &deployment)
            .await
            .unwrap();
        Running { service, _pods: pods }
    }

    /// A service with its own role and queue.
    pub(crate) async fn service(&self, name: &str) -> Service {
        Service {
            name: name.to_owned(),
            database: self.login(name).await,
            pool: usize::try_from(POOL).unwrap(),
            sqs: self.sqs(),
            queue_url: self.aws.sqs().create_queue(name).unwrap(),
            pace: Pace {
                per_second: 10,
                busy: Duration::from_millis(50),
            },
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
        self.deployments()
            .patch_scale(deployment, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    /// The names of all pods that the API server has, terminating ones too.
    pub(crate) async fn pods(&self, deployment: &str) -> Vec<String> {
        self.list(deployment).await.iter().map(Pod::name_any).collect()
    }

    /// Why each pod that waits in `CrashLoopBackOff` crashed.
    pub(crate) async fn crash_looping(&self, deployment: &str) -> Vec<String> {
        let pods = self.list(deployment).await;
        let containers = pods
            .iter()
            .filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref()?.first());
        containers
            .filter(|container| {
                let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
                waiting.and_then(|waiting| waiting.reason.as_deref()) == Some("CrashLoopBackOff") && !container.ready
            })
            .map(|container| {
                let ended = container
                    .last_state
                    .as_ref()
                    .and_then(|state| state.terminated.as_ref());
                ended.and_then(|ended| ended.message.clone()).unwrap_or_default()
            })
            .collect()
    }

    /// The open connections of a role, as the server sees them, by `application_name`.
    pub(crate) async fn connections_by_name(&self, role: &str) -> BTreeMap<String, u64> {
        let sql = "SELECT application_name, count(*) FROM pg_stat_activity \
             WHERE usename = $1 AND backend_type = 'client backend' GROUP BY 1";
        let rows = self.server.query(sql, &[&role]).await.unwrap();
        rows.iter()
            .map(|row| (row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap()))
            .collect()
    }

    /// The open connections of a role, as the server sees them.
    pub(crate) async fn connections(&self, role: &str) -> u64 {
        self.connections_by_name(role).await.values().sum()
    }

    /// The messages that a service has handled, as the database counts them.
    pub(crate) async fn handled(&self, service: &str) -> i64 {
        self.server
            .query_one("SELECT count(*) FROM handled WHERE queue = $1", &[&service])
            .await
            .unwrap()
            .get(0)
    }

    /// The refusals that the database's own log tells of.
    pub(crate) fn refusals(&self) -> u64 {
        u64::try_from(self.postgres.refusals().unwrap()).unwrap()
    }

    async fn list(&self, deployment: &str) -> Vec<Pod> {
        let pods = Api::<Pod>::namespaced(self.kube.clone(), &self.bed.namespace);
        pods.list(&ListParams::default().labels(&format!("app={deployment}")))
            .await
            .unwrap()
            .items
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.kube.clone(), &self.bed.namespace)
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new(REGION))
            .credentials_provider(Credentials::from_keys(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None))
            .endpoint_url(self.aws.endpoint())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
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
