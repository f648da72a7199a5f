//! What the operator reads and writes in AWS, and its name in IAM policies.

use super::Access;

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queue {
    /// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
    pub url: String,
    /// Where and as whom it is read.
    pub access: Access,
}

/// An ECS service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service's name or ARN.
    pub name: String,
    /// Where and as whom it is read and written.
    pub access: Access,
}

impl Queue {
    /// Its ARN, from the last two parts of the URL.
    pub fn arn(&self) -> String {
        let region = &self.access.region;
        let mut parts = self.url.trim_end_matches('/').rsplit('/');
        let name = parts.next().unwrap_or("*");
        let account = parts.next().unwrap_or("*");
        format!("arn:{}:sqs:{region}:{account}:{name}", partition(region))
    }
}

impl Service {
    /// Its ARN. The account comes from the cluster or the role, where one of them is an ARN, and is `*` otherwise.
    pub fn arn(&self) -> String {
        self.resource("service", self.short_name())
    }

    /// The ARN of all tasks of its cluster.
    pub fn tasks_arn(&self) -> String {
        self.resource("task", "*")
    }

    /// The cluster's name, as CloudWatch's dimension has it.
    pub fn cluster_name(&self) -> &str {
        last_segment(&self.cluster)
    }

    /// The service's name, as CloudWatch's dimension has it.
    pub fn short_name(&self) -> &str {
        last_segment(&self.name)
    }

    fn resource(&self, kind: &str, name: &str) -> String {
        let Access { region, role_arn } = &self.access;
        let account = account(&self.cluster).or_else(|| account(role_arn.as_deref()?)).unwrap_or("*");
        format!("arn:{}:ecs:{region}:{account}:{kind}/{}/{name}", partition(region), self.cluster_name())
    }
}

/// The name in an ARN such as `arn:aws:ecs:eu-west-1:123456789012:cluster/prod`; a plain name stays as it is.
fn last_segment(arn_or_name: &str) -> &str {
    arn_or_name.rsplit('/').next().unwrap_or(arn_or_name)
}

/// The fifth field of an ARN.
fn account(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(3).filter(|account| !account.is_empty())
}

/// ARNs of China and of the government's cloud begin otherwise.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(region: &str, role_arn: Option<&str>) -> Access {
        Access { region: region.to_owned(), role_arn: role_arn.map(str::to_owned) }
    }

    #[test]
    fn a_queues_arn_comes_from_its_url_and_region() {
        let arn = |region| {
            let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders".to_owned();
            Queue { url, access: access(region, None) }.arn()
        };
        assert_eq!(arn("eu-west-1"), "arn:aws:sqs:eu-west-1:123456789012:orders");
        assert_eq!(arn("cn-north-1"), "arn:aws-cn:sqs:cn-north-1:123456789012:orders");
        assert_eq!(arn("us-gov-west-1"), "arn:aws-us-gov:sqs:us-gov-west-1:123456789012:orders");
    }

    #[test]
    fn a_services_arn_takes_the_account_from_the_cluster_else_the_role() {
        let arn = |cluster: &str, role| {
            let name = "core-api".to_owned();
            Service { cluster: cluster.to_owned(), name, access: access("eu-west-1", role) }.arn()
        };
        let cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod";
        let role = Some("arn:aws:iam::999999999999:role/scaler");
        assert_eq!(arn(cluster, role), "arn:aws:ecs:eu-west-1:123456789012:service/prod/core-api");
        assert_eq!(arn("prod", role), "arn:aws:ecs:eu-west-1:999999999999:service/prod/core-api");
        assert_eq!(arn("prod", None), "arn:aws:ecs:eu-west-1:*:service/prod/core-api");
    }
}
