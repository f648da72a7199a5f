//! Counters that somebody else keeps, shown as a Prometheus metric.

use std::sync::Mutex;

use prometheus::{
    IntCounterVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// What a reader of counters answers: label values and the count so far.
type Counts<const LABELS: usize> = Vec<([&'static str; LABELS], u64)>;

/// A counter family with so many labels whose numbers are read at scrape time.
pub struct Counted<const LABELS: usize> {
    read: Box<dyn Fn() -> Counts<LABELS> + Send + Sync>,
    family: Mutex<IntCounterVec>,
    descriptions: Vec<Desc>,
}

impl<const LABELS: usize> Counted<LABELS> {
    /// `read` hands out every counter with its label values; a counter must never fall.
    ///
    /// # Errors
    /// The name or a label is not valid.
    pub fn new(
        name: &str,
        help: &str,
        labels: [&str; LABELS],
        read: impl Fn() -> Counts<LABELS> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        let family = IntCounterVec::new(Opts::new(name, help), &labels)?;
        let descriptions = family.desc().into_iter().cloned().collect();
        Ok(Self { read: Box::new(read), family: Mutex::new(family), descriptions })
    }
}

impl<const LABELS: usize> Collector for Counted<LABELS> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let family = self.family.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        family.reset();
        for (labels, count) in (self.read)() {
            family.with_label_values(&labels).inc_by(count);
        }
        family.collect()
    }
}
