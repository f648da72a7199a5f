//! Tasks that a service's own counts leave out: those on their way out, which still hold connections.

use aws_sdk_ecs::{Client, types::DesiredStatus};
use hybridscaler_core::Replicas;

use crate::aws::{Failure, Permission, Service};

/// Most tasks that one `DescribeTasks` may name, and that one page of `ListTasks` gives.
const BATCH: i32 = 100;
/// Where a task's life ends.
const STOPPED: &str = "STOPPED";

/// Tasks of a service by what ECS wants of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Those it wants to run, whatever they do now.
    pub(crate) wanted: Replicas,
    /// Those it wants stopped that have not stopped yet.
    pub(crate) stopping: Replicas,
}

/// The tasks that are to run are listed first: one that is told to stop in between is counted twice rather than missed.
pub(super) async fn list(ecs: &Client, service: &Service) -> Result<Listed, Failure> {
    let wanted = arns(ecs, service, DesiredStatus::Running).await?.len();
    let mut stopping = 0;
    for batch in arns(ecs, service, DesiredStatus::Stopped).await?.chunks(100) {
        let answer = ecs.describe_tasks().cluster(&service.cluster).set_tasks(Some(batch.to_vec())).send().await;
        let answer = answer.map_err(|error| {
            let needs = Permission { action: "ecs:DescribeTasks", resource: service.tasks_arn() };
            Failure::of(&error, &needs, &service.access)
        })?;
        // A task that is not found any more has stopped long ago.
        stopping += answer.tasks().iter().filter(|task| task.last_status() != Some(STOPPED)).count();
    }
    Ok(Listed { wanted: replicas(wanted), stopping: replicas(stopping) })
}

async fn arns(ecs: &Client, service: &Service, desired: DesiredStatus) -> Result<Vec<String>, Failure> {
    let pages = ecs
        .list_tasks()
        .cluster(&service.cluster)
        .service_name(&service.name)
        .desired_status(desired)
        .max_results(BATCH)
        .into_paginator()
        .items()
        .send();
    pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| {
        let needs = Permission { action: "ecs:ListTasks", resource: "*".to_owned() };
        Failure::of(&error, &needs, &service.access)
    })
}

fn replicas(count: usize) -> Replicas {
    Replicas(u32::try_from(count).unwrap_or(u32::MAX))
}
