//! The operations on queues as such: creating, finding, describing, changing, emptying.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Sqs, arn,
    attributes::{Settings, not_modelled, select},
    name_in_url,
    queue::Queue,
    shapes::{CreateQueue, GetQueueAttributes, GetQueueUrl, PurgeQueue, SetQueueAttributes, invalid, required},
};
use crate::AwsError;

/// How often a queue may be purged (API reference of `PurgeQueue`).
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

impl Sqs {
    pub(super) fn create(&self, input: CreateQueue) -> Result<Value, AwsError> {
        let name = required("QueueName", input.queue_name)?;
        if name.strip_suffix(".fifo").is_some() {
            return Err(not_modelled("a FIFO queue"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=80).contains(&name.len()) || !name.chars().all(allowed) {
            return Err(invalid(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            ));
        }
        let settings = Settings::default().with(&input.attributes)?;
        let mut queues = self.lock();
        if let Some(existing) = queues.by_name.get(&name) {
            if let Some(attribute) = existing.settings.difference(&settings) {
                let message = format!(
                    "A queue already exists with the same name and a different value for attribute {attribute}"
                );
                return Err(AwsError::new("QueueNameExists", message).query_code("QueueAlreadyExists"));
            }
        } else {
            queues.created += 1;
            let queue = Queue::new(queues.created, settings, Instant::now());
            queues.by_name.insert(name.clone(), queue);
        }
        Ok(json!({ "QueueUrl": self.url(&name) }))
    }

    pub(super) fn get_url(&self, input: GetQueueUrl) -> Result<Value, AwsError> {
        let name = required("QueueName", input.queue_name)?;
        self.lock().named(&name)?;
        Ok(json!({ "QueueUrl": self.url(&name) }))
    }

    pub(super) fn get_attributes(&self, input: GetQueueAttributes) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        let depth = queue.depth(Instant::now());
        let date = |at| self.0.clock.date(at).as_second().to_string();
        let mut attributes = BTreeMap::from([
            ("ApproximateNumberOfMessages", depth.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
            ("CreatedTimestamp", date(queue.created)),
            ("LastModifiedTimestamp", date(queue.modified)),
            ("QueueArn", arn(name_in_url(&url)?)),
        ]);
        attributes.extend(queue.settings.named().map(|(name, value)| (name, value.to_string())));
        let selected = select(attributes, &input.attribute_names)?;
        // The real service leaves the member out rather than send an empty map.
        Ok(if selected.is_empty() { json!({}) } else { json!({ "Attributes": selected }) })
    }

    pub(super) fn set_attributes(&self, input: SetQueueAttributes) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        queue.settings = queue.settings.with(&input.attributes)?;
        queue.modified = Instant::now();
        Ok(json!({}))
    }

    pub(super) fn purge(&self, input: PurgeQueue) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        let now = Instant::now();
        if queue.purged.is_some_and(|at| now.duration_since(at) < PURGE_INTERVAL) {
            let message =
                format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", name_in_url(&url)?);
            return Err(AwsError::new("PurgeQueueInProgress", message)
                .query_code("AWS.SimpleQueueService.PurgeQueueInProgress")
                .status(403));
        }
        queue.purge(now);
        Ok(json!({}))
    }
}
