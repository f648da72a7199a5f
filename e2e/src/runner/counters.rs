//! What the replicas of one workload did, counted as it happens.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Running totals of one workload. They only grow, except `working`.
#[derive(Debug, Default)]
pub struct Counters {
    working: AtomicU64,
    opened: AtomicU64,
    refused: AtomicU64,
    crashed: AtomicU64,
    processed: AtomicU64,
    busy_micros: AtomicU64,
}

/// The totals at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Replicas that take messages now.
    pub working: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections refused because the server had no slot left.
    pub refused: u64,
    /// Replicas crashed, each time counted.
    pub crashed: u64,
    /// Messages handled.
    pub processed: u64,
    /// Time that handlers were busy, summed over the replicas.
    pub busy: Duration,
}

impl Counters {
    /// The totals now.
    pub fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            working: read(&self.working),
            opened: read(&self.opened),
            refused: read(&self.refused),
            crashed: read(&self.crashed),
            processed: read(&self.processed),
            busy: Duration::from_micros(read(&self.busy_micros)),
        }
    }

    /// Counts a replica as working until the guard is dropped.
    pub(super) fn working(&self) -> Working<'_> {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }

    pub(super) fn opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn crashed(&self) {
        self.crashed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn processed(&self, took: Duration) {
        self.processed.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.busy_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// One replica that takes messages.
pub(super) struct Working<'a>(&'a Counters);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}
