//! Services and tasks as the API describes them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    names::{cluster_arn, service_arn, task_arn},
    service::{Deployment, Rollout, Service, ServiceCounts, Status},
    shapes::ContainerDefinition,
    task::{Phase, Task},
};
use crate::clock::Clock;

/// A list under its name, with the token of the next page where there is one.
pub(super) fn page(name: &str, items: &[String], next_token: Option<String>) -> Value {
    with(json!({ name: items }), [("nextToken", next_token.map(Value::from))])
}

/// A failure of a describing operation, by the ARN asked for or that of the name asked for.
pub(super) fn missing(asked: &str, arn: String) -> Value {
    let arn = if asked.starts_with("arn:") { asked.to_owned() } else { arn };
    json!({ "arn": arn, "reason": "MISSING" })
}

pub(super) fn service(clock: Clock, cluster: &str, service: &Service, tasks: &BTreeMap<String, Task>) -> Value {
    let ServiceCounts { desired, pending, running, stopping: _ } = service.counts(tasks.values());
    let deployments = service.deployments.iter().enumerate();
    let deployments: Vec<_> = match service.status {
        Status::Inactive => Vec::new(),
        Status::Active | Status::Draining => {
            deployments.map(|(i, it)| deployment(clock, service, it, i == 0, tasks)).collect()
        }
    };
    let events: Vec<_> = service
        .events
        .iter()
        .map(|event| json!({ "id": event.id, "createdAt": clock.seconds(event.at), "message": event.message }))
        .collect();
    let mut shown = json!({
        "serviceArn": service_arn(cluster, &service.name),
        "serviceName": service.name,
        "clusterArn": cluster_arn(cluster),
        "status": service.status.as_str(),
        "desiredCount": desired,
        "pendingCount": pending,
        "runningCount": running,
        "launchType": service.launch_type,
        "taskDefinition": service.deployments.front().map(|primary| primary.definition.arn()),
        "deploymentConfiguration": {
            "maximumPercent": service.percentages.maximum,
            "minimumHealthyPercent": service.percentages.minimum_healthy,
            "strategy": "ROLLING",
            "deploymentCircuitBreaker": { "enable": false, "rollback": false },
        },
        "deployments": deployments,
        "events": events,
        "createdAt": clock.seconds(service.created),
        "schedulingStrategy": "REPLICA",
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
    });
    if let (Some(shown), Value::Object(overlay)) = (shown.as_object_mut(), &service.overlay) {
        shown.extend(overlay.clone());
    }
    shown
}

fn deployment(
    clock: Clock,
    service: &Service,
    deployment: &Deployment,
    primary: bool,
    tasks: &BTreeMap<String, Task>,
) -> Value {
    let mine = tasks.values().filter(|task| task.deployment == deployment.id);
    let (state, reason) = match deployment.rollout {
        Rollout::InProgress => ("IN_PROGRESS", format!("ECS deployment {} in progress.", deployment.id)),
        Rollout::Completed => ("COMPLETED", format!("ECS deployment {} completed.", deployment.id)),
    };
    json!({
        "id": deployment.id,
        "status": if primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.definition.arn(),
        "desiredCount": if primary { service.desired } else { deployment.target },
        "pendingCount": mine.clone().filter(|task| task.pending()).count(),
        "runningCount": mine.filter(|task| task.running()).count(),
        "failedTasks": deployment.failures,
        "createdAt": clock.seconds(deployment.created),
        "updatedAt": clock.seconds(deployment.updated),
        "launchType": service.launch_type,
        "rolloutState": state,
        "rolloutStateReason": reason,
    })
}

pub(super) fn task(clock: Clock, cluster: &str, task: &Task) -> Value {
    let arn = task_arn(cluster, &task.id);
    let containers: Vec<_> = task.definition.containers.iter().map(|it| container(&arn, task, it)).collect();
    let shown = json!({
        "taskArn": arn,
        "clusterArn": cluster_arn(cluster),
        "taskDefinitionArn": task.definition.arn(),
        "lastStatus": task.phase.as_str(),
        "desiredStatus": if task.live() { "RUNNING" } else { "STOPPED" },
        "healthStatus": "UNKNOWN",
        "group": format!("service:{}", task.service),
        "startedBy": task.deployment,
        "launchType": task.launch_type,
        "containers": containers,
        "createdAt": clock.seconds(task.created),
    });
    let date = |at: Option<Instant>| at.map(|at| clock.seconds(at).into());
    let optional = [
        ("cpu", task.definition.cpu.clone().map(Value::from)),
        ("memory", task.definition.memory.clone().map(Value::from)),
        ("startedAt", date(task.started)),
        ("stoppingAt", date(task.stopping)),
        ("executionStoppedAt", date(task.execution_stopped)),
        ("stoppedAt", date(task.stopped)),
        ("stopCode", task.stop.as_ref().map(|stop| stop.code.as_str().into())),
        ("stoppedReason", task.stop.as_ref().map(|stop| stop.reason.clone().into())),
    ];
    with(shown, optional)
}

fn container(task_arn: &str, task: &Task, definition: &ContainerDefinition) -> Value {
    let last_status = match task.phase {
        Phase::Provisioning | Phase::Pending | Phase::Activating => "PENDING",
        Phase::Running | Phase::Deactivating | Phase::Stopping => "RUNNING",
        Phase::Deprovisioning | Phase::Stopped => "STOPPED",
    };
    let name = definition.name.as_deref().unwrap_or_default();
    let shown = json!({
        "containerArn": format!("{}/{name}", task_arn.replacen(":task/", ":container/", 1)),
        "taskArn": task_arn,
        "name": name,
        "image": definition.image,
        "lastStatus": last_status,
    });
    let exit = task.exit.as_ref();
    let reason = exit.and_then(|exit| exit.reason.clone());
    with(shown, [("exitCode", exit.map(|exit| exit.code.into())), ("reason", reason.map(Value::from))])
}

/// Adds the members that are there.
pub(super) fn with<const N: usize>(mut shown: Value, optional: [(&str, Option<Value>); N]) -> Value {
    if let Some(members) = shown.as_object_mut() {
        members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    shown
}
