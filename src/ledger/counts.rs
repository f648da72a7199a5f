//! How often ledgers were asked for and written.

use std::sync::atomic::{AtomicU64, Ordering};

/// What happened at the ledgers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps that were asked for.
    pub steps: u64,
    /// Ledgers that were stored: one write may carry many steps.
    pub writes: u64,
    /// Writes that met a newer object, and were tried again on it.
    pub conflicts: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    steps: AtomicU64,
    writes: AtomicU64,
    conflicts: AtomicU64,
}

impl Counters {
    pub(super) fn asked(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn conflicted(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { steps: read(&self.steps), writes: read(&self.writes), conflicts: read(&self.conflicts) }
    }
}
