//! The two services of the story on their platforms, with their queues and their database.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{
    manifests::{self, CLUSTER},
    record::{SERVICES, Variant},
    stage::{NAMESPACE, Stage},
    story,
};
use crate::{
    bed::postgres::{Postgres, Sampler, Settings},
    runner::{Counters, Pods, SCHEMA, Service, Tasks},
};

/// The role that the operator reads the database's limits with.
const OPERATOR_ROLE: &str = "hybridscaler";

/// The role of the bystander.
pub(super) const BYSTANDER: &str = "payments";

/// How long the services may take to come up or to go.
const PATIENCE: Duration = Duration::from_mins(1);

/// Both services at their least size, each replica with its pool open.
pub(super) struct Fleet<'a> {
    stage: &'a Stage<'a>,
    /// In the order of [`SERVICES`].
    pub(super) services: [Service; 2],
    /// The names of the queues, in the same order.
    pub(super) queues: [String; 2],
    /// Their database.
    pub(super) database: Postgres,
    /// What counts its connections.
    pub(super) sampler: Sampler,
    /// Whether their scalers are held to a budget.
    pub(super) variant: Variant,
    manifests: String,
    _pods: Pods,
    _tasks: Tasks,
}

impl<'a> Fleet<'a> {
    /// Sets up everything anew: a database, queues, the ECS service and what is on Kubernetes.
    ///
    /// # Errors
    ///
    /// A part refuses, or the services are not up in time.
    pub(super) async fn raise(stage: &'a Stage<'a>, variant: Variant) -> Result<Self> {
        let run = variant.name();
        let database = database(stage, run).await?;
        let queues = SERVICES.map(|service| format!("{service}-{run}"));
        let [order_worker, core_api] = SERVICES;
        let [orders, calls] = &queues;
        let services = [
            service(stage, &database, order_worker, stage.aws.sqs().create_queue(orders)?).await?,
            service(stage, &database, core_api, stage.aws.sqs().create_queue(calls)?).await?,
        ];
        let [worker, api] = &services;
        let sampler = database.sampler();
        let pods = Pods::run(stage.kube.clone(), NAMESPACE, &format!("app={order_worker}"), worker.clone());
        let tasks = Tasks::run(stage.aws.ecs().clone(), [api.clone()], story::TIMING.start_up);
        create_ecs_service(stage)?;

        let urls = [worker.queue_url.clone(), api.queue_url.clone()];
        let database_url = (variant == Variant::Budgeted).then(|| database.url(OPERATOR_ROLE));
        let most = if variant == Variant::StaticMaximum { story::STATIC_MAXIMUM } else { story::MAX_REPLICAS };
        let yaml = manifests::manifests(&stage.bed.namespace, &urls, most, database_url.as_deref())?;
        let file = stage.bed.logs().join(format!("{run}.yaml"));
        fs::write(&file, yaml).with_context(|| format!("cannot write {}", file.display()))?;
        let file = file.to_str().context("the log folder's name is not UTF-8")?.to_owned();
        let fleet =
            Self { stage, services, queues, database, sampler, variant, manifests: file, _pods: pods, _tasks: tasks };
        fleet.kubectl(&["apply", "--filename", &fleet.manifests]).await?;
        timeout(PATIENCE, fleet.up()).await.context("the services do not come up")?;
        Ok(fleet)
    }

    /// Takes everything down again, and waits until no replica has a connection.
    ///
    /// # Errors
    ///
    /// A part refuses, or a replica stays.
    pub(super) async fn clear(self) -> Result<()> {
        let [_, core_api] = SERVICES;
        self.kubectl(&["delete", "--cascade=foreground", "--filename", &self.manifests]).await?;
        self.stage.aws.ecs().call("DeleteService", json!({"cluster": CLUSTER, "service": core_api, "force": true}))?;
        timeout(PATIENCE, self.gone()).await.context("the services do not end")??;
        for queue in &self.queues {
            self.stage.aws.sqs().delete_queue(queue);
        }
        Ok(())
    }

    async fn up(&self) {
        while self.services.iter().any(|service| service.counters.totals().working < u64::from(story::MIN_REPLICAS)) {
            sleep(POLL).await;
        }
    }

    async fn gone(&self) -> Result<()> {
        let roles = SERVICES.map(role);
        loop {
            let newest = self.sampler.latest()?;
            if newest.is_some_and(|sample| sample.connections_of(&roles.each_ref().map(String::as_str)) == 0) {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }

    async fn kubectl(&self, args: &[&str]) -> Result<()> {
        let args = ["--namespace", NAMESPACE].into_iter().chain(args.iter().copied());
        let output = self.stage.bed.control_plane.kubectl(args).await?;
        ensure!(output.status.success(), "kubectl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// Between two looks at whether the services are up or gone.
const POLL: Duration = Duration::from_millis(100);

/// A service's role in the database.
fn role(service: &str) -> String {
    service.replace('-', "_")
}

/// A new database with the table that workers write to, and the roles of all but the services.
async fn database(stage: &Stage<'_>, run: &str) -> Result<Postgres> {
    let settings = Settings { max_connections: u16::try_from(story::MAX_CONNECTIONS)?, ..Settings::default() };
    let database = stage.bed.postgres(run, settings).await?;
    database.execute(SCHEMA).await?;
    for role in [OPERATOR_ROLE, BYSTANDER] {
        database.create_role(role).await?;
    }
    Ok(database)
}

async fn service(stage: &Stage<'_>, database: &Postgres, name: &str, queue_url: String) -> Result<Service> {
    database.create_role(&role(name)).await?;
    Ok(Service {
        name: name.to_owned(),
        database: database.url(&role(name)).parse()?,
        pool: story::POOL,
        sqs: aws_sdk_sqs::Client::new(&stage.sdk),
        queue_url,
        pace: story::PACE,
        exit: story::EXIT,
        drain: story::DRAIN,
        counters: Arc::new(Counters::default()),
    })
}

/// A rolling update may stop half of the tasks and starts none before, so it never runs more than it should.
fn create_ecs_service(stage: &Stage<'_>) -> Result<()> {
    let [_, core_api] = SERVICES;
    let (ecs, grace) = (stage.aws.ecs(), story::TIMING.grace.as_secs());
    let container = json!({"name": "app", "image": format!("{core_api}:simulated"), "stopTimeout": grace});
    ecs.call("RegisterTaskDefinition", json!({"family": core_api, "containerDefinitions": [container]}))?;
    let service = json!({
        "cluster": CLUSTER,
        "serviceName": core_api,
        "taskDefinition": core_api,
        "desiredCount": story::MIN_REPLICAS,
        "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 50},
    });
    ecs.call("CreateService", service)?;
    Ok(())
}
