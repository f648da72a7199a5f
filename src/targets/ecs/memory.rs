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
        self.with(service, |remembered| remembered.held_until.and_then(remaining))
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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::aws::fake::access;

    fn service(name: &str) -> Service {
        Service {
            cluster: "prod".to_owned(),
            name: name.to_owned(),
            access: access(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_ends_when_the_longest_call_has_and_holds_one_service_only() {
        let memory = Memory::default();
        memory.hold(&service("a"));
        assert_eq!(memory.held(&service("b")), None);
        assert_eq!(memory.held(&service("a")), Some(LONGEST_IN_FLIGHT));
        advance(LONGEST_IN_FLIGHT - Duration::from_millis(1)).await;
        assert_eq!(memory.held(&service("a")), Some(Duration::from_millis(1)));
        advance(Duration::from_millis(1)).await;
        assert_eq!(memory.held(&service("a")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn replicas_are_believed_gone_only_when_they_were_not_seen_for_a_while() {
        let memory = Memory::default();
        let lived = |live| memory.lived(&service("a"), Replicas(live)).0;
        assert_eq!(lived(12), 12);
        advance(AFTERLIFE / 2).await;
        assert_eq!(lived(7), 12);
        advance(AFTERLIFE / 2).await;
        assert_eq!(lived(5), 7);
        advance(AFTERLIFE).await;
        assert_eq!(lived(5), 5);
        assert_eq!(lived(9), 9);
    }
}
