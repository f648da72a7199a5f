//! What the operations of ECS take, and the checks every one of them makes.
//!
//! Required members are optional here, so that their absence gets the service's own error. A member that the model
//! does not know is refused, since ignoring it would promise what is not kept.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{AwsError, Service, error::Refusal};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateCluster {
    pub(super) cluster_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeClusters {
    #[serde(default)]
    pub(super) clusters: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RegisterTaskDefinition {
    pub(super) family: Option<String>,
    #[serde(default)]
    pub(super) container_definitions: Vec<ContainerDefinition>,
    pub(super) cpu: Option<String>,
    pub(super) memory: Option<String>,
}

/// A container, as registered and as described.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContainerDefinition {
    pub(super) name: Option<String>,
    pub(super) image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) essential: Option<bool>,
    #[serde(default)]
    pub(super) environment: Vec<KeyValuePair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_timeout: Option<u32>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KeyValuePair {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeTaskDefinition {
    pub(super) task_definition: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateService {
    pub(super) cluster: Option<String>,
    pub(super) service_name: Option<String>,
    pub(super) task_definition: Option<String>,
    pub(super) desired_count: Option<i64>,
    pub(super) deployment_configuration: Option<DeploymentConfiguration>,
    pub(super) launch_type: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeploymentConfiguration {
    pub(super) maximum_percent: Option<i64>,
    pub(super) minimum_healthy_percent: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeServices {
    pub(super) cluster: Option<String>,
    #[serde(default)]
    pub(super) services: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UpdateService {
    pub(super) cluster: Option<String>,
    pub(super) service: Option<String>,
    pub(super) desired_count: Option<i64>,
    pub(super) task_definition: Option<String>,
    pub(super) deployment_configuration: Option<DeploymentConfiguration>,
    #[serde(default)]
    pub(super) force_new_deployment: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeleteService {
    pub(super) cluster: Option<String>,
    pub(super) service: Option<String>,
    #[serde(default)]
    pub(super) force: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListServices {
    pub(super) cluster: Option<String>,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTasks {
    pub(super) cluster: Option<String>,
    pub(super) service_name: Option<String>,
    pub(super) family: Option<String>,
    pub(super) started_by: Option<String>,
    pub(super) desired_status: Option<String>,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeTasks {
    pub(super) cluster: Option<String>,
    #[serde(default)]
    pub(super) tasks: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StopTask {
    pub(super) cluster: Option<String>,
    pub(super) task: Option<String>,
    pub(super) reason: Option<String>,
}

/// Reads an operation's members.
pub(super) fn parse<T: DeserializeOwned>(input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input).map_err(|error| Refusal::Unreadable(error.to_string()).of(Service::Ecs))
}

/// A member that must be there and not be empty.
pub(super) fn required(name: &str, value: Option<String>) -> Result<String, AwsError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| invalid(format!("{name} can not be blank.")))
}

/// A count: zero or more.
pub(super) fn whole(name: &str, value: i64) -> Result<u32, AwsError> {
    u32::try_from(value).map_err(|_| invalid(format!("{name} is {value} but must be 0 or more.")))
}

/// A parameter the service does not take.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

/// One page of `ids`, which come in order: those after `next_token`, which is the last of the page before.
pub(super) fn page(
    ids: impl Iterator<Item = String>,
    max_results: Option<i64>,
    default: usize,
    next_token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), AwsError> {
    let size = match max_results.map(usize::try_from) {
        None => default,
        Some(Ok(size @ 1..=100)) => size,
        Some(_) => return Err(invalid("maxResults must be between 1 and 100.")),
    };
    let mut rest = ids.skip_while(|id| next_token.is_some_and(|token| id.as_str() <= token));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next_token = page.last().cloned().filter(|_| rest.next().is_some());
    Ok((page, next_token))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn pages_follow_each_other_and_the_last_has_no_token() {
        let ids = || ["a", "b", "c", "d", "e"].map(str::to_owned).into_iter();
        let (first, token) = page(ids(), Some(2), 10, None).unwrap();
        assert_eq!((first.concat().as_str(), token.as_deref()), ("ab", Some("b")));
        let (second, token) = page(ids(), Some(2), 10, token.as_deref()).unwrap();
        assert_eq!((second.concat().as_str(), token.as_deref()), ("cd", Some("d")));
        let (third, token) = page(ids(), Some(2), 10, token.as_deref()).unwrap();
        assert_eq!((third.concat().as_str(), token), ("e", None));
        assert_eq!(page(ids(), Some(5), 10, None).unwrap().1, None, "a full last page is the last");
        assert_eq!(page(ids(), None, 3, None).unwrap().0.len(), 3);
        page(ids(), Some(0), 10, None).unwrap_err();
        page(ids(), Some(101), 10, None).unwrap_err();
    }
}
