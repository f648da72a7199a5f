//! Elastic Container Service: clusters, REPLICA services with rolling updates, their tasks.
//!
//! The scheduler acts at once and as one step with the request or report that gave it cause: what a test does next
//! sees all that follows from what it did before. Only what [`Timing`] says takes time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use crate::{AwsError, Service, clock::Clock, error::Refusal};

mod clusters;
mod definitions;
mod names;
mod rollout;
mod runner;
mod scheduler;
mod service;
mod services;
mod shapes;
mod show;
mod task;
mod tasks;
#[cfg(test)]
mod tests;
mod timing;
mod world;

pub use runner::{Exit, TaskEvent, TaskInfo, UnknownTask};
pub use service::ServiceCounts;
pub use timing::{Backoff, Timing};

use names::{cluster_arn, cluster_name, service_arn, service_name, task_arn, task_id};
use shapes::parse;
use world::World;

/// The clusters of the account. Clones share them.
#[derive(Debug, Clone)]
pub struct Ecs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    world: Mutex<World>,
    /// Something may be due earlier than the loop knows.
    sooner: Notify,
    changed: watch::Sender<()>,
}

impl Ecs {
    pub(crate) fn new(clock: Clock) -> Self {
        let inner = Inner { clock, world: Mutex::default(), sooner: Notify::new(), changed: watch::Sender::new(()) };
        Self(Arc::new(inner))
    }

    /// Carries out an operation by its API name on its JSON input, as a signed request of the administrator would,
    /// but in process: `call("CreateCluster", json!({"clusterName": "prod"}))`.
    ///
    /// # Errors
    ///
    /// The service's error, as an SDK would report it.
    pub fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        match operation {
            "CreateCluster" => Ok(self.create(parse(input)?)),
            "DescribeClusters" => Ok(self.describe_clusters(parse(input)?)),
            "RegisterTaskDefinition" => self.register_task_definition(parse(input)?),
            "DescribeTaskDefinition" => self.describe_task_definition(parse(input)?),
            "CreateService" => self.create_service(parse(input)?),
            "DescribeServices" => self.describe_services(&parse(input)?),
            "UpdateService" => self.update_service(parse(input)?),
            "DeleteService" => self.delete_service(parse(input)?),
            "ListServices" => self.list_services(&parse(input)?),
            "ListTasks" => self.list_tasks(&parse(input)?),
            "DescribeTasks" => self.describe_tasks(&parse(input)?),
            "StopTask" => self.stop_task(parse(input)?),
            _ => Err(Refusal::UnknownOperation.of(Service::Ecs)),
        }
    }

    /// Sets how long states last from now on; those under way keep the end they have.
    pub fn set_timing(&self, timing: Timing) {
        self.change(|world, _| world.timing = timing);
    }

    /// Shows other members in `DescribeServices` than the model's own, for kinds of services it does not act out:
    /// `present("prod", "log-router", json!({"schedulingStrategy": "DAEMON"}))`. `Value::Null` ends it.
    ///
    /// # Errors
    ///
    /// The cluster or the service does not exist.
    pub fn present(&self, cluster: &str, service: &str, members: Value) -> Result<(), AwsError> {
        self.change(|world, _| {
            let services = &mut world.cluster_mut(cluster)?.services;
            services.get_mut(service).ok_or_else(services::service_not_found)?.overlay = members;
            Ok(())
        })
    }

    /// The tasks of a service by what they are doing; `None` when there is no such service.
    pub fn counts(&self, cluster: &str, service: &str) -> Option<ServiceCounts> {
        self.look(|world| {
            let cluster = world.clusters.get(cluster)?;
            Some(cluster.services.get(service)?.counts(cluster.tasks.values()))
        })
    }

    /// Waits until the tasks of a service are as `wanted`, and returns them.
    ///
    /// # Errors
    ///
    /// The cluster or the service does not exist.
    pub async fn until(
        &self,
        cluster: &str,
        service: &str,
        wanted: impl Fn(ServiceCounts) -> bool,
    ) -> Result<ServiceCounts, AwsError> {
        let mut changes = self.0.changed.subscribe();
        loop {
            changes.mark_unchanged();
            let counts = self.counts(cluster, service).ok_or_else(services::service_not_found)?;
            // The sender lives in `self`, so the wait ends by a change only.
            if wanted(counts) || changes.changed().await.is_err() {
                return Ok(counts);
            }
        }
    }

    /// Lets time end what it ends, until dropped.
    pub(crate) async fn run(self) {
        loop {
            let due = self.look(|world| world.due(Instant::now()));
            self.0.changed.send_replace(());
            let sooner = self.0.sooner.notified();
            match due {
                None => sooner.await,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = sooner => {}
                },
            }
        }
    }

    /// The ARNs a request is about, for policies and faults: services and tasks where it names some, else clusters.
    /// Requests on task definitions are on `*`, as policies have it for describing them.
    pub(crate) fn resources(operation: &str, input: &Value) -> Vec<String> {
        if ["RegisterTaskDefinition", "DescribeTaskDefinition"].contains(&operation) {
            return vec!["*".to_owned()];
        }
        let text = |name: &str| input.get(name).and_then(Value::as_str);
        let texts = |name: &str| {
            let many = input.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            many.iter().filter_map(Value::as_str)
        };
        let cluster = cluster_name(text("cluster"));
        let service =
            |name: &str| service_name(cluster, name).map_or_else(|| name.to_owned(), |name| service_arn(cluster, name));
        let task = |id: &str| task_id(cluster, id).map_or_else(|| id.to_owned(), |id| task_arn(cluster, id));
        let services = text("service").or(text("serviceName")).into_iter().chain(texts("services")).map(service);
        let tasks = text("task").into_iter().chain(texts("tasks")).map(task);
        let mut found: Vec<_> = services.chain(tasks).collect();
        if found.is_empty() {
            let clusters = text("clusterName").into_iter().chain(texts("clusters"));
            found.extend(clusters.map(|name| cluster_arn(cluster_name(Some(name)))));
        }
        if found.is_empty() {
            found.push(cluster_arn(cluster));
        }
        found
    }

    fn clock(&self) -> Clock {
        self.0.clock
    }

    /// Brings the world up to now and reads it.
    fn look<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        let mut world = self.lock();
        world.step(Instant::now());
        read(&world)
    }

    /// Brings the world up to now, applies a change, and all that follows from it.
    fn change<R>(&self, change: impl FnOnce(&mut World, Instant) -> R) -> R {
        let now = Instant::now();
        let mut world = self.lock();
        world.step(now);
        let result = change(&mut world, now);
        world.step(now);
        drop(world);
        self.0.sooner.notify_one();
        self.0.changed.send_replace(());
        result
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
