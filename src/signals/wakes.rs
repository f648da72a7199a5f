//! Who has to look again. A watcher that was not served yet is not queued twice, so a slow receiver costs no memory.

use std::{
    collections::HashSet,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    Stream, StreamExt as _,
    channel::mpsc::{self, UnboundedSender},
};

#[derive(Debug)]
pub(super) struct Wakes<W> {
    sender: UnboundedSender<W>,
    queued: Arc<Mutex<HashSet<W>>>,
}

impl<W: Clone + Eq + Hash + Send + 'static> Wakes<W> {
    /// The stream ends when the sending half is dropped.
    pub(super) fn new() -> (Self, impl Stream<Item = W> + Send + 'static) {
        let (sender, receiver) = mpsc::unbounded();
        let queued = Arc::new(Mutex::new(HashSet::new()));
        let wakes = Self { sender, queued: Arc::clone(&queued) };
        let served = receiver.inspect(move |watcher| {
            queued.lock().unwrap_or_else(PoisonError::into_inner).remove(watcher);
        });
        (wakes, served)
    }

    pub(super) fn wake(&self, watcher: &W) {
        if self.queued.lock().unwrap_or_else(PoisonError::into_inner).insert(watcher.clone()) {
            // Fails only when nobody listens any more, at the end of the process.
            let _ = self.sender.unbounded_send(watcher.clone());
        }
    }
}
