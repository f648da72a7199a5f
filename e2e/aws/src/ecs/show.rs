//! Services and tasks as the API describes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    names::{cluster_arn, service_arn, task_arn},
    service::{Deployment, Rollout, Service, ServiceCounts, Status},
    task::{Phase, Task},
};
use crate::clock::Clock;

/// A list under its name, with the token of the next page where there is one.
pub(super) fn page(name: &str, items: &[String], next_token: Option<String>) -> Value {
    let mut page = Map::from_iter([(name.to_owned(), items.into())]);
    page.extend(next_token.map(|token| ("nextToken".to_owned(), token.into())));
    page.into()
}

pub(super) fn service(clock: Clock, cluster: &str, service: &Service, tasks: &BTreeMap<String, Task>) -> Value {
    let ServiceCounts {
        desired,
        pending,
        running,
        stopping: _,
    } = service.counts(tasks.values());
    let deployments = service.deployments.iter().enumerate();
    let deployments: Vec<_> = match service.status {
        Status::Inactive => Vec::new(),
        Status::Active | Status::Draining => deployments
            .map(|(i, it)| deployment(clock, service, it, i == 0, tasks))
            .collect(),
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

pub(super) fn task(clock: Clock, cluster: &str, task: &Task, launch_type: Option<&str>) -> Value {
    let arn = task_arn(cluster, &task.id);
    let last_status = match task.phase {
        Phase::Deprovisioning | Phase::Stopped => "STOPPED",
        Phase::Running | Phase::Deactivating | Phase::Stopping => "RUNNING",
        Phase::Provisioning | Phase::Pending | Phase::Activating => "PENDING",
    };
    let containers = task.definition.containers.iter().map(|container| {
        let mut shown = json!({
            "containerArn": format!("{}/{}", arn.replacen(":task/", ":container/", 1), container.name.as_deref().unwrap_or_default()),
            "taskArn": arn,
            "name": container.name,
            "image": container.image,
            "lastStatus": last_status,
        });
        if let (Some(shown), Some(exit)) = (shown.as_object_mut(), &task.exit) {
            shown.insert("exitCode".to_owned(), exit.code.into());
            shown.extend(exit.reason.iter().map(|reason| ("reason".to_owned(), reason.clone().into())));
        }
        shown
    });
    let mut shown = json!({
        "taskArn": arn,
        "clusterArn": cluster_arn(cluster),
        "taskDefinitionArn": task.definition.arn(),
        "lastStatus": task.phase.as_str(),
        "desiredStatus": if task.live() { "RUNNING" } else { "STOPPED" },
        "healthStatus": "UNKNOWN",
        "group": format!("service:{}", task.service),
        "startedBy": task.deployment,
        "containers": containers.collect::<Vec<_>>(),
        "createdAt": clock.seconds(task.created),
    });
    let Some(members) = shown.as_object_mut() else {
        return shown;
    };
    let mut add = |name: &str, value: Option<Value>| members.extend(value.map(|value| (name.to_owned(), value)));
    let date = |at: Option<Instant>| at.map(|at| clock.seconds(at).into());
    add("cpu", task.definition.cpu.clone().map(Value::from));
    add("memory", task.definition.memory.clone().map(Value::from));
    add("launchType", launch_type.map(Value::from));
    add("startedAt", date(task.started));
    add("stoppingAt", date(task.stopping));
    add("executionStoppedAt", date(task.execution_stopped));
    add("stoppedAt", date(task.stopped));
    if let Some(stop) = &task.stop {
        add("stopCode", Some(stop.code.as_str().into()));
        add("stoppedReason", Some(stop.reason.clone().into()));
    }
    shown
}
