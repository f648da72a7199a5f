//! The signals that a scaler follows.

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::{rule::rule, spec_error::SpecError};

/// One signal and the load that a replica should carry of it. Exactly one source: `sqs` or `cpu`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_source())]
pub struct Trigger {
    /// A name for this trigger, unique in the scaler: a DNS label of at most 63 characters. Status, events and metrics use it.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,

    /// Messages of an SQS queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqs: Option<SqsTrigger>,

    /// Mean CPU use of the ECS service, from CloudWatch (`AWS/ECS` `CPUUtilization`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuTrigger>,

    /// A value older than this many seconds counts as unknown, which blocks scale-in. Default: for sqs 3 x
    /// `pollIntervalSeconds` but at least 60, for cpu 300; 10 to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 3600))]
    pub stale_after_seconds: Option<i32>,
}

/// The backlog of an SQS queue. More replicas are started for visible messages; fewer are kept only when visible and in-flight
/// messages together need fewer.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = region_is_known(), validation = region_of_the_queue())]
pub struct SqsTrigger {
    /// URL of the queue, as SQS gives it: `https://sqs.eu-west-1.amazonaws.com/123456789012/orders`.
    #[schemars(length(max = 512))]
    #[x_kube(validation = queue_url())]
    pub queue_url: String,

    /// AWS region of the queue. Default: taken from a URL whose host is `sqs.REGION.amazonaws.com`; required for any other host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$"))]
    pub region: Option<String>,

    /// ARN of the IAM role to assume for reading the queue. Default: the operator's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 640), regex(pattern = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$"))]
    pub role_arn: Option<String>,

    /// Messages that one replica should have before it; 1 to 1000000. Replicas = messages / this, rounded up.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub messages_per_replica: i32,
}

/// Mean CPU use of the target's replicas.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CpuTrigger {
    /// The CPU use to aim at, in percent of what the service reserves; 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub target_utilization: i32,
}

/// The source that a [`Trigger`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// A queue.
    Sqs(&'a SqsTrigger),
    /// The target's CPU use.
    Cpu(&'a CpuTrigger),
}

impl Trigger {
    /// The one source that it reads.
    ///
    /// # Errors
    /// It has none, or two.
    pub fn source(&self) -> Result<Source<'_>, SpecError> {
        match (&self.sqs, &self.cpu) {
            (Some(sqs), None) => Ok(Source::Sqs(sqs)),
            (None, Some(cpu)) => Ok(Source::Cpu(cpu)),
            _ => Err(SpecError::new("name", &self.name, "is not one source: set exactly one of sqs and cpu")),
        }
    }
}

impl SqsTrigger {
    /// Region of the queue: as given, or as the host `sqs.REGION.amazonaws.com` tells it.
    ///
    /// # Errors
    /// Neither tells it.
    pub fn region(&self) -> Result<&str, SpecError> {
        let of_host = || {
            let (_, rest) = self.queue_url.split_once("://sqs.")?;
            let (region, host) = rest.split_once('.')?;
            host.starts_with("amazonaws.com").then_some(region)
        };
        self.region
            .as_deref()
            .or_else(of_host)
            .ok_or_else(|| SpecError::new("sqs.queueUrl", &self.queue_url, "does not tell the region: set sqs.region"))
    }

    /// ARN of the queue, which its URL and region determine.
    ///
    /// # Errors
    /// The URL is not that of a queue, or the region is not known.
    pub fn arn(&self) -> Result<String, SpecError> {
        let region = self.region()?;
        let mut path = self.queue_url.rsplit('/');
        let (Some(name), Some(account)) = (path.next(), path.next()) else {
            return Err(SpecError::new(
                "sqs.queueUrl",
                &self.queue_url,
                "is not the URL of a queue: write it as SQS gives it",
            ));
        };
        Ok(format!("arn:{}:sqs:{region}:{account}:{name}", partition(region)))
    }
}

/// The partition of AWS that a region belongs to, as ARNs name it.
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn one_source() -> Rule {
    rule(
        "[has(self.sqs), has(self.cpu)].filter(x, x).size() == 1",
        "trigger %s has %s: set exactly one of sqs and cpu",
        &["self.name", "has(self.sqs) ? 'two sources, sqs and cpu' : 'no source'"],
    )
}

fn queue_url() -> Rule {
    rule(
        r"self.matches('^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[0-9]{12}/[A-Za-z0-9_-]{1,80}(\\.fifo)?$')",
        "queueUrl %s is not the URL of a queue: write it as SQS gives it, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
        &["self"],
    )
}

fn region_is_known() -> Rule {
    rule(
        r"has(self.region) || !self.queueUrl.contains('://') || self.queueUrl.matches('^https?://sqs\\.[a-z0-9-]+\\.amazonaws\\.com')",
        "region is missing and queueUrl %s does not tell it: set region, such as eu-west-1",
        &["self.queueUrl"],
    )
    .field_path(".region")
}

fn region_of_the_queue() -> Rule {
    rule(
        r"!has(self.region) || !self.queueUrl.matches('^https?://sqs\\.[a-z0-9-]+\\.amazonaws\\.com')
          || self.queueUrl.split('.')[1] == self.region",
        "region %s is not that of queueUrl %s: set region to %s or leave it out",
        &["self.region", "self.queueUrl", "self.queueUrl.split('.')[1]"],
    )
    .field_path(".region")
}
