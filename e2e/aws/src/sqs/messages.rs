//! The operations on messages: sending, receiving, deleting, hiding.

use std::time::Duration;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep_until};

use super::{
    Sqs,
    queue::{MAX_IN_FLIGHT, Queue, Received, Unchangeable},
    receipt::Receipt,
    shapes::{
        Batch, ChangeMessageVisibility, DeleteEntry, DeleteMessage, Entry, ReceiveMessage, SendEntry, SendMessage,
        check_batch, in_range, invalid, required,
    },
};
use crate::AwsError;

/// The longest delay of a message, 15 minutes; the longest visibility timeout, 12 hours (API reference).
const MAX_DELAY: u32 = 900;
const MAX_VISIBILITY_TIMEOUT: u32 = 43_200;

impl Sqs {
    pub(super) fn send_message(&self, input: SendMessage) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        let (id, digest) = send(queue, input.message_body, input.delay_seconds)?;
        Ok(json!({ "MessageId": id, "MD5OfMessageBody": digest }))
    }

    pub(super) fn send_message_batch(&self, input: Batch<SendEntry>) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        check_batch(&input.entries)?;
        let size: usize = input.entries.iter().filter_map(|entry| entry.message_body.as_ref()).map(String::len).sum();
        if size > as_usize(queue.settings.maximum_message_size) {
            let most = queue.settings.maximum_message_size;
            let message = format!("Batch requests cannot be longer than {most} bytes. You have sent {size} bytes.");
            return Err(
                AwsError::new("BatchRequestTooLong", message).query_code("AWS.SimpleQueueService.BatchRequestTooLong")
            );
        }
        Ok(batch(input.entries, |entry| {
            let (id, digest) = send(queue, entry.message_body, entry.delay_seconds)?;
            Ok(json!({ "Id": entry.id, "MessageId": id, "MD5OfMessageBody": digest }))
        }))
    }

    /// Waits for a message as long as asked to; an empty answer is no error.
    pub(super) async fn receive_message(&self, input: ReceiveMessage) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let max = as_usize(in_range("MaxNumberOfMessages", input.max_number_of_messages, 1, 1..=10)?);
        let attributes = SystemAttributes::parse(&input.message_system_attribute_names)?;
        let started = Instant::now();
        loop {
            let (arrivals, next_timer, deadline) = {
                let mut queues = self.lock();
                let queue = queues.at(&url)?;
                let settings = &queue.settings;
                let timeout = in_range(
                    "VisibilityTimeout",
                    input.visibility_timeout,
                    settings.visibility_timeout,
                    0..=MAX_VISIBILITY_TIMEOUT,
                )?;
                let wait = in_range(
                    "WaitTimeSeconds",
                    input.wait_time_seconds,
                    settings.receive_message_wait_time_seconds,
                    0..=20,
                )?;
                let now = Instant::now();
                // A short poll is told of the limit; a long one waits for a message that it may have.
                let full = queue.depth(now).in_flight >= MAX_IN_FLIGHT;
                if full && wait == 0 {
                    let message = format!("The number of messages in flight has reached the limit of {MAX_IN_FLIGHT}.");
                    return Err(AwsError::new("OverLimit", message).status(403));
                }
                let received = if full { Vec::new() } else { queue.receive(max, seconds(timeout), now) };
                let deadline = started + seconds(wait);
                if !received.is_empty() || now >= deadline {
                    let messages: Vec<_> = received.iter().map(|message| self.show(message, attributes)).collect();
                    return Ok(if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) });
                }
                (queue.arrivals.clone(), queue.next_timer(), deadline)
            };
            // A message that arrives after the lock was released leaves a permit, so this wait does not miss it.
            let next = next_timer.map_or(deadline, |at| at.min(deadline));
            tokio::select! {
                () = arrivals.notified() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    pub(super) fn delete_message(&self, input: DeleteMessage) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        delete(queue, input.receipt_handle)?;
        Ok(json!({}))
    }

    pub(super) fn delete_message_batch(&self, input: Batch<DeleteEntry>) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        check_batch(&input.entries)?;
        Ok(batch(input.entries, |entry| {
            delete(queue, entry.receipt_handle)?;
            Ok(json!({ "Id": entry.id }))
        }))
    }

    pub(super) fn change_message_visibility(&self, input: ChangeMessageVisibility) -> Result<Value, AwsError> {
        let url = required("QueueUrl", input.queue_url)?;
        let timeout = required("VisibilityTimeout", input.visibility_timeout)?;
        let timeout = in_range("VisibilityTimeout", Some(timeout), 0, 0..=MAX_VISIBILITY_TIMEOUT)?;
        let mut queues = self.lock();
        let queue = queues.at(&url)?;
        let receipt = issued(queue, input.receipt_handle)?;
        queue.change_visibility(receipt, seconds(timeout), Instant::now()).map_err(|why| match why {
            Unchangeable::Gone => invalid(&format!(
                "Value {receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not \
                 available for visibility timeout change."
            )),
            Unchangeable::NotInFlight => AwsError::new("MessageNotInflight", "The specified message isn't in flight.")
                .query_code("AWS.SimpleQueueService.MessageNotInflight"),
        })?;
        Ok(json!({}))
    }

    fn show(&self, message: &Received, attributes: SystemAttributes) -> Value {
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt.to_string(),
            "Body": &*message.body,
            "MD5OfBody": digest(&message.body),
        });
        let date = |at| self.0.clock.date(at).as_millisecond().to_string();
        let mut map = Map::new();
        if attributes.sent {
            map.insert("SentTimestamp".into(), date(message.sent).into());
        }
        if attributes.receive_count {
            map.insert("ApproximateReceiveCount".into(), message.receipt.receives.to_string().into());
        }
        if attributes.first_received {
            map.insert("ApproximateFirstReceiveTimestamp".into(), date(message.first_seen).into());
        }
        if !map.is_empty()
            && let Some(shown) = shown.as_object_mut()
        {
            shown.insert("Attributes".into(), map.into());
        }
        shown
    }
}

