//! `PutMetricData`.

use tokio::time::Instant;

use super::{
    CloudWatch,
    series::Point,
    shapes::{Datum, Metric, PutMetricData, StatisticSet, invalid, required},
};
use crate::AwsError;

/// Data that one call takes at most (API reference of `PutMetricData`).
const MAX_DATA: usize = 1_000;

/// How far from now a datum's date may be, in seconds: two weeks back, two hours ahead (API reference).
const OLDEST: i64 = 14 * 24 * 60 * 60;
const NEWEST: i64 = 2 * 60 * 60;

impl CloudWatch {
    pub(super) fn put(&self, input: PutMetricData) -> Result<Vec<u8>, AwsError> {
        let namespace = required("Namespace", input.namespace)?;
        if namespace.starts_with("AWS/") {
            return Err(invalid("The value AWS/ for parameter Namespace is invalid."));
        }
        let data = required("MetricData", Some(input.metric_data).filter(|data| !data.is_empty()))?;
        if data.len() > MAX_DATA {
            return Err(invalid(format!("The collection MetricData must not have a size greater than {MAX_DATA}.")));
        }
        let now = Instant::now();
        let today = self.0.clock.date(now).as_second();
        // All or none: a datum that is refused keeps the others out.
        let samples: Vec<_> =
            data.into_iter().map(|datum| Sample::read(datum, &namespace, today)).collect::<Result<_, _>>()?;
        let mut state = self.lock();
        let visible = now + state.delivery_delay;
        for Sample { metric, second, resolution, points } in samples {
            let series = state.series.entry(metric).or_default();
            for point in points {
                series.add(second, resolution, point, visible);
            }
        }
        Ok(Vec::new())
    }
}

/// A datum, checked.
struct Sample {
    metric: Metric,
    second: i64,
    resolution: i64,
    points: Vec<Point>,
}

impl Sample {
    fn read(datum: Datum, namespace: &str, today: i64) -> Result<Self, AwsError> {
        let name = required("MetricName", datum.metric_name)?;
        let mut dimensions = datum.dimensions;
        if dimensions.len() > 30 {
            return Err(invalid("The collection Dimensions must not have a size greater than 30."));
        }
        dimensions.sort();
        let second = datum.timestamp.map_or(today, |date| super::whole_seconds(date.0));
        if !(today - OLDEST..=today + NEWEST).contains(&second) {
            return Err(invalid(
                "The parameter Timestamp must be at most two weeks in the past and two hours in the future.",
            ));
        }
        let resolution = datum.storage_resolution.unwrap_or(60);
        if ![1, 60].contains(&resolution) {
            return Err(invalid("The parameter StorageResolution must be 1 or 60."));
        }
        let points = match (datum.value, datum.values.is_empty(), datum.statistic_values) {
            (Some(value), true, None) => vec![Point::of(value, 1.0)],
            (None, false, None) => {
                if !datum.counts.is_empty() && datum.counts.len() != datum.values.len() {
                    return Err(invalid("The parameters Values and Counts must have the same size."));
                }
                let counts = datum.counts.into_iter().chain(std::iter::repeat(1.0));
                datum.values.into_iter().zip(counts).map(|(value, count)| Point::of(value, count)).collect()
            }
            (None, true, Some(StatisticSet { sample_count, sum, minimum, maximum })) => {
                vec![Point { count: sample_count, sum, minimum, maximum }]
            }
            _ => {
                let message = "Exactly one of the parameters Value, Values and StatisticValues must be given.";
                return Err(AwsError::new("InvalidParameterCombinationException", message)
                    .query_code("InvalidParameterCombination"));
            }
        };
        let finite = |point: &Point| {
            [point.count, point.sum, point.minimum, point.maximum].iter().all(|number| number.is_finite())
        };
        if !points.iter().all(|point| finite(point) && point.count > 0.0) {
            return Err(invalid("Values must be finite numbers and counts greater than 0."));
        }
        let metric = Metric { namespace: namespace.to_owned(), name, dimensions };
        Ok(Self { metric, second, resolution, points })
    }
}
