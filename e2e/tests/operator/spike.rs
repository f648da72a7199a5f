//! The spike that the project is made for, with everything that goes wrong at the same time: two services on one PostgreSQL of 360
//! connections, whose replicas open real pools of ten. Nobody may ever be refused, whatever is rolled out, killed or scaled by hand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hybridscaler::api::{ConnectionBudget, HybridScaler};
use hybridscaler_core::{Replicas, explanation::Limit};
use hybridscaler_e2e::{
    bed::{
        mariadb::{self, MariaDb},
        postgres::{Postgres, Sampler, Settings},
    },
    operator::Operator,
    runner::{self, Bystander, Counters, Pace, Pods, SCHEMA, SCHEMA_IN_MARIADB, Service, Tasks, Timing},
};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use super::world::World;

const MAX_CONNECTIONS: u16 = 360;
/// Three for superusers, four for the operator, the sampler and the bystander's old and new connection.
const RESERVE: u32 = 7;
const POOL: u32 = 10;
const LEAST: u32 = 5;
const WANTED: usize = 50;
const SERVICES: [&str; 2] = ["order-worker", "core-api"];
const TIMING: Timing = Timing { start_up: Duration::from_secs(1), grace: Duration::from_secs(6) };
/// Longer than a start-up: old replicas keep their connections while new ones open theirs.
const DRAIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(90);

/// Both services at their least size, and what is counted of them.
struct Spike {
    world: World,
    server: Server,
    services: [Service; 2],
    bystander: Bystander,
    _pods: Pods,
    _tasks: Tasks,
}

impl Spike {
    async fn lay(label: &str, reserve: u32) -> Self {
        Self::lay_on(label, Kind::Postgres, reserve, Rollouts::Full).await
    }

