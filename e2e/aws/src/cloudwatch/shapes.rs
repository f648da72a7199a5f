//! What the operations of CloudWatch take and give, in CBOR.
//!
//! Members that the real service requires are optional here, so that their absence gets the service's own error. A
//! member that the model does not know is refused, since ignoring it would promise what is not kept.

use ciborium::tag::Required;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{AwsError, Service, error::Refusal};

/// A date: tag 1, Unix seconds.
pub(super) type Date = Required<f64, 1>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutMetricData {
    pub(super) namespace: Option<String>,
    #[serde(default)]
    pub(super) metric_data: Vec<Datum>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Datum {
    pub(super) metric_name: Option<String>,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
    pub(super) timestamp: Option<Date>,
    pub(super) value: Option<f64>,
    #[serde(default)]
    pub(super) values: Vec<f64>,
    #[serde(default)]
    pub(super) counts: Vec<f64>,
    pub(super) statistic_values: Option<StatisticSet>,
    /// Taken and not kept: a query of the model names no unit.
    #[serde(rename = "Unit")]
    pub(super) _unit: Option<String>,
    pub(super) storage_resolution: Option<i64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StatisticSet {
    pub(super) sample_count: f64,
    pub(super) sum: f64,
    pub(super) minimum: f64,
    pub(super) maximum: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetMetricData {
    #[serde(default)]
    pub(super) metric_data_queries: Vec<Query>,
    pub(super) start_time: Option<Date>,
    pub(super) end_time: Option<Date>,
    pub(super) scan_by: Option<String>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Query {
    pub(super) id: Option<String>,
    pub(super) metric_stat: Option<MetricStat>,
    pub(super) label: Option<String>,
    #[serde(default = "yes")]
    pub(super) return_data: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricStat {
    pub(super) metric: Option<Metric>,
    pub(super) period: Option<i64>,
    pub(super) stat: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Metric {
    pub(super) namespace: String,
    #[serde(rename = "MetricName")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetricData {
    pub(super) metric_data_results: Vec<MetricDataResult>,
    pub(super) messages: [(); 0],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetricDataResult {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) timestamps: Vec<Date>,
    pub(super) values: Vec<f64>,
    pub(super) status_code: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListMetrics {
    pub(super) namespace: Option<String>,
    pub(super) metric_name: Option<String>,
    #[serde(default)]
    pub(super) dimensions: Vec<DimensionFilter>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DimensionFilter {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metrics {
    pub(super) metrics: Vec<Metric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_token: Option<String>,
}

/// Reads an operation's members.
pub(super) fn parse<T: DeserializeOwned>(input: &[u8]) -> Result<T, AwsError> {
    ciborium::from_reader(input).map_err(|error| Refusal::Unreadable(error.to_string()).of(Service::CloudWatch))
}

/// A member that must be there.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T, AwsError> {
    value.ok_or_else(|| {
        AwsError::new("MissingRequiredParameterException", format!("The parameter {name} is required."))
            .query_code("MissingParameter")
    })
}

/// A value `PutMetricData` and `ListMetrics` do not take.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValueException", message).query_code("InvalidParameterValue")
}

/// A query `GetMetricData` does not take.
pub(super) fn invalid_query(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}
