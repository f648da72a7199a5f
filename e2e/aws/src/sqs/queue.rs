//! One standard queue.
//!
//! Every call costs amortised constant time, or the logarithm of the messages that wait for a timer: a backlog of
//! 10,000 messages is as cheap as one of 10.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{attributes::Settings, receipt::Receipt};

/// Messages received and not yet deleted that a standard queue holds at most (SQS quotas).
pub(super) const MAX_IN_FLIGHT: usize = 120_000;

/// A message's place in the queue; never used twice.
pub(super) type Key = u64;

/// How many messages are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be received (`ApproximateNumberOfMessages`).
    pub visible: usize,
    /// Received and neither deleted nor visible again (`ApproximateNumberOfMessagesNotVisible`).
    pub in_flight: usize,
    /// Sent with a delay that has not passed (`ApproximateNumberOfMessagesDelayed`).
    pub delayed: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) settings: Settings,
    pub(super) created: Instant,
    pub(super) modified: Instant,
    pub(super) purged: Option<Instant>,
    /// Wakes one long poll for each message that becomes visible.
    pub(super) arrivals: Arc<Notify>,
    serial: u32,
    next: Key,
    messages: HashMap<Key, Message>,
    /// Visible messages in order; deleted ones are skipped when they come up.
    ready: VecDeque<Key>,
    /// When a delayed or received message becomes visible.
    timers: BTreeSet<(Instant, Key)>,
    in_flight: usize,
    delayed: usize,
}

#[derive(Debug)]
struct Message {
    id: String,
    body: Arc<str>,
    sent: Instant,
    first_received: Option<Instant>,
    receives: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Visible,
    Delayed { until: Instant },
    InFlight { until: Instant },
}

/// A message as its receiver gets it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) id: String,
    pub(super) body: Arc<str>,
    pub(super) receipt: Receipt,
    pub(super) sent: Instant,
    pub(super) first_seen: Instant,
}

/// Why a receipt does not let one change a message's visibility.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unchangeable {
    Gone,
    NotInFlight,
}

impl Queue {
    pub(super) fn new(serial: u32, settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            created: now,
            modified: now,
            purged: None,
            arrivals: Arc::default(),
            serial,
            next: 0,
            messages: HashMap::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            in_flight: 0,
            delayed: 0,
        }
    }

    /// Takes a message in and returns its id.
    pub(super) fn send(&mut self, body: &str, delay: Duration, now: Instant) -> String {
        let key = self.next;
        self.next += 1;
        let id = message_id();
        let state = if delay.is_zero() { State::Visible } else { State::Delayed { until: now + delay } };
        let message =
            Message { id: id.clone(), body: body.into(), sent: now, first_received: None, receives: 0, state };
        self.messages.insert(key, message);
        match state {
            State::Delayed { until } => {
                self.delayed += 1;
                self.timers.insert((until, key));
            }
            State::Visible | State::InFlight { .. } => self.show(key),
        }
        id
    }

    /// Hands out up to `max` visible messages and hides them for `timeout`.
    pub(super) fn receive(&mut self, max: usize, timeout: Duration, now: Instant) -> Vec<Received> {
        self.advance(now);
        let mut batch = Vec::new();
        while batch.len() < max
            && let Some(key) = self.ready.pop_front()
        {
            let Some(message) = self.messages.get_mut(&key) else {
                continue;
            };
            message.receives += 1;
            let first_seen = *message.first_received.get_or_insert(now);
            let receipt = Receipt { queue: self.serial, key, receives: message.receives };
            batch.push(Received {
                id: message.id.clone(),
                body: Arc::clone(&message.body),
                receipt,
                sent: message.sent,
                first_seen,
            });
            message.state = State::InFlight { until: now + timeout };
            self.timers.insert((now + timeout, key));
            self.in_flight += 1;
        }
        batch
    }

    /// Whether the receipt was issued by this queue.
    pub(super) fn issued(&self, receipt: Receipt) -> bool {
        receipt.queue == self.serial && receipt.key < self.next
    }

    /// Deletes the message of its latest receipt. An older receipt deletes nothing and is no error.
    pub(super) fn delete(&mut self, receipt: Receipt, now: Instant) {
        self.advance(now);
        let latest = self.messages.get(&receipt.key).is_some_and(|message| message.receives == receipt.receives);
        if latest && let Some(message) = self.messages.remove(&receipt.key) {
            self.stop_timer(receipt.key, message.state);
        }
    }

    /// Lets the message of its latest receipt become visible after `timeout` from now.
    pub(super) fn change_visibility(
        &mut self,
        receipt: Receipt,
        timeout: Duration,
        now: Instant,
    ) -> Result<(), Unchangeable> {
        self.advance(now);
        let message = self.messages.get_mut(&receipt.key).ok_or(Unchangeable::Gone)?;
        let state = message.state;
        if message.receives != receipt.receives || !matches!(state, State::InFlight { .. }) {
            return Err(Unchangeable::NotInFlight);
        }
        message.state = State::InFlight { until: now + timeout };
        self.stop_timer(receipt.key, state);
        self.in_flight += 1;
        self.timers.insert((now + timeout, receipt.key));
        self.advance(now);
        Ok(())
    }

    /// Deletes every message, in whichever state.
    pub(super) fn purge(&mut self, now: Instant) {
        self.messages.clear();
        self.ready.clear();
        self.timers.clear();
        self.in_flight = 0;
        self.delayed = 0;
        self.purged = Some(now);
    }

    pub(super) fn depth(&mut self, now: Instant) -> Depth {
        self.advance(now);
        let hidden = self.in_flight + self.delayed;
        Depth { visible: self.messages.len() - hidden, in_flight: self.in_flight, delayed: self.delayed }
    }

    /// When the next message becomes visible by itself.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Makes visible what has waited long enough.
    fn advance(&mut self, now: Instant) {
        while self.next_timer().is_some_and(|at| at <= now)
            && let Some((_, key)) = self.timers.pop_first()
            && let Some(message) = self.messages.get_mut(&key)
        {
            let state = std::mem::replace(&mut message.state, State::Visible);
            self.stop_timer(key, state);
            self.show(key);
        }
    }

    fn show(&mut self, key: Key) {
        self.ready.push_back(key);
        self.arrivals.notify_one();
    }

    /// Takes a message out of the count and the timer of the state it leaves.
    fn stop_timer(&mut self, key: Key, state: State) {
        match state {
            State::Visible => {}
            State::Delayed { until } => {
                self.delayed -= 1;
                self.timers.remove(&(until, key));
            }
            State::InFlight { until } => {
                self.in_flight -= 1;
                self.timers.remove(&(until, key));
            }
        }
    }
}

/// A random id in the usual form of five groups of hexadecimal digits.
fn message_id() -> String {
    let digits = format!("{:032x}", rand::random::<u128>());
    let group = |range| digits.get(range).unwrap_or_default();
    [group(0..8), group(8..12), group(12..16), group(16..20), group(20..32)].join("-")
}
