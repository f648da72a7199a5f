//! The external metrics API (`external.metrics.k8s.io`): the sum of a metric's series, as an adapter in the cluster serves them.
//!
//! # Access control
//! `list` on the metric's name as a resource of `external.metrics.k8s.io`, in the scaler's namespace.

use std::{collections::BTreeMap, fmt};

use hybridscaler_core::reading::{Load, Reading, Unknown};
use jiff::Timestamp;
use serde::Deserialize;

use super::cluster::Cluster;
use crate::{
    api::quantity,
    kubernetes::{self, Failure},
};

/// The series of one external metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalMetric {
    /// The namespace that it is read in.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Labels that a series must have.
    pub match_labels: BTreeMap<String, String>,
}

/// `ExternalMetricValueList` as far as it is used.
#[derive(Debug, Deserialize)]
struct Values {
    items: Vec<Value>,
}

/// The value of one series.
#[derive(Debug, Deserialize)]
struct Value {
    timestamp: Timestamp,
    value: String,
}

pub(super) async fn read(metric: &ExternalMetric, cluster: &Cluster) -> Reading {
    sum(metric, cluster).await.unwrap_or_else(|failure| cluster.unknown(failure, &metric.namespace))
}

async fn sum(metric: &ExternalMetric, cluster: &Cluster) -> Result<Reading, Failure> {
    let request = http::Request::get(metric.path()).body(Vec::new());
    let request = request.map_err(|error| Failure::new(Unknown::Invalid, format!("{metric}: {error}")))?;
    let values = kubernetes::read(metric, cluster.client.request::<Values>(request)).await.map_err(|mut failure| {
        if failure.why == Unknown::NotFound {
            failure.message += "; check metricName, and that an adapter for external.metrics.k8s.io is installed";
        }
        failure
    })?;
    of_values(metric, &values)
}

fn of_values(metric: &ExternalMetric, values: &Values) -> Result<Reading, Failure> {
    let mut total = 0_u64;
    for Value { value, .. } in &values.items {
        let milli = quantity::milli(value).filter(|milli| *milli >= 0).ok_or_else(|| {
            let message = format!("{metric}: {value:?} is not a quantity of at least 0; mend what its adapter serves");
            Failure::new(Unknown::Invalid, message)
        })?;
        total = total.saturating_add(u64::try_from(milli).unwrap_or(u64::MAX));
    }
    // A sum is as old as the oldest of what it is made of.
    let oldest = values.items.iter().map(|value| value.timestamp).min();
    let at = oldest.ok_or_else(|| {
        Failure::new(Unknown::Empty, format!("{metric}: no series match; check the selector's matchLabels"))
    })?;
    Ok(Reading::Known { load: Load::Value { milli: total }, at })
}

impl ExternalMetric {
    /// Where it is read: what people write becomes one segment of the path and one value of the query.
    fn path(&self) -> String {
        let Self { namespace, name, match_labels } = self;
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let selector: Vec<_> = match_labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (namespace, name, selector) = (encoded(namespace), encoded(name), encoded(&selector.join(",")));
        format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{name}?labelSelector={selector}")
    }
}

impl fmt::Display for ExternalMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, name, match_labels } = self;
        write!(f, "external metric {name} in {namespace}")?;
        let labels: Vec<_> = match_labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if labels.is_empty() { Ok(()) } else { write!(f, " with {}", labels.join(", ")) }
    }
}

#[cfg(test)]
mod tests;
