//! ARNs, and names that may be given as such.

use crate::{ACCOUNT, REGION};

/// The cluster of requests that name none.
pub(super) const DEFAULT_CLUSTER: &str = "default";

pub(super) fn cluster_arn(cluster: &str) -> String {
    arn(&format!("cluster/{cluster}"))
}

pub(super) fn service_arn(cluster: &str, service: &str) -> String {
    arn(&format!("service/{cluster}/{service}"))
}

pub(super) fn task_arn(cluster: &str, id: &str) -> String {
    arn(&format!("task/{cluster}/{id}"))
}

pub(super) fn definition_arn(family: &str, revision: u32) -> String {
    arn(&format!("task-definition/{family}:{revision}"))
}

/// The cluster's name in its name or ARN.
pub(super) fn cluster_name(name_or_arn: Option<&str>) -> &str {
    let text = name_or_arn.unwrap_or(DEFAULT_CLUSTER);
    text.strip_prefix(arn("cluster/").as_str()).unwrap_or(text)
}

/// The service's name in its name or ARN; `None` for an ARN of another cluster.
pub(super) fn service_name<'a>(cluster: &str, name_or_arn: &'a str) -> Option<&'a str> {
    local(&format!("service/{cluster}/"), name_or_arn)
}

/// The task's id in its id or ARN; `None` for an ARN of another cluster.
pub(super) fn task_id<'a>(cluster: &str, id_or_arn: &'a str) -> Option<&'a str> {
    local(&format!("task/{cluster}/"), id_or_arn)
}

/// The `family:revision` or `family` of a task definition in its name or ARN.
pub(super) fn definition_name(name_or_arn: &str) -> &str {
    name_or_arn.strip_prefix(arn("task-definition/").as_str()).unwrap_or(name_or_arn)
}

fn local<'a>(path: &str, name_or_arn: &'a str) -> Option<&'a str> {
    if name_or_arn.starts_with("arn:") { name_or_arn.strip_prefix(arn(path).as_str()) } else { Some(name_or_arn) }
}

fn arn(resource: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{resource}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_known_by_its_name_and_by_its_arn_in_its_own_cluster_only() {
        let arn = service_arn("prod", "core-api");
        assert_eq!(arn, "arn:aws:ecs:eu-west-1:123456789012:service/prod/core-api");
        assert_eq!(service_name("prod", &arn), Some("core-api"));
        assert_eq!(service_name("prod", "core-api"), Some("core-api"));
        assert_eq!(service_name("test", &arn), None);
        assert_eq!(task_id("prod", &task_arn("prod", "1f")), Some("1f"));
        assert_eq!(cluster_name(Some(&cluster_arn("prod"))), "prod");
        assert_eq!(cluster_name(None), "default");
        assert_eq!(definition_name(&definition_arn("api", 3)), "api:3");
    }
}
