//! CloudWatch metrics: putting, querying and listing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{AwsError, Service, clock::Clock, error::Refusal, protocol::cbor};

mod get;
mod put;
mod series;
mod shapes;

use series::{Point, Series};
use shapes::{Dimension, DimensionFilter, ListMetrics, Metric, Metrics, invalid, parse};

/// Metrics that one call lists at most (API reference of `ListMetrics`).
const LISTED: usize = 500;

/// The metrics of the account. Clones share them.
#[derive(Debug, Clone)]
pub struct CloudWatch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    delivery_delay: Duration,
    series: BTreeMap<Metric, Series>,
}

impl CloudWatch {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, state: Mutex::default() }))
    }

    /// Sets how long data takes from now on until queries see it; zero at first.
    pub fn set_delivery_delay(&self, delay: Duration) {
        self.lock().delivery_delay = delay;
    }

    /// Adds a sample to `AWS/ECS` `CPUUtilization` of a service in the current minute, in percent of what its tasks
    /// reserve: 65.0 is 65 %.
    pub fn report_cpu(&self, cluster: &str, service: &str, percent: f64) {
        let dimension = |name: &str, value: &str| Dimension { name: name.to_owned(), value: value.to_owned() };
        let metric = Metric {
            namespace: "AWS/ECS".to_owned(),
            name: "CPUUtilization".to_owned(),
            dimensions: vec![dimension("ClusterName", cluster), dimension("ServiceName", service)],
        };
        let now = Instant::now();
        let second = self.0.clock.date(now).as_second();
        let mut state = self.lock();
        let visible = now + state.delivery_delay;
        state.series.entry(metric).or_default().add(second, 60, Point::of(percent, 1.0), visible);
    }

    /// Carries out an operation on its CBOR input.
    pub(crate) fn call(&self, operation: &str, input: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "PutMetricData" => self.put(parse(input)?),
            "GetMetricData" => Ok(cbor(&self.get(parse(input)?)?)),
            "ListMetrics" => Ok(cbor(&self.list(&parse(input)?)?)),
            _ => Err(Refusal::UnknownOperation.of(Service::CloudWatch)),
        }
    }

    fn list(&self, input: &ListMetrics) -> Result<Metrics, AwsError> {
        // The token is the number of metrics on the pages before.
        let before: usize = match &input.next_token {
            None => 0,
            Some(token) => token.parse().map_err(|_| invalid("The value for parameter NextToken is invalid."))?,
        };
        let state = self.arrived();
        let meets = |metric: &Metric| {
            let dimension = |filter: &DimensionFilter| {
                let value = |dimension: &Dimension| filter.value.as_ref().is_none_or(|value| dimension.value == *value);
                metric.dimensions.iter().any(|dimension| dimension.name == filter.name && value(dimension))
            };
            input.namespace.as_ref().is_none_or(|namespace| metric.namespace == *namespace)
                && input.metric_name.as_ref().is_none_or(|name| metric.name == *name)
                && input.dimensions.iter().all(dimension)
        };
        let visible = state.series.iter().filter(|(_, series)| !series.is_empty()).map(|(metric, _)| metric);
        let mut rest = visible.filter(|metric| meets(metric)).skip(before);
        let metrics = rest.by_ref().take(LISTED).cloned().collect();
        Ok(Metrics { metrics, next_token: rest.next().map(|_| (before + LISTED).to_string()) })
    }

    /// The state with everything delivered that is due.
    fn arrived(&self) -> MutexGuard<'_, State> {
        let now = Instant::now();
        let mut state = self.lock();
        state.series.values_mut().for_each(|series| series.advance(now));
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The second a date falls in; the first or last one for what is no date.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and dates are far from the ends")]
fn whole_seconds(date: f64) -> i64 {
    date.floor() as i64
}
