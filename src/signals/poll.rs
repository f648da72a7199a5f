//! The reader of one source: polls never overlap, and one that takes too long is dropped with whatever it would have answered.

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
        let reading = timeout(POLL_LIMIT, read())
            .await
            .unwrap_or_else(|_| Reading::Unknown {
                why: Unknown::Unreachable,
                message: format!("no answer within {} s", POLL_LIMIT.as_secs()),
            });
        due = started + pace.next(&reading, *interval.borrow(), rand::random());
        publish(reading);
    }
}
