//! The operations on services.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Ecs,
    names::{cluster_name, service_arn, service_name},
    rollout::Percentages,
    service::{Service, Status},
    shapes::{
        CreateService, DeleteService, DeploymentConfiguration, DescribeServices, ListServices, UpdateService, invalid,
        page, required, whole,
    },
    show,
    world::Cluster,
};
use crate::AwsError;

/// Services that one call describes at most, and lists if not told otherwise (API reference).
const PER_CALL: usize = 10;

impl Ecs {
    pub(super) fn create_service(&self, input: CreateService) -> Result<Value, AwsError> {
        let name = required("serviceName", input.service_name)?;
        let definition = required("taskDefinition", input.task_definition)?;
        let desired = whole("desiredCount", input.desired_count.ok_or_else(|| invalid("desiredCount is required."))?)?;
        let percentages = Percentages::default().with(input.deployment_configuration)?;
        let launch_type = input.launch_type.unwrap_or_else(|| "EC2".to_owned());
        if !["EC2", "FARGATE"].contains(&launch_type.as_str()) {
            return Err(invalid(format!("launchType {launch_type} is not modelled: EC2 and FARGATE are.")));
        }
        let clock = self.clock();
        self.change(|world, now| {
            let cluster = cluster_name(input.cluster.as_deref());
            world.cluster(cluster)?;
            let definition = world.definitions.find(&definition).ok_or_else(definition_not_found)?;
            let number = world.next_number();
            let Cluster { services, tasks, .. } = world.cluster_mut(cluster)?;
            match services.get(&name).map(|service| service.status) {
                Some(Status::Active) => return Err(invalid("Creation of service was not idempotent.")),
                Some(Status::Draining) => return Err(invalid("Unable to Start a service that is still Draining.")),
                Some(Status::Inactive) | None => {}
            }
            let service = Service { percentages, launch_type, ..Service::new(&name, desired, definition, number, now) };
            let shown = show::service(clock, cluster, &service, tasks);
            services.insert(name, service);
            Ok(json!({ "service": shown }))
        })
    }

    pub(super) fn describe_services(&self, input: &DescribeServices) -> Result<Value, AwsError> {
        if input.services.is_empty() {
            return Err(invalid("Services cannot be empty."));
        }
        if input.services.len() > PER_CALL {
            return Err(invalid(format!("Services cannot have more than {PER_CALL} elements.")));
        }
        let clock = self.clock();
        self.look(|world| {
            let cluster = cluster_name(input.cluster.as_deref());
            let Cluster { services, tasks, .. } = world.cluster(cluster)?;
            let (mut found, mut failures) = (Vec::new(), Vec::new());
            for asked in &input.services {
                match service_name(cluster, asked).and_then(|name| services.get(name)) {
                    Some(service) => found.push(show::service(clock, cluster, service, tasks)),
                    None => failures.push(show::missing(asked, service_arn(cluster, asked))),
                }
            }
            Ok(json!({ "services": found, "failures": failures }))
        })
    }

    /// A new desired count is no deployment; another task definition is, and so is asking for one.
    pub(super) fn update_service(&self, input: UpdateService) -> Result<Value, AwsError> {
        let asked = required("service", input.service)?;
        let desired = input.desired_count.map(|count| whole("desiredCount", count)).transpose()?;
        let clock = self.clock();
        self.change(|world, now| {
            let cluster = cluster_name(input.cluster.as_deref());
            world.cluster(cluster)?;
            let named = match &input.task_definition {
                Some(name) => Some(world.definitions.find(name).ok_or_else(definition_not_found)?),
                None => None,
            };
            let number = world.next_number();
            let Cluster { services, tasks, .. } = world.cluster_mut(cluster)?;
            let service = find(cluster, services, &asked)?;
            if service.status != Status::Active {
                return Err(AwsError::new("ServiceNotActiveException", "Service was not ACTIVE."));
            }
            service.percentages = service.percentages.with(input.deployment_configuration)?;
            service.desired = desired.unwrap_or(service.desired);
            if let Some(primary) = service.deployments.front() {
                let current = &primary.definition;
                let replaced = named.as_ref().is_some_and(|named| named.arn() != current.arn());
                if replaced || input.force_new_deployment {
                    let live = tasks.values().filter(|task| task.deployment == primary.id && task.live()).count();
                    let definition = named.unwrap_or_else(|| current.clone());
                    service.deploy(definition, u32::try_from(live).unwrap_or(u32::MAX), number, now);
                }
            }
            Ok(json!({ "service": show::service(clock, cluster, service, tasks) }))
        })
    }

    pub(super) fn delete_service(&self, input: DeleteService) -> Result<Value, AwsError> {
        let asked = required("service", input.service)?;
        let clock = self.clock();
        self.change(|world, _| {
            let cluster = cluster_name(input.cluster.as_deref());
            let Cluster { services, tasks, .. } = world.cluster_mut(cluster)?;
            let service = find(cluster, services, &asked)?;
            if service.status == Status::Inactive {
                return Err(service_not_found());
            }
            if service.desired > 0 && !input.force {
                return Err(invalid("The service cannot be stopped while it is scaled above 0."));
            }
            service.desired = 0;
            service.status = Status::Draining;
            Ok(json!({ "service": show::service(clock, cluster, service, tasks) }))
        })
    }

    /// Services being deleted are not listed.
    pub(super) fn list_services(&self, input: &ListServices) -> Result<Value, AwsError> {
        self.look(|world| {
            let cluster = cluster_name(input.cluster.as_deref());
            let services = world.cluster(cluster)?.services.values();
            let active = services.filter(|service| service.status == Status::Active);
            let names = active.map(|service| service.name.clone());
            let (names, next_token) = page(names, input.max_results, PER_CALL, input.next_token.as_deref())?;
            let arns: Vec<_> = names.iter().map(|name| service_arn(cluster, name)).collect();
            Ok(show::page("serviceArns", &arns, next_token))
        })
    }
}

impl Percentages {
    /// These percentages with the given ones changed.
    fn with(self, given: Option<DeploymentConfiguration>) -> Result<Self, AwsError> {
        let Some(DeploymentConfiguration { maximum_percent, minimum_healthy_percent }) = given else {
            return Ok(self);
        };
        let percent = |name, given: Option<i64>, kept| given.map_or(Ok(kept), |percent| whole(name, percent));
        let maximum = percent("maximumPercent", maximum_percent, self.maximum)?;
        let minimum_healthy = percent("minimumHealthyPercent", minimum_healthy_percent, self.minimum_healthy)?;
        if maximum < 100 || minimum_healthy > 100 {
            return Err(invalid(format!(
                "maximumPercent must be at least 100 and minimumHealthyPercent at most 100, not {maximum} and \
                 {minimum_healthy}."
            )));
        }
        if maximum == 100 && minimum_healthy == 100 {
            return Err(invalid(
                "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
            ));
        }
        Ok(Self { maximum, minimum_healthy })
    }
}

/// A service by name or ARN, whatever its status.
fn find<'a>(
    cluster: &str,
    services: &'a mut BTreeMap<String, Service>,
    asked: &str,
) -> Result<&'a mut Service, AwsError> {
    service_name(cluster, asked).and_then(|name| services.get_mut(name)).ok_or_else(service_not_found)
}

pub(super) fn service_not_found() -> AwsError {
    AwsError::new("ServiceNotFoundException", "Service not found.")
}

fn definition_not_found() -> AwsError {
    AwsError::new("ClientException", "TaskDefinition not found.")
}