    async fn lay_on(label: &str, kind: Kind, reserve: u32, rollouts: Rollouts) -> Self {
        let world = World::enter(label).await;
        let server = Server::start(&world, label, kind).await;
        let services = SERVICES.map(|name| service(&world, &server, name));
        let [worker, api] = &services;
        let pods = Pods::run(world.client.clone(), world.namespace(), "app=order-worker", worker.clone());
        let tasks = Tasks::run(world.aws.ecs().clone(), [api.clone()], TIMING.start_up);
        let mut deployment = serde_json::to_value(runner::deployment("order-worker", 5, TIMING).unwrap()).unwrap();
        deployment["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
        let deployment: Deployment = serde_json::from_value(deployment).unwrap();
        world.api().create(&PostParams::default(), &deployment).await.unwrap();
        world.service("core-api", LEAST).await;
        world.ready("order-worker", 5).await;

        world.secret("db-url", &server.url("hybridscaler")).await;
        let engine = kind.engine();
        world
            .apply(&format!(
                "{{apiVersion: hybridscaler.dev/v1alpha1, kind: ConnectionBudget, metadata: {{name: db}}, \
                  spec: {{capacity: {{{engine}: {{secretRef: {{name: db-url}}}}}}, reserve: {{connections: {reserve}}}, \
                  pollIntervalSeconds: 5}}}}"
            ))
            .await;
        for (name, target) in SERVICES.into_iter().zip([
            "{apiVersion: apps/v1, kind: Deployment, name: order-worker}",
            "{ecs: {cluster: prod, service: core-api, region: eu-west-1}}",
        ]) {
            // Work for fifty replicas, or for one, by what a replica is said to carry. Nobody takes it.
            let load = world.queue(&load(name), WANTED);
            world.apply(&scaler(name, target, &load, rollouts)).await;
        }
        let bystander = Bystander::start("payments", server.url("payments").parse().unwrap());
        Self { world, server, services, bystander, _pods: pods, _tasks: tasks }
    }

    /// Each service wants fifty replicas.
    async fn rise(&self) {
        self.messages_per_replica(1).await;
    }

    /// Each service wants its fewest.
    async fn fall(&self) {
        self.messages_per_replica(WANTED).await;
    }

    async fn messages_per_replica(&self, messages: usize) {
        for name in SERVICES {
            let trigger = json!({"name": "backlog", "sqs": {
                "queueUrl": self.world.aws.sqs().create_queue(&load(name)).unwrap(),
                "region": "eu-west-1",
                "messagesPerReplica": messages,
            }});
            let patch = Patch::Merge(json!({"spec": {"triggers": [trigger]}}));
            self.world.api::<HybridScaler>().patch(name, &PatchParams::default(), &patch).await.unwrap();
        }
    }

    async fn budget(&self, wanted: impl Fn(&ConnectionBudget) -> bool) -> ConnectionBudget {
        self.world.budget("db", wanted).await
    }

    /// Waits until both services run their fewest again, and only their peaks are granted.
    async fn calm(&self) {
        self.world.ready("order-worker", 5).await;
        self.world.running("core-api", LEAST).await;
        self.budget(|budget| granted(budget) == Some(2 * 2 * LEAST * POOL)).await;
    }

    /// Waits until so many replicas work, of both services together, and the bystander has asked thrice since: one
    /// that did not ask at the height of the spike proves nothing by not failing.
    async fn working(&self, least: u64) {
        let deadline = Instant::now() + PATIENCE;
        let working = || self.services.iter().map(|service| service.counters.totals().working).sum::<u64>();
        while working() < least {
            assert!(Instant::now() < deadline, "{} replicas work, not {least}", working());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let asked = self.bystander.suffered().asked;
        while self.bystander.suffered().asked < asked + 3 {
            assert!(Instant::now() < deadline, "the bystander does not ask");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn nobody_was_refused(&self) {
        let crashed: u64 = self.services.iter().map(|service| service.counters.totals().crashed).sum();
        let suffered = self.bystander.suffered();
        let peak = self.server.peak().await;
        println!("peak {peak} of {MAX_CONNECTIONS}; the bystander asked {} times", suffered.asked);
        assert_eq!((self.server.refusals().await, crashed, suffered.failed), (0, 0, 0), "{suffered:?}, peak {peak}");
        assert!(suffered.asked > 0, "{suffered:?}");
    }
}

/// Whose server the services use.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Postgres,
    MariaDb,
}

impl Kind {
    /// The name of its capacity in a manifest.
    const fn engine(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }
}

/// `rolloutReserve`.
#[derive(Clone, Copy, Debug)]
enum Rollouts {
    Full,
    None,
}

/// The services' database, and what it says of its connections.
enum Server {
    Postgres { server: Postgres, sampler: Sampler },
    MariaDb(MariaDb),
}

impl Server {
    async fn start(world: &World, label: &str, kind: Kind) -> Self {
        let accounts = ["hybridscaler", "payments", "order_worker", "core_api"];
        match kind {
            Kind::Postgres => {
                let settings = Settings { max_connections: MAX_CONNECTIONS, ..Settings::default() };
                let server = world.bed.postgres(label, settings).await.unwrap();
                server.execute(SCHEMA).await.unwrap();
                for role in accounts {
                    server.create_role(role).await.unwrap();
                }
                Self::Postgres { sampler: server.sampler(), server }
            }
            Kind::MariaDb => {
                let settings = mariadb::Settings { max_connections: MAX_CONNECTIONS, ..mariadb::Settings::default() };
                let server = world.bed.mariadb(label, settings).await.unwrap();
                for statement in SCHEMA_IN_MARIADB {
                    server.execute(statement).await.unwrap();
                }
                for account in accounts {
                    server.create_account(account).await.unwrap();
                    server.execute(&format!("GRANT INSERT ON work.handled TO {account}@'%'")).await.unwrap();
                }
                Self::MariaDb(server)
            }
        }
    }

    fn url(&self, account: &str) -> String {
        match self {
            Self::Postgres { server, .. } => server.url(account),
            Self::MariaDb(server) => server.url(account),
        }
    }

    /// How many connections it has refused.
    async fn refusals(&self) -> u64 {
        match self {
            Self::Postgres { server, .. } => server.refusals().unwrap() as u64,
            Self::MariaDb(server) => server.refusals().await.unwrap(),
        }
    }

    /// The most connections that were open at once.
    async fn peak(&self) -> u32 {
        match self {
            Self::Postgres { sampler, .. } => sampler.peak().unwrap(),
            Self::MariaDb(server) => server.peak().await.unwrap(),
        }
    }

    /// Comes back with another limit.
    async fn restart(&mut self, max_connections: u16) {
        match self {
            Self::Postgres { server, sampler } => {
                server.restart(max_connections).await.unwrap();
                *sampler = server.sampler();
            }
            Self::MariaDb(_) => unreachable!("its limit changes without a restart"),
        }
    }
}

fn load(name: &str) -> String {
    format!("{name}-load")
}

fn granted(budget: &ConnectionBudget) -> Option<u32> {
    budget.status.as_ref().and_then(|status| status.granted)
}

fn service(world: &World, server: &Server, name: &str) -> Service {
    Service {
        name: name.to_owned(),
        database: server.url(&name.replace('-', "_")).parse().unwrap(),
        pool: POOL,
        sqs: world.sqs(),
        queue_url: world.queue(name, 0),
        pace: Pace { per_second: 1, busy: Duration::from_millis(10) },
        exit: Duration::from_millis(250),
        drain: DRAIN,
        counters: Arc::new(Counters::default()),
    }
}

fn scaler(name: &str, target: &str, load: &str, rollouts: Rollouts) -> String {
    format!(
        r#"
apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata: {{name: {name}}}
spec:
  targetRef: {target}
  minReplicas: {LEAST}
  maxReplicas: 50
  pollIntervalSeconds: 1
  triggers: [{{name: backlog, sqs: {{queueUrl: "{load}", region: eu-west-1, messagesPerReplica: {WANTED}}}}}]
  behavior: {{scaleUp: {{cooldownSeconds: 0}}, scaleDown: {{cooldownSeconds: 0}}}}
  connections: [{{budgetRef: {{name: db}}, perReplica: {POOL}, rolloutReserve: {rollouts:?}}}]
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spike_with_both_services_rolled_out_in_its_middle_refuses_nobody() {
    let mut spike = Spike::lay("spike", RESERVE).await;
    spike.rise().await;
    // 350 connections, every replica twice: 17 replicas, and what is left is less than one.
    let full = spike.budget(|budget| granted(budget) > Some(350 - 2 * POOL)).await;
    assert!(granted(&full) <= Some(350), "{full:#?}");
    let restarted = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "yes"}}}}});
    let deployments = spike.world.api::<Deployment>();
    deployments.patch("order-worker", &PatchParams::default(), &Patch::Merge(&restarted)).await.unwrap();
    let again = json!({"cluster": "prod", "service": "core-api", "forceNewDeployment": true});
    spike.world.aws.ecs().call("UpdateService", again).unwrap();
    spike.working(17).await;
    let rolled = |deployment: &Deployment| {
        let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas);
        let status = deployment.status.as_ref();
        deployment.metadata.generation == status.and_then(|status| status.observed_generation)
            && status.is_some_and(|status| status.updated_replicas == replicas && status.ready_replicas == replicas)
    };
    let deployment = spike.world.deployed("order-worker", rolled).await;
    let replicas = deployment.spec.unwrap().replicas.unwrap();
    assert!(replicas >= 5, "{replicas}");

    spike.fall().await;
    spike.calm().await;
    spike.nobody_was_refused().await;

    // The whole story comes out again: both rise, are held to the budget, and fall.
    let made = spike.world.made_again().await;
    for name in SERVICES {
        let of = made.iter().filter(|record| record.name.ends_with(name)).map(|record| &record.output.decision);
        let (mut held, mut least) = (0, 0);
        for decision in of {
            held += usize::from(decision.limited_by == Limit::ConnectionBudget);
            least += usize::from(held > 0 && decision.replicas == Replicas(5));
        }
        assert!(held > 0 && least > 0, "{name}: {held} decisions held to the budget, {least} at the least size after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_killed_ten_times_in_a_spike_refuses_nobody() {
    let mut spike = Spike::lay("killed", RESERVE).await;
    for round in 0_u32..10 {
        if round % 2 == 0 {
            spike.rise().await;
        } else {
            spike.fall().await;
        }
        // From the moment that it is ready until it has done all there is to do, in ten steps.
        tokio::time::sleep(Duration::from_millis(150) * round).await;
        let operator = spike.world.operator.take().unwrap();
        let launch = operator.launch().clone();
        operator.kill().await.unwrap();
        spike.world.operator = Some(Operator::start(&spike.world.bed, "operator", launch).await.unwrap());
    }
    spike.rise().await;
    spike.budget(|budget| granted(budget) > Some(350 - 2 * POOL)).await;
    spike.working(15).await;
    spike.fall().await;
    spike.calm().await;
    spike.nobody_was_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_scales_past_the_grant_is_charged_told_and_survived() {
    // 260 connections for 13 replicas and their rollouts: what the person adds still fits into the database.
    let spike = Spike::lay("by-hand", 97).await;
    spike.rise().await;
    spike.budget(|budget| granted(budget) == Some(260)).await;
    spike.working(13).await;
    let desired = || spike.world.aws.ecs().counts("prod", "core-api").unwrap().desired;
    let before = desired();
    let replicas = |n: i32| json!({"spec": {"replicas": n}});
    let deployments = spike.world.api::<Deployment>();
    let by_hand = PatchParams::default();
    deployments.patch_scale("order-worker", &by_hand, &Patch::Merge(replicas(16))).await.unwrap();

    let over = |budget: &ConnectionBudget| {
        budget.status.iter().flat_map(|s| &s.conditions).any(|c| c.type_ == "OverBudget" && c.status == "True")
    };
    let told = spike.budget(over).await;
    assert!(granted(&told) > Some(260), "charged as it is: {told:#?}");
    assert!(!spike.world.notes("db", "GrantsExceedCapacity").await.is_empty());
    spike.working(u64::from(16 + before)).await;
    assert_eq!(desired(), before, "nobody grows meanwhile");
    deployments.patch_scale("order-worker", &by_hand, &Patch::Merge(replicas(5))).await.unwrap();
    spike.budget(|budget| !over(budget)).await;
    spike.fall().await;
    spike.calm().await;
    spike.nobody_was_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spike_on_a_mariadb_refuses_nobody() {
    let spike = Spike::lay_on("mariadb", Kind::MariaDb, RESERVE, Rollouts::Full).await;
    spike.rise().await;
    // 353 connections, every replica twice.
    let full = spike.budget(|budget| granted(budget) > Some(353 - 2 * POOL)).await;
    assert!(granted(&full) <= Some(353), "{full:#?}");
    spike.working(17).await;
    spike.fall().await;
    spike.calm().await;
    spike.nobody_was_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_smaller_refuses_nobody_once_the_budget_fits_again() {
    const SMALLER: u16 = 220;
    let mut spike = Spike::lay_on("smaller", Kind::Postgres, RESERVE, Rollouts::None).await;
    spike.rise().await;
    spike.budget(|budget| granted(budget) > Some(350 - 2 * POOL)).await;
    spike.working(33).await;

    spike.server.restart(SMALLER).await;
    let over = |budget: &ConnectionBudget, status: &str| {
        budget.status.iter().flat_map(|s| &s.conditions).any(|c| c.type_ == "OverBudget" && c.status == status)
    };
    let told = spike.budget(|budget| over(budget, "True")).await;
    let deadline = Instant::now() + PATIENCE;
    while spike.server.refusals().await == 0 || spike.world.notes("db", "GrantsExceedCapacity").await.is_empty() {
        assert!(Instant::now() < deadline, "nobody is refused, so this shows nothing, or nobody is told");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let meanwhile = spike.budget(|budget| over(budget, "True")).await;
    assert!(granted(&meanwhile) <= granted(&told), "somebody grew: {meanwhile:#?}");

    spike.fall().await;
    spike.budget(|budget| over(budget, "False")).await;
    let (refused, failed) = (spike.server.refusals().await, spike.bystander.suffered().failed);
    spike.rise().await;
    // 220, less three for superusers and the reserve.
    let full = spike.budget(|budget| granted(budget) > Some(210 - 2 * POOL)).await;
    assert!(granted(&full) <= Some(210), "{full:#?}");
    spike.working(19).await;
    assert_eq!((spike.server.refusals().await, spike.bystander.suffered().failed), (refused, failed));
}
