//! Metrics from outside the cluster, as an adapter serves them.

use std::collections::BTreeMap;

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::super::{
    quantity::{QUANTITY_BYTES, QuantityRange},
    rule::rule,
    spec_error::SpecError,
};

const fn range(field: &'static str) -> QuantityRange {
    QuantityRange { field, least: "1m", most: "1P", example: "500m, 100 or 2k" }
}

pub(super) const VALUE: QuantityRange = range("targetValue");
pub(super) const AVERAGE: QuantityRange = range("targetAverageValue");
pub(super) const ACTIVATION: QuantityRange = range("activationValue");

/// The least that a metric can be above 0, in thousandths: active at any load, where a trigger does not say.
pub(super) const ACTIVATION_MILLI: u64 = 1;

/// A metric of `external.metrics.k8s.io`, read in the scaler's namespace; series that match are summed. At most one target,
/// `targetValue` or `targetAverageValue`; without one it is only read, for formulas.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_target(), validation = activation_needs_target())]
pub struct ExternalTrigger {
    /// Name of the metric, as its adapter serves it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = metric_name())]
    pub metric_name: String,

    /// Which series of the metric count. Default: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<SeriesSelector>,

    /// The sum to aim at, as `Value` of a `HorizontalPodAutoscaler`: replicas = replicas now x sum / this; 1m to 1P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = VALUE.rule())]
    pub target_value: Option<String>,

    /// The share of a replica to aim at, as `AverageValue` of a `HorizontalPodAutoscaler`: replicas = sum / this, rounded up;
    /// 1m to 1P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = AVERAGE.rule())]
    pub target_average_value: Option<String>,

    /// The trigger is active from this sum on. While none is active, the scaler runs its `idleReplicas`. Default: active above 0;
    /// 1m to 1P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = ACTIVATION.rule())]
    pub activation_value: Option<String>,
}

/// Which series of a metric count.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SeriesSelector {
    /// Labels that a series must have, by name; at most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels")]
    #[x_kube(validation = label_names())]
    pub match_labels: BTreeMap<String, String>,
}

/// What an external trigger aims at, in thousandths, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalTarget {
    /// The sum of the series.
    ValueMilli(u64),
    /// The share of each replica.
    AverageMilli(u64),
}

impl ExternalTrigger {
    /// The one target that it aims at; none when it is only read, for formulas.
    ///
    /// # Errors
    /// It has two, or the value is not a quantity in its range.
    pub fn target(&self) -> Result<Option<ExternalTarget>, SpecError> {
        one_target_of("external", self.target_value.as_deref(), self.target_average_value.as_deref())
    }

    /// The sum, in thousandths, from which the trigger is active; at least 1.
    ///
    /// # Errors
    /// The value is not a quantity in its range.
    pub fn activation_milli(&self) -> Result<u64, SpecError> {
        self.activation_value
            .as_deref()
            .map_or(Ok(ACTIVATION_MILLI), |value| ACTIVATION.milli("external.activationValue", value))
    }

    /// The labels that a series must have.
    pub fn match_labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.selector.iter().flat_map(|selector| &selector.match_labels).map(|(name, value)| (&**name, &**value))
    }
}

/// The target that the fields of `source` have, if any.
///
/// # Errors
/// There are two, or the value is not a quantity in its range.
pub(super) fn one_target_of(
    source: &str,
    value: Option<&str>,
    average: Option<&str>,
) -> Result<Option<ExternalTarget>, SpecError> {
    match (value, average) {
        (None, None) => Ok(None),
        (Some(value), None) => {
            VALUE.milli(&format!("{source}.targetValue"), value).map(|milli| Some(ExternalTarget::ValueMilli(milli)))
        }
        (None, Some(average)) => AVERAGE
            .milli(&format!("{source}.targetAverageValue"), average)
            .map(|milli| Some(ExternalTarget::AverageMilli(milli))),
        (Some(value), Some(average)) => Err(SpecError::new(
            source,
            format!("{value}, {average}"),
            "is not one target: set exactly one of targetValue and targetAverageValue",
        )),
    }
}

fn labels(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {
            "type": "string", "maxLength": 63, "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        },
    })
}

fn metric_name() -> Rule {
    rule(
        r"self.matches('^[^/%\\s]*[^/%.\\s][^/%\\s]*$')",
        "metricName %s cannot be a segment of a path: write the name as the adapter serves it, without / and spaces",
        &["self"],
    )
}

fn label_names() -> Rule {
    let is_name =
        r"name.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')";
    rule(
        &format!("self.all(name, {is_name})"),
        "matchLabels has names that no label can have, %s: write a name such as queue or example.com/queue",
        &[&format!("self.filter(name, !{is_name})")],
    )
}

fn one_target() -> Rule {
    rule(
        "!has(self.targetValue) || !has(self.targetAverageValue)",
        "metricName %s has two targets, targetValue and targetAverageValue: set exactly one of targetValue and targetAverageValue",
        &["self.metricName"],
    )
}

fn activation_needs_target() -> Rule {
    rule(
        "!has(self.activationValue) || has(self.targetValue) || has(self.targetAverageValue)",
        "activationValue %s is of a trigger that has no target: set a target, or activationValue of the formula that reads it",
        &["self.activationValue"],
    )
    .field_path(".activationValue")
}
