//! Messages of an SQS queue.

use jiff::SignedDuration;
use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::super::{
    rule::rule,
    spec_error::{SpecError, in_range, number_in_range},
};

/// Active from so many visible messages, where a trigger does not say.
const ACTIVATION_MESSAGES: i32 = 1;

/// The backlog of an SQS queue. More replicas are started for visible messages; fewer are kept only when visible and in-flight
/// messages together need fewer. At most one target, `messagesPerReplica`, or `targetLatencySeconds` with
/// `secondsPerMessage`; without one it is only read, for formulas.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = region_is_known(),
    validation = region_of_the_queue(),
    validation = one_target(),
    validation = settings_need_a_target(),
    validation = latency_needs_seconds_per_message(),
    validation = groups_are_of_a_fifo_queue()
)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub messages_per_replica: Option<i32>,

    /// How long a message may wait before a replica works on it, in seconds; 0.1 to 86400. Replicas = (messages that arrive a second
    /// + messages that wait / this) x `secondsPerMessage` / `concurrency`, rounded up; arrivals are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 86_400))]
    #[x_kube(validation = at_least("targetLatencySeconds", "0.1"))]
    pub target_latency_seconds: Option<f64>,

    /// How long a replica works on one message, in seconds; 0.001 to 43200. Only with `targetLatencySeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.001, max = 43_200))]
    #[x_kube(validation = at_least("secondsPerMessage", "0.001"))]
    pub seconds_per_message: Option<f64>,

    /// Messages that one replica works on at once; 1 to 1000. When given, no replica is taken away that messages in flight keep busy.
    /// Default: not known, and taken for 1 where a number is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub concurrency: Option<i32>,

    /// The trigger is active from so many visible messages on. While none is active, the scaler runs its `idleReplicas`. Default 1;
    /// 1 to 1000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub activation_messages: Option<i32>,

    /// Message groups of a FIFO queue that can be worked on at once; 1 to 1000000. More replicas than this / `concurrency`,
    /// rounded up, would find nothing to do, so the trigger asks for no more. Default: no such bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub message_groups: Option<i32>,
}

/// What a queue's trigger aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueTarget {
    /// So many messages before each replica.
    MessagesPerReplica(u32),
    /// A bound on the time that a message waits.
    Latency {
        /// How long a message may wait.
        wait: SignedDuration,
        /// How long a replica works on one message.
        per_message: SignedDuration,
    },
}

impl SqsTrigger {
    /// The one target that it aims at; none when it is only read, for formulas.
    ///
    /// # Errors
    /// It has half of one, or two, or a number is out of range.
    pub fn target(&self) -> Result<Option<QueueTarget>, SpecError> {
        match (self.messages_per_replica, self.target_latency_seconds, self.seconds_per_message) {
            (None, None, None) => Ok(None),
            (Some(messages), None, None) => {
                let messages = in_range("sqs.messagesPerReplica", messages, 1, 1_000_000)?;
                Ok(Some(QueueTarget::MessagesPerReplica(messages)))
            }
            (None, Some(wait), Some(per_message)) => Ok(Some(QueueTarget::Latency {
                wait: seconds("sqs.targetLatencySeconds", wait, 0.1, 86_400.0)?,
                per_message: seconds("sqs.secondsPerMessage", per_message, 0.001, 43_200.0)?,
            })),
            _ => Err(SpecError::new(
                "sqs.queueUrl",
                &self.queue_url,
                "has not one target: set either messagesPerReplica, or targetLatencySeconds with secondsPerMessage",
            )),
        }
    }

    /// Messages that one replica works on at once, at least 1; none when it is not known.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn concurrency(&self) -> Result<Option<u32>, SpecError> {
        self.concurrency.map(|at_once| in_range("sqs.concurrency", at_once, 1, 1000)).transpose()
    }

    /// Visible messages from which the trigger is active, at least 1.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn activation(&self) -> Result<u32, SpecError> {
        in_range("sqs.activationMessages", self.activation_messages.unwrap_or(ACTIVATION_MESSAGES), 1, 1_000_000)
    }

    /// Message groups that can be worked on at once; none without a bound.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn message_groups(&self) -> Result<Option<u32>, SpecError> {
        self.message_groups.map(|groups| in_range("sqs.messageGroups", groups, 1, 1_000_000)).transpose()
    }

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
}

fn seconds(field: &str, value: f64, least: f64, most: f64) -> Result<SignedDuration, SpecError> {
    number_in_range(field, value, least, most).map(SignedDuration::from_secs_f64)
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

/// The API server cuts off the fraction of a schema's bound before it compares a whole number with it, so 0 would pass as 0.1.
fn at_least(field: &str, least: &str) -> Rule {
    rule(&format!("double(self) >= {least}"), &format!("{field} %s is below {least}: raise it"), &["self"])
}

fn one_target() -> Rule {
    rule(
        "!has(self.messagesPerReplica) || !has(self.targetLatencySeconds)",
        "queueUrl %s has two targets, messagesPerReplica and targetLatencySeconds: set either messagesPerReplica, or targetLatencySeconds with secondsPerMessage",
        &["self.queueUrl"],
    )
}

fn settings_need_a_target() -> Rule {
    let settings = ["concurrency", "activationMessages", "messageGroups"];
    let given =
        settings.map(|name| format!("has(self.{name}) ? ['{name}'] : []")).map(|one| format!("({one})")).join(" + ");
    rule(
        &format!("has(self.messagesPerReplica) || has(self.targetLatencySeconds) || ({given}).size() == 0"),
        "queueUrl %s has no target for %s: set messagesPerReplica or targetLatencySeconds, or leave them out",
        &["self.queueUrl", &given],
    )
}

fn latency_needs_seconds_per_message() -> Rule {
    rule(
        "has(self.targetLatencySeconds) == has(self.secondsPerMessage)",
        "%s is set without %s: set both, or messagesPerReplica alone",
        &[
            "has(self.secondsPerMessage) ? 'secondsPerMessage' : 'targetLatencySeconds'",
            "has(self.secondsPerMessage) ? 'targetLatencySeconds' : 'secondsPerMessage'",
        ],
    )
    .field_path(".secondsPerMessage")
}

fn groups_are_of_a_fifo_queue() -> Rule {
    rule(
        "!has(self.messageGroups) || self.queueUrl.endsWith('.fifo')",
        "messageGroups %s is for a FIFO queue and queueUrl %s is none: leave messageGroups out",
        &["self.messageGroups", "self.queueUrl"],
    )
    .field_path(".messageGroups")
}
