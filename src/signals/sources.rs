//! The board: who watches which source, and what it said last.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::{FutureExt as _, Stream, future::BoxFuture};
use hybridscaler_core::reading::{Reading, Unknown, Unread};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{
    Readers, Source,
    counts::{Count, Counts},
    poll,
    wakes::Wakes,
};

/// The readers of all watched sources, one each. `W` names a watcher. Cloning is cheap and shares them; the last clone
/// that is dropped ends all reading.
pub struct Sources<W>(Arc<Shared<W>>);

/// Asks a source once.
type Ask = Arc<dyn Fn(Source) -> BoxFuture<'static, Reading> + Send + Sync>;

/// What a source says now.
#[cfg(test)]
type Scripted = Box<dyn Fn(&Source) -> Reading + Send + Sync>;

struct Shared<W> {
    ask: Ask,
    /// What a test says instead of the readers, which are not started then.
    #[cfg(test)]
    scripted: Option<Scripted>,
    counts: Counts,
    wakes: Wakes<W>,
    board: Mutex<Board<W>>,
}

#[derive(Debug)]
struct Board<W> {
    watched: HashMap<W, Wanted>,
    readers: HashMap<Source, Reader<W>>,
    /// Readers started so far: tells a reader from its predecessor on the same source.
    started: u64,
}

/// The sources of one watcher and how often it wants each read.
type Wanted = BTreeMap<Source, Duration>;

#[derive(Debug)]
struct Reader<W> {
    number: u64,
    latest: Reading,
    watchers: HashMap<W, Duration>,
    interval: watch::Sender<Duration>,
    _task: AbortOnDropHandle<()>,
}

impl<W: Clone + Eq + Hash + Send + Sync + 'static> Sources<W> {
    /// Nothing is read yet. The stream gives a watcher whenever one of its sources has something new: another value, a
    /// value of another time, one more failure. A watcher that is not served yet is not given twice.
    pub fn new(readers: Readers) -> (Self, impl Stream<Item = W> + Send + 'static) {
        Self::asking(Arc::new(move |source| {
            let readers = readers.clone();
            async move { source.read(&readers).await }.boxed()
        }))
    }

    fn asking(ask: Ask) -> (Self, impl Stream<Item = W> + Send + 'static) {
        let (wakes, stream) = Wakes::new();
        let board = Board { watched: HashMap::new(), readers: HashMap::new(), started: 0 };
        let shared = Shared {
            ask,
            #[cfg(test)]
            scripted: None,
            counts: Counts::default(),
            wakes,
            board: Mutex::new(board),
        };
        (Self(Arc::new(shared)), stream)
    }

    /// Sources that say what `scripted` says and wake nobody.
    #[cfg(test)]
    pub(crate) fn scripted(scripted: impl Fn(&Source) -> Reading + Send + Sync + 'static) -> Self {
        let ask: Ask = Arc::new(|_| std::future::ready(not_read_yet()).boxed());
        let board = Board { watched: HashMap::new(), readers: HashMap::new(), started: 0 };
        let (scripted, wakes) = (Some(Box::new(scripted) as Scripted), Wakes::new().0);
        Self(Arc::new(Shared { ask, scripted, counts: Counts::default(), wakes, board: Mutex::new(board) }))
    }

    /// `watcher` watches these sources from now on, and no others; each is polled at the smallest interval that any of
    /// its watchers asks for. Cheap when nothing changes. Must be called inside a Tokio runtime.
    pub fn watch(&self, watcher: &W, sources: impl IntoIterator<Item = (Source, Duration)>) {
        #[cfg(test)]
        if self.0.scripted.is_some() {
            return;
        }
        let mut wanted = Wanted::new();
        for (source, interval) in sources {
            wanted.entry(source).and_modify(|known| *known = interval.min(*known)).or_insert(interval);
        }
        let mut board = self.0.board();
        if board.watched.get(watcher) == Some(&wanted) {
            return;
        }
        let before = board.watched.insert(watcher.clone(), wanted.clone()).unwrap_or_default();
        for source in before.keys().filter(|source| !wanted.contains_key(source)) {
            board.leave(watcher, source);
        }
        for (source, interval) in wanted {
            board.join(watcher, source, interval, &self.0);
        }
    }

    /// `watcher` is gone. A source without watchers is read no more and its last reading forgotten.
    pub fn forget(&self, watcher: &W) {
        let mut board = self.0.board();
        for source in board.watched.remove(watcher).unwrap_or_default().keys() {
            board.leave(watcher, source);
        }
    }

    /// The newest reading; [`Unknown::NotReadYet`] before the first poll has ended, and for a source that nobody
    /// watches.
    pub fn latest(&self, source: &Source) -> Reading {
        #[cfg(test)]
        if let Some(scripted) = &self.0.scripted {
            return scripted(source);
        }
        self.0.board().readers.get(source).map_or_else(not_read_yet, |reader| reader.latest.clone())
    }

    /// How many polls ended how, since the start.
    pub fn counts(&self) -> Vec<Count> {
        self.0.counts.all()
    }
}

