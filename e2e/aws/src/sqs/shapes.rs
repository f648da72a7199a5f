//! What the operations of SQS take, and the checks every one of them makes.
//!
//! Members that the real service requires are optional here, so that their absence gets the service's own error. A
//! member that the model does not know is refused, since ignoring it would promise what is not kept.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{AwsError, Service, error::Refusal};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateQueue {
    pub(super) queue_name: Option<String>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetQueueUrl {
    pub(super) queue_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendMessage {
    pub(super) queue_url: Option<String>,
    pub(super) message_body: Option<String>,
    pub(super) delay_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Batch<E> {
    pub(super) queue_url: Option<String>,
    #[serde(default = "Vec::new")]
    pub(super) entries: Vec<E>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendEntry {
    pub(super) id: String,
    pub(super) message_body: Option<String>,
    pub(super) delay_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteEntry {
    pub(super) id: String,
    pub(super) receipt_handle: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReceiveMessage {
    pub(super) queue_url: Option<String>,
    pub(super) max_number_of_messages: Option<i64>,
    pub(super) visibility_timeout: Option<i64>,
    pub(super) wait_time_seconds: Option<i64>,
    #[serde(default, alias = "AttributeNames")]
    pub(super) message_system_attribute_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteMessage {
    pub(super) queue_url: Option<String>,
    pub(super) receipt_handle: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ChangeMessageVisibility {
    pub(super) queue_url: Option<String>,
    pub(super) receipt_handle: Option<String>,
    pub(super) visibility_timeout: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetQueueAttributes {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetQueueAttributes {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PurgeQueue {
    pub(super) queue_url: Option<String>,
}

/// An entry of a batch has an id that its answer is found by.
pub(super) trait Entry {
    fn id(&self) -> &str;
}

impl Entry for SendEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for DeleteEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Reads an operation's members.
pub(super) fn parse<T: DeserializeOwned>(input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input).map_err(|error| Refusal::Unreadable(error.to_string()).of(Service::Sqs))
}

/// A member that must be there.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T, AwsError> {
    value.ok_or_else(|| AwsError::new("MissingParameter", format!("The request must contain the parameter {name}.")))
}

/// A number within its range, or the default when it is not given.
pub(super) fn in_range(
    name: &str,
    value: Option<i64>,
    default: u32,
    range: RangeInclusive<u32>,
) -> Result<u32, AwsError> {
    let Some(value) = value else {
        return Ok(default);
    };
    u32::try_from(value).ok().filter(|value| range.contains(value)).ok_or_else(|| {
        let (least, most) = range.into_inner();
        let reason = format!("Must be between {least} and {most}, if provided.");
        invalid(&format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
    })
}

/// Checks what every batch must keep: 1 to 10 entries with distinct, well-formed ids.
pub(super) fn check_batch<E: Entry>(entries: &[E]) -> Result<(), AwsError> {
    let refuse = |code: &'static str, query_code: &'static str, message: String| {
        Err(AwsError::new(code, message).query_code(query_code))
    };
    if entries.is_empty() {
        return refuse(
            "EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.".into(),
        );
    }
    if entries.len() > 10 {
        return refuse(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are 10. You have sent {}.", entries.len()),
        );
    }
    let well_formed = |id: &str| {
        (1..=80).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        if !well_formed(entry.id()) {
            return refuse(
                "InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at \
                 most 80 letters long."
                    .into(),
            );
        }
        if !seen.insert(entry.id()) {
            return refuse(
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                format!("Id {} repeated.", entry.id()),
            );
        }
    }
    Ok(())
}

/// A value the service does not take.
pub(super) fn invalid(message: &str) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}
