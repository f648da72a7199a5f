//! Task definitions: what a task is made of, in numbered revisions of a family.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Ecs,
    names::{definition_arn, definition_name},
    shapes::{ContainerDefinition, DescribeTaskDefinition, RegisterTaskDefinition, invalid, required},
    show,
};
use crate::{AwsError, clock::Clock};

/// Grace of a task that sets none (API reference of `ContainerDefinition`).
const DEFAULT_STOP_TIMEOUT: u32 = 30;

/// The longest grace, that of Fargate (API reference of `ContainerDefinition`).
const MAX_STOP_TIMEOUT: u32 = 120;

/// One revision.
#[derive(Debug)]
pub(super) struct TaskDefinition {
    pub(super) family: String,
    pub(super) revision: u32,
    pub(super) containers: Vec<ContainerDefinition>,
    pub(super) cpu: Option<String>,
    pub(super) memory: Option<String>,
    pub(super) registered: Instant,
    /// From SIGTERM to SIGKILL: the longest of its containers.
    pub(super) stop_timeout: Duration,
}

/// All revisions of all families, oldest first.
#[derive(Debug, Default)]
pub(super) struct Definitions(BTreeMap<String, Vec<Arc<TaskDefinition>>>);

impl Definitions {
    /// Finds a revision by `family:revision`, `family` (the latest) or ARN.
    pub(super) fn find(&self, name_or_arn: &str) -> Option<Arc<TaskDefinition>> {
        let name = definition_name(name_or_arn);
        match name.split_once(':') {
            None => self.0.get(name)?.last().cloned(),
            Some((family, revision)) => {
                let index = revision.parse::<usize>().ok()?.checked_sub(1)?;
                self.0.get(family)?.get(index).cloned()
            }
        }
    }
}

impl TaskDefinition {
    pub(super) fn arn(&self) -> String {
        definition_arn(&self.family, self.revision)
    }

    /// The environment of the first essential container.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let main = self.containers.iter().find(|container| container.essential.unwrap_or(true));
        main.map(|container| container.environment.iter().map(|v| (v.name.clone(), v.value.clone())).collect())
            .unwrap_or_default()
    }

    fn describe(&self, clock: Clock) -> Value {
        let shown = json!({
            "taskDefinitionArn": self.arn(),
            "family": self.family,
            "revision": self.revision,
            "status": "ACTIVE",
            "containerDefinitions": self.containers,
            "registeredAt": clock.seconds(self.registered),
        });
        let text = |value: &Option<String>| value.clone().map(Value::from);
        show::with(shown, [("cpu", text(&self.cpu)), ("memory", text(&self.memory))])
    }
}

impl Ecs {
    pub(super) fn register_task_definition(&self, input: RegisterTaskDefinition) -> Result<Value, AwsError> {
        let family = required("family", input.family)?;
        let containers = input.container_definitions;
        let client = |message: &str| Err(AwsError::new("ClientException", message));
        if containers.is_empty() {
            return client("Container list cannot be empty.");
        }
        if containers.iter().any(|container| container.name.as_ref().is_none_or(String::is_empty)) {
            return client("Container.name should not be null or empty.");
        }
        if containers.iter().any(|container| container.image.as_ref().is_none_or(String::is_empty)) {
            return client("Container.image should not be null or empty.");
        }
        if !containers.iter().any(|container| container.essential.unwrap_or(true)) {
            return client("A task definition must have at least one essential container.");
        }
        let timeouts = containers.iter().map(|container| container.stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT));
        let stop_timeout = timeouts.max().unwrap_or(DEFAULT_STOP_TIMEOUT);
        if stop_timeout > MAX_STOP_TIMEOUT {
            return Err(invalid(format!("stopTimeout is {stop_timeout} but must be at most {MAX_STOP_TIMEOUT}.")));
        }
        let clock = self.clock();
        Ok(self.change(|world, now| {
            let revisions = world.definitions.0.entry(family.clone()).or_default();
            let definition = Arc::new(TaskDefinition {
                family,
                revision: u32::try_from(revisions.len() + 1).unwrap_or(u32::MAX),
                containers,
                cpu: input.cpu,
                memory: input.memory,
                registered: now,
                stop_timeout: Duration::from_secs(stop_timeout.into()),
            });
            let shown = definition.describe(clock);
            revisions.push(definition);
            json!({ "taskDefinition": shown })
        }))
    }

    pub(super) fn describe_task_definition(&self, input: DescribeTaskDefinition) -> Result<Value, AwsError> {
        let name = required("taskDefinition", input.task_definition)?;
        let clock = self.clock();
        self.look(|world| match world.definitions.find(&name) {
            Some(definition) => Ok(json!({ "taskDefinition": definition.describe(clock) })),
            None => Err(AwsError::new("ClientException", "Unable to describe task definition.")),
        })
    }
}
