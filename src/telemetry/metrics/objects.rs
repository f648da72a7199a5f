//! The series of single scalers and budgets.

use std::sync::Mutex;

use hybridscaler_core::{Connections, Replicas};
use jiff::Timestamp;
use prometheus::{
    GaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::Objects;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// One scaler as its newest reconcile saw it.
#[derive(Clone, Debug, Default)]
pub struct ScalerView {
    /// Replicas that carry load; like all numbers of a scaler, nothing while unknown.
    pub running: Option<Replicas>,
    /// What the target is told to run.
    pub desired: Option<Replicas>,
    /// What demand, bounds and cooldowns ask for.
    pub wanted: Option<Replicas>,
    /// The most that its budget allows now; nothing without a budget.
    pub allowed: Option<Replicas>,
    /// What keeps it from running what demand asks for; a stable reason.
    pub limited_by: &'static str,
    /// Whether the Ready condition is true.
    pub ready: bool,
    /// Its triggers.
    pub triggers: Vec<TriggerView>,
}

/// One trigger as the newest reconcile saw it.
#[derive(Clone, Debug)]
pub struct TriggerView {
    /// Its name.
    pub name: String,
    /// Its named values (`visible`, `in_flight`, `utilization_percent`, …); none while unknown.
    pub values: Vec<(&'static str, f64)>,
    /// The replicas it asks for; nothing while unknown.
    pub proposal: Option<Replicas>,
    /// When its value was true at the source; nothing while unknown.
    pub read_at: Option<Timestamp>,
}

/// One budget as its newest reconcile saw it.
#[derive(Clone, Copy, Debug, Default)]
pub struct BudgetView {
    /// Connections that ordinary roles may open; nothing while unknown.
    pub capacity: Option<Connections>,
    /// Connections kept for what is not scaled.
    pub reserve: Connections,
    /// Connections granted to scalers.
    pub granted: Connections,
    /// Connections granted beyond what the database accepts beside the reserve.
    pub over_by: Connections,
    /// Connections seen open; nothing when the database was not asked.
    pub open: Option<Connections>,
    /// Whether every replica that was started can open its whole pool; nothing when that cannot be told.
    pub guaranteed: Option<bool>,
    /// How many scalers hold a grant.
    pub consumers: usize,
}

/// Makes the series of all objects at scrape time.
pub(super) struct ObjectCollector {
    objects: Objects,
    families: Mutex<Families>,
    descriptions: Vec<Desc>,
}

struct Families {
    current: GaugeVec,
    desired: GaugeVec,
    wanted: GaugeVec,
    allowed: GaugeVec,
    limited: GaugeVec,
    ready: GaugeVec,
    trigger_value: GaugeVec,
    trigger_proposal: GaugeVec,
    trigger_age: GaugeVec,
    capacity: GaugeVec,
    reserve: GaugeVec,
    granted: GaugeVec,
    over_by: GaugeVec,
    open: GaugeVec,
    guaranteed: GaugeVec,
    consumers: GaugeVec,
}

const SCALER: &[&str] = &["namespace", "scaler"];
const TRIGGER: &[&str] = &["namespace", "scaler", "trigger"];
const BUDGET: &[&str] = &["namespace", "budget"];

impl ObjectCollector {
    pub(super) fn new(objects: Objects) -> Result<Self, prometheus::Error> {
        let families = Families::new()?;
        let descriptions = families.all().iter().flat_map(|family| family.desc()).cloned().collect();
        Ok(Self { objects, families: Mutex::new(families), descriptions })
    }
}

impl Collector for ObjectCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Two scrapes at once must not see each other's half-filled families.
        let families = self.families.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        families.fill(&self.objects, Timestamp::now());
        families.all().iter().flat_map(|family| family.collect()).collect()
    }
}

