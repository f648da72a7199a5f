//! Prometheus metrics. Series of one object are made at scrape time from what its last reconcile left, so they vanish with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder, core::Collector};

mod counted;
mod objects;

pub use counted::Counted;
pub use objects::{BudgetView, ObjectName, ScalerView, TriggerView};

/// The process's metrics; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    objects: Objects,
    reconciles: HistogramVec,
    writes: IntCounterVec,
}

/// What the newest reconciles left, by object.
#[derive(Clone, Default)]
pub(crate) struct Objects(Arc<Mutex<Views>>);

#[derive(Default)]
pub(crate) struct Views {
    pub(crate) scalers: HashMap<ObjectName, ScalerView>,
    pub(crate) budgets: HashMap<ObjectName, BudgetView>,
}

impl Metrics {
    /// Registers every metric of the operator, and `sources`, the request counters of the signal readers.
    ///
    /// # Errors
    /// A metric's name or labels are not valid, or taken: a programming error that every start would show.
    pub fn new(sources: Box<dyn Collector>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let objects = Objects::default();
        let reconciles = HistogramVec::new(
            HistogramOpts::new(
                "hybridscaler_reconcile_duration_seconds",
                "How long a reconcile took, by kind and outcome",
            )
            .buckets(vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]),
            &["kind", "outcome"],
        )?;
        let writes = IntCounterVec::new(
            Opts::new("hybridscaler_scale_writes_total", "Writes of a target's replicas, by direction and outcome"),
            &["direction", "outcome"],
        )?;
        let build = prometheus::IntGaugeVec::new(
            Opts::new("hybridscaler_build_info", "Always 1; the version is a label"),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(reconciles.clone()))?;
        registry.register(Box::new(writes.clone()))?;
        registry.register(Box::new(build))?;
        registry.register(Box::new(objects::ObjectCollector::new(objects.clone())?))?;
        registry.register(sources)?;
        Ok(Self { registry, objects, reconciles, writes })
    }

    /// Serves one more metric, which somebody else keeps.
    ///
    /// # Errors
    /// Its name is taken: a programming error that every start would show.
    pub fn add(&self, collector: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        self.registry.register(collector)
    }

    /// The text exposition format.
    ///
    /// # Errors
    /// A metric cannot be written as text.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// One reconcile of an object of `kind` ended.
    pub fn reconciled(&self, kind: &str, outcome: &str, took: Duration) {
        self.reconciles.with_label_values(&[kind, outcome]).observe(took.as_secs_f64());
    }

    /// One write of a target's replicas ended.
    pub fn wrote(&self, direction: &str, outcome: &str) {
        self.writes.with_label_values(&[direction, outcome]).inc();
    }

    /// Shows `view` for the scaler from the next scrape on.
    pub fn scaler(&self, name: ObjectName, view: ScalerView) {
        self.objects.lock().scalers.insert(name, view);
    }

    /// The scaler is gone, and with it its series.
    pub fn forget_scaler(&self, name: &ObjectName) {
        self.objects.lock().scalers.remove(name);
    }

    /// Shows `view` for the budget from the next scrape on.
    pub fn budget(&self, name: ObjectName, view: BudgetView) {
        self.objects.lock().budgets.insert(name, view);
    }

    /// Budgets of which `lives` is false are gone, and with them their series.
    pub fn retain_budgets(&self, lives: impl Fn(&ObjectName) -> bool) {
        self.objects.lock().budgets.retain(|name, _| lives(name));
    }
}

impl Objects {
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, Views> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
