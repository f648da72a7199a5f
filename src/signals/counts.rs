//! How many polls ended how, for metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use hybridscaler_core::reading::{Reading, Unknown};

use super::SourceKind;

/// Polls of one kind of source that ended one way, since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The kind of source.
    pub kind: SourceKind,
    /// Why nothing is known; none: the source gave a value.
    pub unknown: Option<Unknown>,
    /// How many polls ended so.
    pub polls: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<BTreeMap<(SourceKind, Option<Unknown>), u64>>);

impl Counts {
    pub(super) fn add(&self, kind: SourceKind, reading: &Reading) {
        let unknown = reading.why();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((kind, unknown)).or_default() += 1;
    }

    pub(super) fn all(&self) -> Vec<Count> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(&(kind, unknown), &polls)| Count { kind, unknown, polls }).collect()
    }
}
