//! Simple Queue Service: standard queues.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::{ACCOUNT, AwsError, REGION, Service, clock::Clock, error::Refusal};

mod attributes;
mod messages;
mod queue;
mod queues;
mod receipt;
mod shapes;
#[cfg(test)]
mod tests;

pub use queue::Depth;

use queue::Queue;
use shapes::parse;

/// The queues of the account. Clones share them.
#[derive(Debug, Clone)]
pub struct Sqs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// `http://127.0.0.1:PORT`, what queue URLs begin with.
    endpoint: String,
    queues: Mutex<Queues>,
}

#[derive(Debug, Default)]
struct Queues {
    created: u32,
    by_name: HashMap<String, Queue>,
}

impl Sqs {
    pub(crate) fn new(clock: Clock, endpoint: String) -> Self {
        Self(Arc::new(Inner { clock, endpoint, queues: Mutex::default() }))
    }

    /// Carries out an operation by its API name on its JSON input, as a signed request of the administrator would,
    /// but in process: `call("SendMessage", json!({"QueueUrl": …, "MessageBody": …}))`.
    ///
    /// # Errors
    ///
    /// The service's error, as an SDK would report it.
    pub async fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        match operation {
            "CreateQueue" => self.create(parse(input)?),
            "GetQueueUrl" => self.get_url(parse(input)?),
            "SendMessage" => self.send_message(parse(input)?),
            "SendMessageBatch" => self.send_message_batch(parse(input)?),
            "ReceiveMessage" => self.receive_message(parse(input)?).await,
            "DeleteMessage" => self.delete_message(parse(input)?),
            "DeleteMessageBatch" => self.delete_message_batch(parse(input)?),
            "ChangeMessageVisibility" => self.change_message_visibility(parse(input)?),
            "GetQueueAttributes" => self.get_attributes(parse(input)?),
            "SetQueueAttributes" => self.set_attributes(parse(input)?),
            "PurgeQueue" => self.purge(parse(input)?),
            _ => Err(Refusal::UnknownOperation.of(Service::Sqs)),
        }
    }

    /// Creates a standard queue with default attributes and returns its URL; one of that name is kept.
    ///
    /// # Errors
    ///
    /// The name is not 1 to 80 letters, digits, hyphens and underscores, or the queue has other attributes.
    pub fn create_queue(&self, name: &str) -> Result<String, AwsError> {
        let queue_name = Some(name.to_owned());
        self.create(shapes::CreateQueue { queue_name, attributes: std::collections::BTreeMap::new() })?;
        Ok(self.url(name))
    }

    /// Deletes a queue and its messages; one that does not exist is no error.
    pub fn delete_queue(&self, name: &str) {
        self.lock().by_name.remove(name);
    }

    /// Sends one message to a queue, given by name.
    ///
    /// # Errors
    ///
    /// The queue does not exist.
    pub fn send(&self, queue_name: &str, body: &str) -> Result<(), AwsError> {
        let mut queues = self.lock();
        queues.named(queue_name)?.send(body, Duration::ZERO, Instant::now());
        Ok(())
    }

    /// The exact number of messages in a queue, given by name.
    ///
    /// # Errors
    ///
    /// The queue does not exist.
    pub fn depth(&self, queue_name: &str) -> Result<Depth, AwsError> {
        Ok(self.lock().named(queue_name)?.depth(Instant::now()))
    }

    /// The URL of a queue, whether it exists or not.
    pub fn url(&self, queue_name: &str) -> String {
        format!("{}/{ACCOUNT}/{queue_name}", self.0.endpoint)
    }

    /// The ARNs a request is about, for policies and faults.
    pub(crate) fn resources(input: &Value) -> Vec<String> {
        let member = |name| input.get(name).and_then(Value::as_str);
        let name = member("QueueName").or_else(|| name_in_url(member("QueueUrl")?).ok());
        vec![name.map_or_else(|| "*".to_owned(), arn)]
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn named(&mut self, name: &str) -> Result<&mut Queue, AwsError> {
        self.by_name.get_mut(name).ok_or_else(|| {
            AwsError::new("QueueDoesNotExist", "The specified queue does not exist.")
                .query_code("AWS.SimpleQueueService.NonExistentQueue")
        })
    }

    fn at(&mut self, url: &str) -> Result<&mut Queue, AwsError> {
        self.named(name_in_url(url)?)
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The queue's name in its URL, of whichever host: `https://sqs.eu-west-1.amazonaws.com/123456789012/orders` names
/// the same queue as the model's own URL. A queue of another account is as good as none.
fn name_in_url(url: &str) -> Result<&str, AwsError> {
    let invalid = || AwsError::new("InvalidAddress", format!("The address {url} is not valid for this endpoint."));
    let (_, rest) = url.split_once("://").ok_or_else(invalid)?;
    let mut parts = rest.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_host), Some(ACCOUNT), Some(name), None) if !name.is_empty() => Ok(name),
        (Some(_host), Some(_other_account), Some(_), None) => Ok(""),
        _ => Err(invalid()),
    }
}
