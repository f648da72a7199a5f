//! Fills a queue by a schedule.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, interval_at};
use tokio_util::task::AbortOnDropHandle;

/// The most messages of one `SendMessageBatch`, a limit of SQS.
const BATCH: usize = 10;

/// How often the producer sends what is due.
const TICK: Duration = Duration::from_millis(500);

/// Each tick sends up to this share more or less than its schedule says; in the mean nothing.
const JITTER: f64 = 0.2;

/// How many messages a second arrive, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Messages a second, except in the spike.
    pub base: f64,
    /// Messages a second in the spike.
    pub spike: f64,
    /// When the spike begins, counted from the start.
    pub spike_at: Duration,
    /// How long the spike lasts.
    pub spike_for: Duration,
}

impl Schedule {
    /// Messages a second at `time` after the start.
    pub fn rate(&self, time: Duration) -> f64 {
        let spike = self.spike_at..self.spike_at + self.spike_for;
        if spike.contains(&time) { self.spike } else { self.base }
    }

    /// How many messages to send at each tick: the schedule with jitter, the same for the same seed.
    fn ticks(self, seed: u64) -> impl Iterator<Item = usize> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut owed = 0.0;
        (0u32..).map(move |tick| {
            owed += self.rate(TICK * tick) * TICK.as_secs_f64() * random.random_range(1.0 - JITTER..=1.0 + JITTER);
            let whole = owed.trunc();
            owed -= whole;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number of at most a few hundred"
            )]
            let whole = whole as usize;
            whole
        })
    }
}

/// Sends messages until it is dropped.
pub struct Producer {
    sent: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

impl Producer {
    /// Sends to the queue by the schedule, beginning now.
    pub fn start(sqs: Client, queue_url: &str, schedule: Schedule, seed: u64) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let (queue_url, count) = (queue_url.to_owned(), Arc::clone(&sent));
        let task = tokio::spawn(async move {
            // A late tick is made up for at once, so that the machine's load does not lower the schedule's.
            let mut ticks = interval_at(Instant::now(), TICK);
            for due in schedule.ticks(seed) {
                ticks.tick().await;
                for begun in (0..due).step_by(BATCH) {
                    let size = BATCH.min(due - begun);
                    match send(&sqs, &queue_url, size, count.load(Ordering::Relaxed)).await {
                        Ok(()) => drop(count.fetch_add(size as u64, Ordering::Relaxed)),
                        Err(error) => tracing::warn!(queue_url, error = &*error, "send failed"),
                    }
                }
            }
        });
        Self { sent, _task: AbortOnDropHandle::new(task) }
    }

    /// Messages sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// Sends `size` messages, numbered from `first`.
async fn send(
    sqs: &Client,
    queue_url: &str,
    size: usize,
    first: u64,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let entries = (first..)
        .take(size)
        .map(|number| {
            SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .message_body(format!("order {number}"))
                .build()
        })
        .collect::<Result<_, _>>()?;
    sqs.send_message_batch().queue_url(queue_url).set_entries(Some(entries)).send().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule =
        Schedule { base: 16.0, spike: 160.0, spike_at: Duration::from_secs(10), spike_for: Duration::from_secs(30) };

    #[test]
    fn the_same_seed_sends_the_same_messages() {
        let first_minute = |seed| SCHEDULE.ticks(seed).take(120).collect::<Vec<_>>();
        assert_eq!(first_minute(7), first_minute(7));
        assert_ne!(first_minute(7), first_minute(8));
    }

    #[test]
    fn the_jitter_changes_the_total_by_less_than_a_twentieth() {
        let due: f64 = 10.0 * 16.0 + 30.0 * 160.0 + 20.0 * 16.0;
        for seed in 0..100 {
            let sent = u32::try_from(SCHEDULE.ticks(seed).take(120).sum::<usize>()).map(f64::from).unwrap_or_default();
            assert!((sent - due).abs() < due / 20.0, "seed {seed} sends {sent} of {due}");
        }
    }

    #[test]
    fn the_spike_begins_and_ends_on_time() {
        let second = |seconds| SCHEDULE.rate(Duration::from_secs_f64(seconds));
        assert_eq!([9.9, 10.0, 39.9, 40.0].map(|at| format!("{:.0}", second(at))), ["16", "160", "160", "16"]);
    }
}
