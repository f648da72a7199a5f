//! The attributes of a queue: those one may set, with their ranges, and those one may only read.

use std::{collections::BTreeMap, ops::RangeInclusive};

use crate::AwsError;

/// Attributes that are valid names for the real service but stand for features the model does not have.
const NOT_MODELLED: [&str; 10] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

/// Attributes that `GetQueueAttributes` knows and nobody sets.
const READ_ONLY: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// The attributes one may set, in the units of the API: seconds and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) delay_seconds: u32,
    pub(super) maximum_message_size: u32,
    pub(super) message_retention_period: u32,
    pub(super) receive_message_wait_time_seconds: u32,
    pub(super) visibility_timeout: u32,
}

impl Default for Settings {
    /// The defaults of the API reference of `CreateQueue`.
    fn default() -> Self {
        Self {
            delay_seconds: 0,
            maximum_message_size: 1_048_576,
            message_retention_period: 345_600,
            receive_message_wait_time_seconds: 0,
            visibility_timeout: 30,
        }
    }
}

impl Settings {
    /// These settings with the named ones changed.
    pub(super) fn with(&self, attributes: &BTreeMap<String, String>) -> Result<Self, AwsError> {
        let mut settings = self.clone();
        for (name, value) in attributes {
            if NOT_MODELLED.contains(&name.as_str()) {
                return Err(not_modelled(name));
            }
            let (setting, range) = settings.setting(name).ok_or_else(|| unknown(name))?;
            *setting = value.parse().ok().filter(|value| range.contains(value)).ok_or_else(|| {
                AwsError::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
            })?;
        }
        Ok(settings)
    }

    /// The name of a setting in which `other` differs.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let pairs = self.named().into_iter().zip(other.named());
        pairs.into_iter().find(|(mine, theirs)| mine != theirs).map(|((name, _), _)| name)
    }

    /// Every setting under its name.
    pub(super) fn named(&self) -> [(&'static str, u32); 5] {
        let Self {
            delay_seconds,
            maximum_message_size,
            message_retention_period,
            receive_message_wait_time_seconds,
            visibility_timeout,
        } = *self;
        [
            ("DelaySeconds", delay_seconds),
            ("MaximumMessageSize", maximum_message_size),
            ("MessageRetentionPeriod", message_retention_period),
            ("ReceiveMessageWaitTimeSeconds", receive_message_wait_time_seconds),
            ("VisibilityTimeout", visibility_timeout),
        ]
    }

    /// A setting and its range, from the API reference of `SetQueueAttributes`.
    fn setting(&mut self, name: &str) -> Option<(&mut u32, RangeInclusive<u32>)> {
        Some(match name {
            "DelaySeconds" => (&mut self.delay_seconds, 0..=900),
            "MaximumMessageSize" => (&mut self.maximum_message_size, 1_024..=1_048_576),
            "MessageRetentionPeriod" => (&mut self.message_retention_period, 60..=1_209_600),
            "ReceiveMessageWaitTimeSeconds" => (&mut self.receive_message_wait_time_seconds, 0..=20),
            "VisibilityTimeout" => (&mut self.visibility_timeout, 0..=43_200),
            _ => return None,
        })
    }
}

/// Keeps of `attributes` what `names` asks for; `All` asks for everything.
pub(super) fn select(
    attributes: BTreeMap<&'static str, String>,
    names: &[String],
) -> Result<BTreeMap<&'static str, String>, AwsError> {
    let known = |name: &str| {
        name == "All"
            || READ_ONLY.contains(&name)
            || NOT_MODELLED.contains(&name)
            || Settings::default().setting(name).is_some()
    };
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return Err(unknown(name));
    }
    let all = names.iter().any(|name| name == "All");
    Ok(attributes.into_iter().filter(|(name, _)| all || names.iter().any(|asked| asked == name)).collect())
}

pub(super) fn not_modelled(what: &str) -> AwsError {
    AwsError::new("UnsupportedOperation", format!("{what} is not modelled: only standard queues without policies are"))
        .query_code("AWS.SimpleQueueService.UnsupportedOperation")
}

fn unknown(name: &str) -> AwsError {
    AwsError::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
}
