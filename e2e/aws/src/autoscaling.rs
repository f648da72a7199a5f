//! Application Auto Scaling: the scalable targets that ECS services are registered as. Nothing is scaled: whoever shares the account
//! with the operator is told of, not acted out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{ACCOUNT, AwsError, Ecs, REGION, Service, clock::Clock, error::Refusal};

const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";
/// Targets that one page has, if it is not told otherwise and at most (API reference).
const PER_PAGE: usize = 50;

/// The scalable targets of the account. Clones share them.
#[derive(Debug, Clone)]
pub struct Autoscaling {
    clock: Clock,
    ecs: Ecs,
    /// By their resource ids.
    targets: Arc<Mutex<BTreeMap<String, Target>>>,
}

/// A scalable target, as it is described.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    service_namespace: &'static str,
    resource_id: String,
    scalable_dimension: &'static str,
    min_capacity: u32,
    max_capacity: u32,
    #[serde(rename = "RoleARN")]
    role_arn: String,
    creation_time: f64,
    suspended_state: SuspendedState,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct SuspendedState {
    dynamic_scaling_in_suspended: bool,
    dynamic_scaling_out_suspended: bool,
    scheduled_scaling_suspended: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Register {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    min_capacity: Option<u32>,
    max_capacity: Option<u32>,
    suspended_state: Option<SuspendedState>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Deregister {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    service_namespace: String,
    #[serde(default)]
    resource_ids: Vec<String>,
    scalable_dimension: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Autoscaling {
    pub(crate) fn new(clock: Clock, ecs: Ecs) -> Self {
        Self { clock, ecs, targets: Arc::default() }
    }

    /// Carries out an operation by its API name on its JSON input, as [`Ecs::call`] does.
    ///
    /// # Errors
    ///
    /// The service's error, as an SDK would report it.
    pub fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        match operation {
            "RegisterScalableTarget" => self.register(&parse(input)?),
            "DeregisterScalableTarget" => self.deregister(&parse(input)?),
            "DescribeScalableTargets" => self.describe(&parse(input)?),
            _ => Err(Refusal::UnknownOperation.of(Service::Autoscaling)),
        }
    }

    /// Registering again changes what is given.
    fn register(&self, input: &Register) -> Result<Value, AwsError> {
        check(&input.service_namespace, Some(&input.scalable_dimension))?;
        let (cluster, service) = named(&input.resource_id)?;
        if self.ecs.counts(cluster, service).is_none() {
            return Err(invalid(format!("ECS service doesn't exist: {}", input.resource_id)));
        }
        let mut targets = self.targets();
        let known = targets.get(&input.resource_id);
        let of = |given: Option<u32>, known: Option<u32>, name: &str| {
            given.or(known).ok_or_else(|| invalid(format!("{name} is required for a new scalable target")))
        };
        let min_capacity = of(input.min_capacity, known.map(|target| target.min_capacity), "MinCapacity")?;
        let max_capacity = of(input.max_capacity, known.map(|target| target.max_capacity), "MaxCapacity")?;
        if min_capacity > max_capacity {
            return Err(invalid("Maximum capacity cannot be less than minimum capacity".to_owned()));
        }
        let suspended = input.suspended_state.or(known.map(|target| target.suspended_state)).unwrap_or_default();
        let creation_time = known.map_or_else(|| self.clock.seconds(Instant::now()), |target| target.creation_time);
        let target = Target {
            service_namespace: NAMESPACE,
            resource_id: input.resource_id.clone(),
            scalable_dimension: DIMENSION,
            min_capacity,
            max_capacity,
            role_arn: format!(
                "arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
                 AWSServiceRoleForApplicationAutoScaling_ECSService"
            ),
            creation_time,
            suspended_state: suspended,
        };
        targets.insert(input.resource_id.clone(), target);
        let id = input.resource_id.replace('/', "");
        let arn = format!("arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/{id}");
        Ok(json!({ "ScalableTargetARN": arn }))
    }

    fn deregister(&self, input: &Deregister) -> Result<Value, AwsError> {
        check(&input.service_namespace, Some(&input.scalable_dimension))?;
        let Deregister { resource_id, .. } = input;
        let what = format!("No scalable target found for service namespace: ecs, resource ID: {resource_id}");
        let missing = || AwsError::new("ObjectNotFoundException", format!("{what}, scalable dimension: {DIMENSION}"));
        self.targets().remove(resource_id).map(|_| json!({})).ok_or_else(missing)
    }

    fn describe(&self, input: &Describe) -> Result<Value, AwsError> {
        check(&input.service_namespace, input.scalable_dimension.as_deref())?;
        if input.resource_ids.len() > PER_PAGE {
            return Err(invalid(format!("ResourceIds cannot have more than {PER_PAGE} elements")));
        }
        let size = match input.max_results {
            None => PER_PAGE,
            Some(size @ 1..=PER_PAGE) => size,
            Some(_) => return Err(invalid(format!("MaxResults must be between 1 and {PER_PAGE}"))),
        };
        let targets = self.targets();
        let asked = |id: &str| input.resource_ids.is_empty() || input.resource_ids.iter().any(|asked| asked == id);
        let after = |id: &str| input.next_token.as_deref().is_none_or(|token| id > token);
        let mut rest = targets.iter().filter(|(id, _)| asked(id) && after(id));
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let next = page.last().map(|(id, _)| *id).filter(|_| rest.next().is_some());
        let shown: Vec<&Target> = page.iter().map(|(_, target)| *target).collect();
        let mut answer = json!({ "ScalableTargets": shown });
        if let (Some(next), Some(members)) = (next, answer.as_object_mut()) {
            members.insert("NextToken".to_owned(), json!(next));
        }
        Ok(answer)
    }

    fn targets(&self) -> MutexGuard<'_, BTreeMap<String, Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse<T: DeserializeOwned>(input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input).map_err(|error| Refusal::Unreadable(error.to_string()).of(Service::Autoscaling))
}

fn check(namespace: &str, dimension: Option<&str>) -> Result<(), AwsError> {
    if namespace != NAMESPACE {
        return Err(invalid(format!("the service namespace {namespace} is not modelled: {NAMESPACE} is")));
    }
    match dimension {
        None | Some(DIMENSION) => Ok(()),
        Some(other) => {
            Err(invalid(format!("Unsupported service namespace, resource type or scalable dimension: {other}")))
        }
    }
}

/// The cluster and the service of `service/CLUSTER/SERVICE`.
fn named(resource_id: &str) -> Result<(&str, &str), AwsError> {
    let parts = resource_id.strip_prefix("service/").and_then(|rest| rest.split_once('/'));
    parts.ok_or_else(|| invalid(format!("Unsupported resource ID: {resource_id}")))
}

fn invalid(message: String) -> AwsError {
    AwsError::new("ValidationException", message)
}