impl Families {
    fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            GaugeVec::new(Opts::new(format!("hybridscaler_{name}"), help), labels)
        };
        Ok(Self {
            current: gauge("replicas_current", "Replicas that carry load", SCALER)?,
            desired: gauge("replicas_desired", "Replicas that the target is told to run", SCALER)?,
            wanted: gauge(
                "replicas_wanted",
                "Replicas that demand, bounds and cooldowns ask for, before the budget",
                SCALER,
            )?,
            allowed: gauge("replicas_allowed", "The most replicas that the connection budget allows now", SCALER)?,
            limited: gauge(
                "limited",
                "1 for the reason that keeps the scaler from following demand",
                &["namespace", "scaler", "reason"],
            )?,
            ready: gauge("ready", "1 when the scaler's Ready condition is true, else 0", SCALER)?,
            trigger_value: gauge(
                "trigger_value",
                "What the trigger's source said",
                &["namespace", "scaler", "trigger", "value"],
            )?,
            trigger_proposal: gauge("trigger_proposal", "Replicas that the trigger asks for", TRIGGER)?,
            trigger_age: gauge("trigger_age_seconds", "Age of the trigger's value", TRIGGER)?,
            capacity: gauge("budget_capacity_connections", "Connections that ordinary roles may open", BUDGET)?,
            reserve: gauge("budget_reserve_connections", "Connections kept for what is not scaled", BUDGET)?,
            granted: gauge("budget_granted_connections", "Connections granted to scalers", BUDGET)?,
            over_by: gauge(
                "budget_over_connections",
                "Connections granted beyond what the database accepts beside the reserve",
                BUDGET,
            )?,
            open: gauge("budget_open_connections", "Connections seen open; no grant goes by it", BUDGET)?,
            guaranteed: gauge(
                "budget_pools_guaranteed",
                "1 when every replica that was started can open its whole pool, else 0",
                BUDGET,
            )?,
            consumers: gauge("budget_consumers", "Scalers that hold a grant", BUDGET)?,
        })
    }

    fn all(&self) -> [&GaugeVec; 16] {
        let Self {
            current,
            desired,
            wanted,
            allowed,
            limited,
            ready,
            trigger_value,
            trigger_proposal,
            trigger_age,
            capacity,
            reserve,
            granted,
            over_by,
            open,
            guaranteed,
            consumers,
        } = self;
        [
            current,
            desired,
            wanted,
            allowed,
            limited,
            ready,
            trigger_value,
            trigger_proposal,
            trigger_age,
            capacity,
            reserve,
            granted,
            over_by,
            open,
            guaranteed,
            consumers,
        ]
    }

    fn fill(&self, objects: &Objects, now: Timestamp) {
        self.all().iter().for_each(|family| family.reset());
        let views = objects.lock();
        for (ObjectName { namespace, name }, view) in &views.scalers {
            let scaler: &[&str] = &[namespace, name];
            for (family, replicas) in [
                (&self.current, view.running),
                (&self.desired, view.desired),
                (&self.wanted, view.wanted),
                (&self.allowed, view.allowed),
            ] {
                // What is not known is not shown: 0 would be a lie.
                if let Some(replicas) = replicas {
                    family.with_label_values(scaler).set(replicas.0.into());
                }
            }
            self.limited.with_label_values(&[namespace, name, view.limited_by]).set(1.0);
            self.ready.with_label_values(scaler).set(f64::from(u8::from(view.ready)));
            for trigger in &view.triggers {
                let labels: &[&str] = &[namespace, name, &trigger.name];
                for (value, number) in &trigger.values {
                    self.trigger_value
                        .with_label_values(&[namespace.as_str(), name, &trigger.name, value])
                        .set(*number);
                }
                if let Some(proposal) = trigger.proposal {
                    self.trigger_proposal.with_label_values(labels).set(proposal.0.into());
                }
                if let Some(read_at) = trigger.read_at {
                    self.trigger_age.with_label_values(labels).set(now.duration_since(read_at).as_secs_f64());
                }
            }
        }
        for (ObjectName { namespace, name }, view) in &views.budgets {
            let budget: &[&str] = &[namespace, name];
            if let Some(capacity) = view.capacity {
                self.capacity.with_label_values(budget).set(capacity.0.into());
            }
            self.reserve.with_label_values(budget).set(view.reserve.0.into());
            self.granted.with_label_values(budget).set(view.granted.0.into());
            self.over_by.with_label_values(budget).set(view.over_by.0.into());
            if let Some(open) = view.open {
                self.open.with_label_values(budget).set(open.0.into());
            }
            if let Some(guaranteed) = view.guaranteed {
                self.guaranteed.with_label_values(budget).set(f64::from(u8::from(guaranteed)));
            }
            self.consumers.with_label_values(budget).set(f64::from(u32::try_from(view.consumers).unwrap_or(u32::MAX)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use hybridscaler_core::Replicas;
    use prometheus::{IntCounterVec, Opts};

    use super::{ObjectName, ScalerView};
    use crate::telemetry::metrics::Metrics;

    #[test]
    fn the_series_of_a_scaler_vanish_with_it() {
        let sources = IntCounterVec::new(Opts::new("sources", "sources"), &["kind"]).unwrap();
        let metrics = Metrics::new(Box::new(sources)).unwrap();
        let name = ObjectName { namespace: "orders".into(), name: "order-worker".into() };
        metrics.scaler(
            name.clone(),
            ScalerView { desired: Some(Replicas(18)), limited_by: "ConnectionBudget", ..ScalerView::default() },
        );
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(
            text.contains(r#"hybridscaler_replicas_desired{namespace="orders",scaler="order-worker"} 18"#),
            "{text}"
        );
        assert!(
            text.contains(
                r#"hybridscaler_limited{namespace="orders",reason="ConnectionBudget",scaler="order-worker"} 1"#
            ),
            "{text}"
        );
        metrics.forget_scaler(&name);
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(!text.contains("order-worker"), "{text}");
    }
}
