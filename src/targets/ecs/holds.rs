//! Services whose last write had no answer. ECS has no conditional write, so such a write may still be carried out and
//! undo a newer one: until it no more can, none is sent.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::aws::{ATTEMPT_TIMEOUT, Service};

/// How long a write without an answer may still be carried out: its one attempt, and 7 s for what AWS still has in
/// hand. AWS documents no bound; what comes later than this is not guarded against.
pub const LONGEST_IN_FLIGHT: Duration = ATTEMPT_TIMEOUT.saturating_add(Duration::from_secs(7));

/// Until when each such service is held.
#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<HashMap<Service, Instant>>);

impl Holds {
    /// A write to `service` is about to be sent.
    pub(super) fn hold(&self, service: &Service) {
        let until = Instant::now() + LONGEST_IN_FLIGHT;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(service.clone(), until);
    }

    /// The write was carried out, or refused.
    pub(super) fn release(&self, service: &Service) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// How long no write may be sent yet.
    pub(super) fn remaining(&self, service: &Service) -> Option<Duration> {
        let now = Instant::now();
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.retain(|_, until| *until > now);
        holds.get(service).map(|until| until.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::aws::fake::access;

    fn service(name: &str) -> Service {
        Service { cluster: "prod".to_owned(), name: name.to_owned(), access: access() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_ends_when_the_longest_call_has_and_holds_one_service_only() {
        let holds = Holds::default();
        holds.hold(&service("a"));
        assert_eq!(holds.remaining(&service("b")), None);
        assert_eq!(holds.remaining(&service("a")), Some(LONGEST_IN_FLIGHT));
        let nearly = LONGEST_IN_FLIGHT.saturating_sub(Duration::from_millis(1));
        advance(nearly).await;
        assert_eq!(holds.remaining(&service("a")), Some(Duration::from_millis(1)));
        advance(Duration::from_millis(1)).await;
        assert_eq!(holds.remaining(&service("a")), None);
    }
}
