//! How often each operation was called.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::Service;

/// Counts of the requests that arrived over HTTP, by service and operation; refused and failed ones included.
#[derive(Debug)]
pub struct Calls {
    counts: Mutex<BTreeMap<(Service, String), u64>>,
    changed: watch::Sender<()>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self { counts: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// How often `operation` of `service` was called so far.
    pub fn count(&self, service: Service, operation: &str) -> u64 {
        self.all().get(&(service, operation.to_owned())).copied().unwrap_or_default()
    }

    /// Every count so far.
    pub fn all(&self) -> BTreeMap<(Service, String), u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `operation` of `service` was called at least `times` times since the start.
    pub async fn reached(&self, service: Service, operation: &str, times: u64) {
        let mut changes = self.changed.subscribe();
        while self.count(service, operation) < times {
            // The sender lives in `self`, so the wait ends by a change only.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn add(&self, service: Service, operation: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((service, operation.to_owned())).or_default() += 1;
        drop(counts);
        self.changed.send_replace(());
    }
}
