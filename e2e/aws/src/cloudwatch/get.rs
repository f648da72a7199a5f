//! `GetMetricData`.

use std::collections::BTreeSet;

use ciborium::tag::Required;

use super::{
    CloudWatch,
    series::Statistic,
    shapes::{Date, GetMetricData, Metric, MetricData, MetricDataResult, Query, invalid_query},
};
use crate::AwsError;

/// Queries that one call takes at most (API reference of `GetMetricData`).
const MAX_QUERIES: usize = 500;

impl CloudWatch {
    /// A metric nobody reported is no error: its result is complete and has no values.
    pub(super) fn get(&self, input: GetMetricData) -> Result<MetricData, AwsError> {
        let GetMetricData { metric_data_queries: queries, start_time, end_time, scan_by, next_token } = input;
        if next_token.is_some() {
            // Every answer is one page, so that no token was ever given out.
            return Err(AwsError::new("InvalidNextToken", "The next token is invalid."));
        }
        if queries.is_empty() || queries.len() > MAX_QUERIES {
            let n = queries.len();
            return Err(invalid_query(format!("MetricDataQueries must have 1 to {MAX_QUERIES} entries, not {n}.")));
        }
        let required = |name: &str, date: Option<Date>| {
            let date = date.ok_or_else(|| invalid_query(format!("The parameter {name} is required.")))?;
            Ok::<_, AwsError>(super::whole_seconds(date.0))
        };
        let (start, end) = (required("StartTime", start_time)?, required("EndTime", end_time)?);
        if start >= end {
            return Err(invalid_query("The parameter StartTime must be less than the parameter EndTime."));
        }
        let ascending = match scan_by.as_deref() {
            None | Some("TimestampDescending") => false,
            Some("TimestampAscending") => true,
            Some(other) => {
                return Err(invalid_query(format!("The value {other} for parameter ScanBy is invalid.")));
            }
        };
        let checked: Vec<_> = queries.into_iter().map(Checked::read).collect::<Result<_, _>>()?;
        let mut ids = BTreeSet::new();
        if let Some(twice) = checked.iter().find(|query| !ids.insert(&query.id)) {
            return Err(invalid_query(format!(
                "The values for parameter Id in MetricDataQueries are not unique: {}.",
                twice.id
            )));
        }
        let state = self.arrived();
        let result = |query: &Checked| {
            let series = state.series.get(&query.metric);
            let mut values =
                series.map(|series| series.query(start, end, query.period, query.statistic)).unwrap_or_default();
            if !ascending {
                values.reverse();
            }
            let (timestamps, values) = values.into_iter().map(|(second, value)| (date(second), value)).unzip();
            MetricDataResult {
                id: query.id.clone(),
                label: query.label.clone(),
                timestamps,
                values,
                status_code: "Complete",
            }
        };
        let shown = checked.iter().filter(|query| query.return_data);
        Ok(MetricData { metric_data_results: shown.map(result).collect(), messages: [] })
    }
}

/// A query, checked.
struct Checked {
    id: String,
    label: String,
    metric: Metric,
    period: i64,
    statistic: Statistic,
    return_data: bool,
}

impl Checked {
    fn read(query: Query) -> Result<Self, AwsError> {
        let Query { id, metric_stat, label, return_data } = query;
        let id = id.ok_or_else(|| invalid_query("The parameter MetricDataQueries.member.Id is required."))?;
        let mut letters = id.chars();
        let starts_well = letters.next().is_some_and(|first| first.is_ascii_lowercase());
        if !starts_well || id.len() > 255 || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(invalid_query(format!(
                "The value {id} for parameter Id must begin with a lower-case letter and contain letters, digits and \
                 underscores only."
            )));
        }
        let missing = |name: &str| invalid_query(format!("The parameter {name} of query {id} is required."));
        let stat = metric_stat.ok_or_else(|| missing("MetricStat"))?;
        let mut metric = stat.metric.ok_or_else(|| missing("Metric"))?;
        metric.dimensions.sort();
        let period = stat.period.ok_or_else(|| missing("Period"))?;
        if ![1, 5, 10, 20, 30].contains(&period) && (period <= 0 || period % 60 != 0) {
            return Err(invalid_query(format!(
                "The period of query {id} is {period} but must be 1, 5, 10, 20, 30 or a multiple of 60."
            )));
        }
        let name = stat.stat.ok_or_else(|| missing("Stat"))?;
        let statistic = Statistic::parse(&name).ok_or_else(|| {
            invalid_query(format!("The statistic {name} of query {id} is invalid or not modelled, as percentiles are."))
        })?;
        let label = label.unwrap_or_else(|| metric.name.clone());
        Ok(Self { id, label, metric, period, statistic, return_data })
    }
}

/// A whole second as a date. Any second of the model's time is exact in a double.
#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 seconds")]
fn date(second: i64) -> Date {
    Required(second as f64)
}
