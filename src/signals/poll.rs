//! The reader of one source: polls never overlap, and one that takes too long is dropped with whatever it would have
//! answered.

use std::time::Duration;

use hybridscaler_core::reading::{Reading, Unknown};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::pace::Pace;
use crate::aws::OPERATION_TIMEOUT;

/// The longest that a poll may take: a call, and another for the credentials of an assumed role.
pub(super) const POLL_LIMIT: Duration = OPERATION_TIMEOUT.saturating_mul(2);

/// Polls with `read` and hands each reading to `publish`, until the sender of `interval` is dropped.
pub(super) async fn run<R: Future<Output = Reading>>(
    read: impl Fn() -> R,
    publish: impl Fn(Reading),
    mut interval: watch::Receiver<Duration>,
) {
    let mut pace = Pace::default();
    let mut due = Instant::now() + Pace::first(*interval.borrow_and_update(), rand::random());
    loop {
        tokio::select! {
            () = sleep_until(due) => {}
            changed = interval.changed() => {
                if changed.is_err() {
                    return;
                }
                // A shorter interval acts at once; a longer one after the next poll.
                due = due.min(Instant::now() + *interval.borrow_and_update());
                continue;
            }
        }
        let started = Instant::now();
        let reading = timeout(POLL_LIMIT, read()).await.unwrap_or_else(|_| {
            Reading::unknown(Unknown::Unreachable, format!("no answer within {} s", POLL_LIMIT.as_secs()))
        });
        due = started + pace.next(&reading, *interval.borrow(), rand::random());
        publish(reading);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::sync::{Arc, Mutex};

    use hybridscaler_core::reading::Load;
    use jiff::Timestamp;
    use tokio::sync::mpsc;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn known() -> Reading {
        Reading::Known { load: Load::Utilization { percent: 50.0 }, at: Timestamp::UNIX_EPOCH }
    }

    /// A reader that takes `takes` to answer: when its polls started, its readings, the handle on its interval.
    struct Polled {
        started: Arc<Mutex<Vec<Instant>>>,
        readings: mpsc::UnboundedReceiver<Reading>,
        interval: watch::Sender<Duration>,
        _task: AbortOnDropHandle<()>,
    }

    impl Polled {
        fn start(takes: Duration) -> Self {
            let started = Arc::new(Mutex::new(Vec::new()));
            let (sender, readings) = mpsc::unbounded_channel();
            let (interval, receiver) = watch::channel(INTERVAL);
            let starts = Arc::clone(&started);
            let read = move || {
                starts.lock().unwrap().push(Instant::now());
                async move {
                    tokio::time::sleep(takes).await;
                    known()
                }
            };
            let task = tokio::spawn(run(read, move |reading| drop(sender.send(reading)), receiver));
            Self { started, readings, interval, _task: AbortOnDropHandle::new(task) }
        }

        /// The gaps between the starts of the polls so far.
        fn gaps(&self) -> Vec<Duration> {
            self.started.lock().unwrap().windows(2).map(|pair| pair[1] - pair[0]).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn polls_start_an_interval_apart_whatever_they_take() {
        let mut polled = Polled::start(Duration::from_secs(3));
        for _ in 0..4 {
            polled.readings.recv().await.unwrap();
        }
        assert_eq!(polled.gaps()[1..], [INTERVAL, INTERVAL]);
    }

    #[tokio::test(start_paused = true)]
    async fn polls_never_overlap_even_when_they_take_longer_than_the_interval() {
        let mut polled = Polled::start(Duration::from_secs(3));
        polled.interval.send(Duration::from_secs(1)).unwrap();
        for _ in 0..4 {
            polled.readings.recv().await.unwrap();
        }
        assert!(polled.gaps().iter().all(|gap| *gap >= Duration::from_secs(3)), "{:?}", polled.gaps());
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_of_a_poll_that_took_too_long_is_dropped() {
        let mut polled = Polled::start(POLL_LIMIT + Duration::from_secs(1));
        for _ in 0..3 {
            let reading = polled.readings.recv().await.unwrap();
            assert!(reading.why() == Some(Unknown::Unreachable), "{reading:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_interval_acts_at_once() {
        let mut polled = Polled::start(Duration::ZERO);
        polled.readings.recv().await.unwrap();
        polled.readings.recv().await.unwrap();
        polled.interval.send(Duration::from_secs(2)).unwrap();
        polled.readings.recv().await.unwrap();
        assert_eq!(polled.gaps().last(), Some(&Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_ends_with_its_interval() {
        let Polled { mut readings, interval, _task, .. } = Polled::start(Duration::ZERO);
        readings.recv().await.unwrap();
        drop(interval);
        while readings.recv().await.is_some() {}
    }
}
