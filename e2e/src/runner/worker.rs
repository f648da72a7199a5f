//! What runs inside a replica: a process that opens its pool and works off its queue.

use std::time::Duration;

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    Service,
    connection::{Connection, ConnectionError},
};

/// How often a worker asks its queue for its next messages: once a second, for as many as it may handle in that second. One
/// receive and one delete a second keep a hundred workers cheap.
const TURN: Duration = Duration::from_secs(1);

/// What a replica is told from outside.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// Take no more messages, finish what is held, drain, close (SIGTERM).
    pub(super) stop: CancellationToken,
    /// Close at once (SIGKILL).
    kill: CancellationToken,
}

impl Orders {
    pub(super) fn kill(&self) {
        self.stop.cancel();
        self.kill.cancel();
    }

    pub(super) fn killed(&self) -> bool {
        self.kill.is_cancelled()
    }

    /// Waits, unless a kill cuts it short.
    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = self.kill.cancelled() => {}
        }
    }
}

/// A worker with its whole pool open.
pub(super) struct Worker<'a> {
    service: &'a Service,
    pool: Vec<Connection>,
}

impl<'a> Worker<'a> {
    /// Opens the pool, one connection after the other, as pools do. The first refusal ends the worker, and
    /// closes what was opened.
    pub(super) async fn start(service: &'a Service, name: &str) -> Result<Self, ConnectionError> {
        let mut worker = Self { service, pool: Vec::new() };
        for _ in 0..service.pool {
            match Connection::open(&service.database, name).await {
                Ok(connection) => {
                    service.counters.opened();
                    worker.pool.push(connection);
                }
                Err(error) => {
                    if matches!(error, ConnectionError::Refused(_)) {
                        service.counters.refused();
                    }
                    sleep(service.exit).await;
                    worker.close().await;
                    return Err(error);
                }
            }
        }
        Ok(worker)
    }

    /// Works until told to stop, then drains; ends when the server has freed every connection.
    ///
    /// # Errors
    ///
    /// The database failed a statement: the worker crashed, and has closed its connections.
    pub(super) async fn run(self, orders: &Orders) -> Result<(), ConnectionError> {
        let outcome = self.work(orders).await;
        if outcome.is_ok() {
            orders.wait(self.service.drain).await;
        }
        self.close().await;
        outcome
    }

    async fn work(&self, orders: &Orders) -> Result<(), ConnectionError> {
        let _working = self.service.counters.working();
        let mut turn = Instant::now();
        let mut connections = self.pool.iter().cycle();
        while !orders.stop.is_cancelled() {
            if self.pool.iter().any(Connection::is_lost) {
                return Err(ConnectionError::Database("a connection of the pool was lost".to_owned()));
            }
            let messages = self.receive().await;
            for (message, connection) in messages.iter().zip(&mut connections) {
                self.handle(message, connection).await?;
            }
            self.delete(messages).await;
            turn = (turn + TURN).max(Instant::now());
            tokio::select! {
                () = sleep_until(turn) => {}
                () = orders.stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// The next messages; none when the queue is empty or does not answer. A receive under way is never given up: its messages
    /// would stay hidden until their visibility timeout.
    async fn receive(&self) -> Vec<Message> {
        let received = self
            .service
            .sqs
            .receive_message()
            .queue_url(&self.service.queue_url)
            .max_number_of_messages(self.service.pace.per_second)
            .wait_time_seconds(1)
            .send()
            .await;
        match received {
            Ok(answer) => answer.messages.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(service = self.service.name, error = &error as &dyn std::error::Error, "receive failed");
                Vec::new()
            }
        }
    }

    /// One message: a statement, then the rest of the work.
    async fn handle(&self, message: &Message, connection: &Connection) -> Result<(), ConnectionError> {
        let begun = Instant::now();
        let id = message.message_id().unwrap_or_default();
        connection.handle(&self.service.name, id).await?;
        sleep_until(begun + self.service.pace.busy).await;
        self.service.counters.processed(begun.elapsed());
        Ok(())
    }

    /// What is not deleted is delivered again, and then handled for nothing: no reason to crash.
    async fn delete(&self, messages: Vec<Message>) {
        let entries: Vec<_> = messages
            .into_iter()
            .enumerate()
            .filter_map(|(index, message)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(message.receipt_handle?)
                    .build()
                    .ok()
            })
            .collect();
        if entries.is_empty() {
            return;
        }
        let deletion =
            self.service.sqs.delete_message_batch().queue_url(&self.service.queue_url).set_entries(Some(entries));
        if let Err(error) = deletion.send().await {
            tracing::warn!(service = self.service.name, error = &error as &dyn std::error::Error, "delete failed");
        }
    }

    /// Closes all connections at once, and returns when the server has freed them.
    async fn close(self) {
        futures::future::join_all(self.pool.into_iter().map(Connection::close)).await;
    }
}
