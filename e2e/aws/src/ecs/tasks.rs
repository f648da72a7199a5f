//! The operations on tasks.

use serde_json::{Value, json};

use super::{
    Ecs,
    names::{cluster_name, service_name, task_arn, task_id},
    services::service_not_found,
    shapes::{DescribeTasks, ListTasks, StopTask, invalid, page, required},
    show,
    task::{StopCode, Task},
};
use crate::AwsError;

/// Tasks that one call describes or lists at most (API reference).
const PER_CALL: usize = 100;

impl Ecs {
    /// Lists by desired status, RUNNING if not told otherwise: a task that is stopping is not among them.
    pub(super) fn list_tasks(&self, input: &ListTasks) -> Result<Value, AwsError> {
        let live = match input.desired_status.as_deref() {
            None | Some("RUNNING") => Some(true),
            Some("STOPPED") => Some(false),
            // A valid filter that no task meets: PENDING is never desired.
            Some("PENDING") => None,
            Some(other) => {
                return Err(invalid(format!("desiredStatus {other} is not RUNNING, PENDING or STOPPED.")));
            }
        };
        if input.started_by.is_some() && (input.service_name.is_some() || input.family.is_some()) {
            return Err(invalid("startedBy must be the only filter."));
        }
        self.look(|world| {
            let cluster_name = cluster_name(input.cluster.as_deref());
            let cluster = world.cluster(cluster_name)?;
            let service = match &input.service_name {
                None => None,
                Some(asked) => {
                    let name = service_name(cluster_name, asked);
                    let name = name.filter(|name| cluster.services.contains_key(*name));
                    Some(name.ok_or_else(service_not_found)?)
                }
            };
            let meets = |task: &Task| {
                Some(task.live()) == live
                    && service.is_none_or(|name| task.service == name)
                    && input.family.as_ref().is_none_or(|family| task.definition.family == *family)
                    && input.started_by.as_ref().is_none_or(|deployment| task.deployment == *deployment)
            };
            let tasks = cluster.tasks.values().chain(cluster.stopped.values());
            let mut ids: Vec<_> = tasks.filter(|task| meets(task)).map(|task| task.id.clone()).collect();
            ids.sort();
            let (ids, token) = page(ids.into_iter(), input.max_results, PER_CALL, input.next_token.as_deref())?;
            let arns: Vec<_> = ids.iter().map(|id| task_arn(cluster_name, id)).collect();
            Ok(show::page("taskArns", &arns, token))
        })
    }

    pub(super) fn describe_tasks(&self, input: &DescribeTasks) -> Result<Value, AwsError> {
        if input.tasks.is_empty() {
            return Err(invalid("Tasks cannot be empty."));
        }
        if input.tasks.len() > PER_CALL {
            return Err(invalid(format!("Tasks cannot have more than {PER_CALL} elements.")));
        }
        let clock = self.clock();
        self.look(|world| {
            let cluster_name = cluster_name(input.cluster.as_deref());
            let cluster = world.cluster(cluster_name)?;
            let (mut tasks, mut failures) = (Vec::new(), Vec::new());
            for asked in &input.tasks {
                match task_id(cluster_name, asked).and_then(|id| cluster.task(id)) {
                    Some(task) => tasks.push(show::task(clock, cluster_name, task)),
                    None => failures.push(show::missing(asked, task_arn(cluster_name, asked))),
                }
            }
            Ok(json!({ "tasks": tasks, "failures": failures }))
        })
    }

    /// The scheduler of its service will start another.
    pub(super) fn stop_task(&self, input: StopTask) -> Result<Value, AwsError> {
        let asked = required("task", input.task)?;
        let clock = self.clock();
        self.change(|world, now| {
            let timing = world.timing.clone();
            let cluster_name = cluster_name(input.cluster.as_deref());
            let cluster = world.cluster_mut(cluster_name)?;
            let not_found = || invalid("The referenced task was not found.");
            let id = task_id(cluster_name, &asked).ok_or_else(not_found)?;
            if let Some(task) = cluster.tasks.get_mut(id) {
                let reason = input.reason.as_deref().unwrap_or("Task stopped by user");
                task.stop(StopCode::UserInitiated, reason, now, &timing);
            }
            let task = cluster.task(id).ok_or_else(not_found)?;
            Ok(json!({ "task": show::task(clock, cluster_name, task) }))
        })
    }
}
