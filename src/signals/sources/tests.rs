#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt as _, stream::BoxStream};
use hybridscaler_core::reading::Load;
use jiff::Timestamp;
use tokio::time::timeout;

use super::*;
use crate::aws::{Queue, fake::access};

const SECOND: Duration = Duration::from_secs(1);

/// A board whose sources answer with a number that grows with every poll of any of them.
struct Bench {
    sources: Sources<&'static str>,
    wakes: BoxStream<'static, &'static str>,
    asked: Arc<Mutex<HashMap<Source, u64>>>,
}

impl Bench {
    fn new() -> Self {
        let numbers = AtomicU64::new(0);
        Self::answering(move |_| value(numbers.fetch_add(1, Ordering::Relaxed)))
    }

    fn answering(answer: impl Fn(&Source) -> Reading + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let polls = Arc::clone(&asked);
        let (sources, wakes) = Sources::asking(Arc::new(move |source| {
            *polls.lock().unwrap().entry(source.clone()).or_default() += 1;
            let reading = answer(&source);
            async move { reading }.boxed()
        }));
        Self { sources, wakes: wakes.boxed(), asked }
    }

    fn polls(&self, source: &Source) -> u64 {
        self.asked.lock().unwrap().get(source).copied().unwrap_or_default()
    }

    async fn woken(&mut self) -> &'static str {
        self.wakes.next().await.unwrap()
    }

    /// Whether nobody is woken for a while.
    async fn quiet(&mut self) -> bool {
        timeout(100 * SECOND, self.wakes.next()).await.is_err()
    }
}

fn value(visible: u64) -> Reading {
    Reading::Known { load: Load::Queue { visible, in_flight: 0, delayed: 0 }, at: Timestamp::UNIX_EPOCH }
}