/// Which system attributes a receiver asked for.
#[derive(Debug, Clone, Copy, Default)]
struct SystemAttributes {
    sent: bool,
    receive_count: bool,
    first_received: bool,
}

impl SystemAttributes {
    fn parse(names: &[String]) -> Result<Self, AwsError> {
        let mut asked = Self::default();
        for name in names {
            match name.as_str() {
                "All" => asked = Self { sent: true, receive_count: true, first_received: true },
                "SentTimestamp" => asked.sent = true,
                "ApproximateReceiveCount" => asked.receive_count = true,
                "ApproximateFirstReceiveTimestamp" => asked.first_received = true,
                // Valid names of attributes that a standard queue's messages here never have.
                "SenderId"
                | "SequenceNumber"
                | "MessageDeduplicationId"
                | "MessageGroupId"
                | "AWSTraceHeader"
                | "DeadLetterQueueSourceArn" => {}
                _ => {
                    return Err(AwsError::new("InvalidAttributeName", format!("Unknown Attribute {name}.")));
                }
            }
        }
        Ok(asked)
    }
}

fn send(queue: &mut Queue, body: Option<String>, delay: Option<i64>) -> Result<(String, String), AwsError> {
    let body = required("MessageBody", body.filter(|body| !body.is_empty()))?;
    let delay = in_range("DelaySeconds", delay, queue.settings.delay_seconds, 0..=MAX_DELAY)?;
    let most = queue.settings.maximum_message_size;
    if body.len() > as_usize(most) {
        let reason = format!("Message must be shorter than {most} bytes.");
        return Err(invalid(&format!("One or more parameters are invalid. Reason: {reason}")));
    }
    // The characters of XML 1.0, as the API reference of SendMessage lists them.
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    if !body.chars().all(allowed) {
        let message = "Invalid binary character was found in the message body, the set of allowed characters is \
                       #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(AwsError::new("InvalidMessageContents", message));
    }
    let id = queue.send(&body, seconds(delay), Instant::now());
    Ok((id, digest(&body)))
}

fn delete(queue: &mut Queue, handle: Option<String>) -> Result<(), AwsError> {
    let receipt = issued(queue, handle)?;
    queue.delete(receipt, Instant::now());
    Ok(())
}

/// The receipt behind a handle that this queue once gave out.
fn issued(queue: &Queue, handle: Option<String>) -> Result<Receipt, AwsError> {
    let handle = required("ReceiptHandle", handle)?;
    handle.parse().ok().filter(|receipt| queue.issued(*receipt)).ok_or_else(|| {
        AwsError::new("ReceiptHandleIsInvalid", format!("The input receipt handle \"{handle}\" is not valid."))
            .status(404)
    })
}

/// Carries out each entry by itself: one that fails does not stop the others.
fn batch<E: Entry>(entries: Vec<E>, mut carry_out: impl FnMut(E) -> Result<Value, AwsError>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = entry.id().to_owned();
        match carry_out(entry) {
            Ok(done) => successful.push(done),
            Err(error) => failed.push(json!({
                "Id": id,
                "SenderFault": error.fault() == "Sender",
                "Code": error.code(),
                "Message": error.message,
            })),
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}

/// The MD5 digest by which senders and receivers check the body, in hexadecimal.
fn digest(body: &str) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(body.as_bytes()).into()))
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