impl<W: Clone + Eq + Hash + Send + Sync + 'static> Board<W> {
    fn join(&mut self, watcher: &W, source: Source, interval: Duration, shared: &Arc<Shared<W>>) {
        let started = &mut self.started;
        let reader = self.readers.entry(source).or_insert_with_key(|source| {
            *started += 1;
            Reader::start(*started, source.clone(), interval, shared)
        });
        reader.watchers.insert(watcher.clone(), interval);
        reader.set_interval();
    }

    fn leave(&mut self, watcher: &W, source: &Source) {
        let Some(reader) = self.readers.get_mut(source) else {
            return;
        };
        reader.watchers.remove(watcher);
        if reader.watchers.is_empty() {
            self.readers.remove(source);
        } else {
            reader.set_interval();
        }
    }
}

impl<W: Clone + Eq + Hash + Send + Sync + 'static> Reader<W> {
    fn start(number: u64, source: Source, interval: Duration, shared: &Arc<Shared<W>>) -> Self {
        let (sender, receiver) = watch::channel(interval);
        let ask = Arc::clone(&shared.ask);
        // Weak, or the reader would keep alive the board that ends it.
        let shared = Arc::downgrade(shared);
        let task = async move {
            let publish = |reading| publish(&shared, &source, number, reading);
            poll::run(|| ask(source.clone()), publish, receiver).await;
        };
        let task = AbortOnDropHandle::new(tokio::spawn(task));
        Self { number, latest: not_read_yet(), watchers: HashMap::new(), interval: sender, _task: task }
    }

    fn set_interval(&self) {
        let Some(smallest) = self.watchers.values().min() else {
            return;
        };
        self.interval.send_if_modified(|interval| std::mem::replace(interval, *smallest) != *smallest);
    }
}

impl<W> Shared<W> {
    fn board(&self) -> MutexGuard<'_, Board<W>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn publish<W: Clone + Eq + Hash + Send + 'static>(
    shared: &Weak<Shared<W>>,
    source: &Source,
    number: u64,
    reading: Reading,
) {
    let Some(shared) = shared.upgrade() else {
        return;
    };
    shared.counts.add(source.kind(), &reading);
    let mut board = shared.board();
    // A reader that was replaced while it answered has nothing to say any more.
    let Some(reader) = board.readers.get_mut(source).filter(|reader| reader.number == number) else {
        return;
    };
    let reading = in_row(reading, &reader.latest, Timestamp::now());
    if reader.latest == reading {
        return;
    }
    reader.latest = reading;
    reader.watchers.keys().for_each(|watcher| shared.wakes.wake(watcher));
}

/// A poll that failed counts on from the one before; a value ends the row.
fn in_row(reading: Reading, before: &Reading, now: Timestamp) -> Reading {
    let Reading::Unknown(unread) = reading else { return reading };
    let (since, failures) = match before {
        Reading::Unknown(before) => (before.since, before.failures),
        Reading::Known { .. } => (None, 0),
    };
    let (since, failures) = (Some(since.unwrap_or(now)), failures.saturating_add(1));
    Reading::Unknown(Unread { since, failures, ..unread })
}

fn not_read_yet() -> Reading {
    Reading::unknown(Unknown::NotReadYet, "no poll has ended yet")
}

impl<W> fmt::Debug for Sources<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl<W> Clone for Sources<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests;