fn queue(name: &str) -> Source {
    Source::Sqs(Queue { url: format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"), access: access() })
}

fn visible(reading: &Reading) -> u64 {
    match reading {
        Reading::Known { load: Load::Queue { visible, .. }, .. } => *visible,
        other => unreachable!("{other:?}"),
    }
}

fn why(reading: &Reading) -> Option<Unknown> {
    match reading {
        Reading::Known { .. } => None,
        Reading::Unknown(unread) => Some(unread.why),
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_is_not_read_yet_before_its_first_answer_and_never_zero() {
    let mut bench = Bench::new();
    let orders = queue("orders");
    assert_eq!(why(&bench.sources.latest(&orders)), Some(Unknown::NotReadYet));
    bench.sources.watch(&"a", [(orders.clone(), SECOND)]);
    assert_eq!(why(&bench.sources.latest(&orders)), Some(Unknown::NotReadYet));
    assert_eq!(bench.woken().await, "a");
    assert_eq!(visible(&bench.sources.latest(&orders)), 0);
}

#[tokio::test(start_paused = true)]
async fn watchers_of_one_source_share_its_polls_and_are_each_woken_by_a_new_reading() {
    let mut bench = Bench::new();
    let orders = queue("orders");
    bench.sources.watch(&"a", [(orders.clone(), SECOND)]);
    bench.sources.watch(&"b", [(orders.clone(), SECOND)]);
    let mut woken = [bench.woken().await, bench.woken().await];
    woken.sort_unstable();
    assert_eq!((woken, bench.polls(&orders)), (["a", "b"], 1));
}

#[tokio::test(start_paused = true)]
async fn only_the_watchers_of_a_source_are_woken_by_it() {
    let polls = AtomicU64::new(0);
    let mut bench = Bench::answering(move |source| {
        // That of the orders never changes.
        value(if source == &queue("orders") { 7 } else { polls.fetch_add(1, Ordering::Relaxed) })
    });
    bench.sources.watch(&"a", [(queue("orders"), SECOND)]);
    assert_eq!(bench.woken().await, "a");
    bench.sources.watch(&"b", [(queue("payments"), SECOND)]);
    for _ in 0..5 {
        assert_eq!(bench.woken().await, "b");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_brings_nothing_new_wakes_nobody() {
    let mut bench = Bench::answering(|_| value(7));
    bench.sources.watch(&"a", [(queue("orders"), SECOND)]);
    assert_eq!(bench.woken().await, "a");
    assert!(bench.quiet().await);
    assert!(bench.polls(&queue("orders")) > 50);
}

#[tokio::test(start_paused = true)]
async fn failed_polls_are_counted_from_the_first_of_their_row_and_each_wakes_until_a_value_ends_it() {
    let polls = AtomicU64::new(0);
    let mut bench = Bench::answering(move |_| match polls.fetch_add(1, Ordering::Relaxed) {
        2 => value(7),
        poll => Reading::unknown(Unknown::Empty, format!("poll {poll}")),
    });
    let orders = queue("orders");
    bench.sources.watch(&"a", [(orders.clone(), SECOND)]);
    let mut next = async || {
        bench.woken().await;
        match bench.sources.latest(&orders) {
            Reading::Known { .. } => None,
            Reading::Unknown(unread) => Some((unread.message.to_string(), unread.failures, unread.since.unwrap())),
        }
    };
    let before = Timestamp::now();
    let (first, failures, since) = next().await.unwrap();
    assert_eq!((first.as_str(), failures), ("poll 0", 1));
    assert!((before..=Timestamp::now()).contains(&since));
    assert_eq!(next().await, Some(("poll 1".to_owned(), 2, since)));
    assert_eq!(next().await, None);
    let (again, failures, later) = next().await.unwrap();
    assert_eq!((again.as_str(), failures), ("poll 3", 1));
    assert!(later > since);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_is_not_served_is_queued_once() {
    let mut bench = Bench::new();
    let orders = queue("orders");
    bench.sources.watch(&"a", [(orders.clone(), SECOND)]);
    tokio::time::sleep(50 * SECOND).await;
    bench.sources.forget(&"a");
    assert!(bench.polls(&orders) > 40);
    assert_eq!(bench.woken().await, "a");
    assert!(bench.quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_source_is_polled_at_the_smallest_interval_of_its_watchers() {
    let bench = Bench::new();
    let orders = queue("orders");
    let polls_in_a_minute = async || {
        tokio::time::sleep(20 * SECOND).await;
        let before = bench.polls(&orders);
        tokio::time::sleep(60 * SECOND).await;
        bench.polls(&orders) - before
    };
    bench.sources.watch(&"slow", [(orders.clone(), 15 * SECOND)]);
    assert_eq!(polls_in_a_minute().await, 4);
    bench.sources.watch(&"fast", [(orders.clone(), 2 * SECOND)]);
    assert_eq!(polls_in_a_minute().await, 30);
    bench.sources.forget(&"fast");
    assert_eq!(polls_in_a_minute().await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_nobody_watches_any_more_is_neither_polled_nor_remembered() {
    let mut bench = Bench::new();
    let (orders, payments) = (queue("orders"), queue("payments"));
    bench.sources.watch(&"a", [(orders.clone(), SECOND), (payments.clone(), SECOND)]);
    bench.woken().await;
    tokio::time::sleep(10 * SECOND).await;
    bench.sources.watch(&"a", [(payments.clone(), SECOND)]);
    let before = (bench.polls(&orders), bench.polls(&payments));
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(bench.polls(&orders), before.0);
    assert!(bench.polls(&payments) > before.1);
    assert_eq!(why(&bench.sources.latest(&orders)), Some(Unknown::NotReadYet));
}

#[tokio::test(start_paused = true)]
async fn watching_the_same_again_does_not_start_over() {
    let mut bench = Bench::new();
    let orders = queue("orders");
    bench.sources.watch(&"a", [(orders.clone(), 30 * SECOND)]);
    bench.woken().await;
    let before = (bench.polls(&orders), bench.sources.latest(&orders));
    bench.sources.watch(&"a", [(orders.clone(), 30 * SECOND), (orders.clone(), 60 * SECOND)]);
    assert_eq!((bench.polls(&orders), bench.sources.latest(&orders)), before);
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_reader_that_was_replaced_is_dropped() {
    let bench = Bench::new();
    let orders = queue("orders");
    bench.sources.watch(&"a", [(orders.clone(), SECOND)]);
    bench.sources.forget(&"a");
    bench.sources.watch(&"a", [(orders.clone(), SECOND)]);
    let late = Reading::unknown(Unknown::Invalid, "from the first reader");
    publish(&Arc::downgrade(&bench.sources.0), &orders, 1, late);
    assert_eq!(why(&bench.sources.latest(&orders)), Some(Unknown::NotReadYet));
}

#[tokio::test(start_paused = true)]
async fn polls_are_counted_by_kind_and_outcome() {
    let mut bench = Bench::new();
    bench.sources.watch(&"a", [(queue("orders"), SECOND)]);
    bench.woken().await;
    bench.woken().await;
    let counts = bench.sources.counts();
    assert_eq!(counts, [Count { kind: super::super::SourceKind::Sqs, unknown: None, polls: 2 }]);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_ends_all_reading_and_the_wakes() {
    let Bench { sources, mut wakes, .. } = Bench::new();
    sources.watch(&"a", [(queue("orders"), SECOND)]);
    drop(sources);
    assert_eq!(wakes.next().await, None);
}
