//! What has to be remembered of a service between two observations.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hybridscaler_core::Replicas;
use tokio::time::Instant;

use crate::aws::{ATTEMPT_TIMEOUT, Service};

/// How long a write without an answer may still be carried out: one attempt, and as much again and more for what AWS still has in hand.
pub const LONGEST_IN_FLIGHT: Duration = ATTEMPT_TIMEOUT.saturating_add(Duration::from_secs(7));

/// How long a task that was seen alive is believed to live after it was seen last: ECS's reads may lag behind each other so long.
pub(super) const AFTERLIFE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<Service, Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    /// Before this no write is sent.
    held_until: Option<Instant>,
    /// How many replicas lived at which moment, for the last [`AFTERLIFE`]; the newest last.
    lived: VecDeque<(Instant, Replicas)>,
}

impl Memory {
    /// A write had no answer: no other is sent before it can no more be carried out.
    pub(super) fn hold(&self, service: &Service) {
        self.with(service, |remembered| {
            remembered.held_until = Some(Instant::now() + LONGEST_IN_FLIGHT)
        });
    }

    /// How long no write may be sent yet.
    pub(super) fn held(&self, service: &Service) -> Option<Duration> {
        let remaining = |until: Instant| {
            until
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
        };
        self.with(service, |remembered| {
            remembered.held_until.and_then(remaining)
        })
    }

    /// Remembers that so many replicas live now; gives the most that lived at one moment of the last [`AFTERLIFE`].
    pub(super) fn lived(&self, service: &Service, live: Replicas) -> Replicas {
        let now = Instant::now();
        self.with(service, |Remembered { lived, .. }| {
            lived.retain(|(at, _)| now.duration_since(*at) < AFTERLIFE);
            lived.push_back((now, live));
            lived.iter().map(|(_, live)| *live).max().unwrap_or(live)
        })
    }

    fn with<T>(&self, service: &Service, act: impl FnOnce(&mut Remembered) -> T) -> T {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(known.entry(service.clone()).or_default())
    }
}
