//! The CPU of an ECS service: the newest whole minute of `AWS/ECS CPUUtilization`, the mean over its tasks in percent
//! of what they reserve, from CloudWatch's `GetMetricData`.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode},
};
use hybridscaler_core::reading::{Load, Reading, Unknown};
use jiff::Timestamp;

use crate::aws::{Aws, Failure, Permission, Service};

/// ECS publishes its service metrics once a minute.
const PERIOD_SECONDS: i32 = 60;
/// How far back a value is looked for: as far as the longest age that a trigger may accept. What is older counts as no
/// value.
const LOOK_BACK_SECONDS: i64 = 3600;

pub(super) async fn read(service: &Service, aws: &Aws) -> Reading {
    let cloudwatch = aws.clients(&service.access).await.cloudwatch;
    let now = Timestamp::now();
    let request = cloudwatch
        .get_metric_data()
        .metric_data_queries(query(service))
        .start_time(DateTime::from_secs(now.as_second() - LOOK_BACK_SECONDS))
        .end_time(DateTime::from_secs(now.as_second()))
        .scan_by(ScanBy::TimestampDescending);
    match request.send().await {
        Ok(answer) => of_results(answer.metric_data_results(), service, now),
        Err(error) => {
            // IAM knows no narrower resource for this action.
            let needs = Permission { action: "cloudwatch:GetMetricData", resource: "*".to_owned() };
            Failure::of(&error, &needs, &service.access).into()
        }
    }
}

fn query(service: &Service) -> MetricDataQuery {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder()
        .namespace("AWS/ECS")
        .metric_name("CPUUtilization")
        .dimensions(dimension("ClusterName", service.cluster_name()))
        .dimensions(dimension("ServiceName", service.short_name()))
        .build();
    let stat = MetricStat::builder().metric(metric).period(PERIOD_SECONDS).stat("Average").build();
    MetricDataQuery::builder().id("cpu").metric_stat(stat).build()
}

fn of_results(results: &[MetricDataResult], service: &Service, now: Timestamp) -> Reading {
    let unknown = |why, what: &str| {
        let (cluster, service) = (service.cluster_name(), service.short_name());
        Reading::unknown(why, format!("CPUUtilization of ECS service {cluster}/{service}: {what}"))
    };
    let Some(result) = results.first() else {
        return unknown(Unknown::Empty, "CloudWatch answered without a result");
    };
    match &result.status_code {
        Some(StatusCode::Complete) => {}
        Some(StatusCode::Forbidden) => {
            return unknown(Unknown::Forbidden, "CloudWatch refuses this metric");
        }
        Some(StatusCode::InternalError) => {
            return unknown(Unknown::Unreachable, "CloudWatch had an internal error");
        }
        Some(StatusCode::PartialData) => {
            return unknown(Unknown::Invalid, "CloudWatch answered with a part only");
        }
        other => {
            return unknown(Unknown::Invalid, &format!("CloudWatch answered with the status {other:?}"));
        }
    }
    let newest = result.timestamps().iter().zip(result.values()).filter_map(|(start, percent)| {
        let end = Timestamp::from_second(start.secs().checked_add(PERIOD_SECONDS.into())?).ok()?;
        (end <= now).then_some((end, *percent))
    });
    match newest.max_by_key(|(end, _)| *end) {
        None => unknown(Unknown::Empty, "CloudWatch has no value of a whole minute in the last hour"),
        Some((at, percent)) if percent.is_finite() && percent >= 0.0 => {
            Reading::Known { load: Load::Utilization { percent }, at }
        }
        Some((_, percent)) => unknown(Unknown::Invalid, &format!("{percent} is not a percentage")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::aws::fake::access;

    /// 12:00:30 of some day.
    const NOW: i64 = 1_700_000_000 / 86_400 * 86_400 + 43_230;

    fn result(values: &[(i64, f64)]) -> MetricDataResult {
        let (timestamps, values): (Vec<_>, Vec<_>) =
            values.iter().map(|&(at, value)| (DateTime::from_secs(at), value)).unzip();
        MetricDataResult::builder()
            .status_code(StatusCode::Complete)
            .set_timestamps(Some(timestamps))
            .set_values(Some(values))
            .build()
    }

    fn read(results: &[MetricDataResult]) -> Reading {
        let service = Service { cluster: "prod".to_owned(), name: "core-api".to_owned(), access: access() };
        of_results(results, &service, Timestamp::from_second(NOW).unwrap())
    }

    fn why(results: &[MetricDataResult]) -> Option<Unknown> {
        match read(results) {
            Reading::Known { .. } => None,
            Reading::Unknown(unread) => Some(unread.why),
        }
    }

    #[test]
    fn the_newest_whole_minute_counts_and_its_end_is_its_time() {
        let minute = |start| NOW - 30 + start;
        let values = [(minute(0), 99.0), (minute(-60), 65.5), (minute(-120), 40.0)];
        let known = Reading::Known {
            load: Load::Utilization { percent: 65.5 },
            at: Timestamp::from_second(minute(0)).unwrap(),
        };
        assert_eq!(read(&[result(&values)]), known);
        let reversed: Vec<_> = values.into_iter().rev().collect();
        assert_eq!(read(&[result(&reversed)]), known);
    }

    #[test]
    fn no_value_is_empty_and_not_zero() {
        assert_eq!(why(&[]), Some(Unknown::Empty));
        assert_eq!(why(&[result(&[])]), Some(Unknown::Empty));
        assert_eq!(why(&[result(&[(NOW - 30, 50.0)])]), Some(Unknown::Empty), "the minute is not over yet");
    }

    #[test]
    fn what_is_not_a_percentage_is_invalid() {
        for value in [f64::NAN, f64::INFINITY, -0.5] {
            assert_eq!(why(&[result(&[(NOW - 90, value)])]), Some(Unknown::Invalid), "{value}");
        }
        assert_eq!(why(&[result(&[(NOW - 90, 0.0)])]), None);
        assert_eq!(why(&[result(&[(NOW - 90, 250.0)])]), None, "tasks may use more than they reserve");
    }

    #[test]
    fn only_a_complete_answer_is_believed() {
        let with = |status: Option<StatusCode>| {
            let mut result = result(&[(NOW - 90, 50.0)]);
            result.status_code = status;
            why(&[result])
        };
        assert_eq!(with(Some(StatusCode::Complete)), None);
        assert_eq!(with(Some(StatusCode::PartialData)), Some(Unknown::Invalid));
        assert_eq!(with(Some(StatusCode::InternalError)), Some(Unknown::Unreachable));
        assert_eq!(with(Some(StatusCode::Forbidden)), Some(Unknown::Forbidden));
        assert_eq!(with(Some(StatusCode::from("Invented"))), Some(Unknown::Invalid));
        assert_eq!(with(None), Some(Unknown::Invalid));
    }

    #[test]
    fn the_query_names_cluster_and_service_without_their_arns() {
        let query = query(&Service {
            cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/prod".to_owned(),
            name: "arn:aws:ecs:eu-west-1:123456789012:service/prod/core-api".to_owned(),
            access: access(),
        });
        let dimensions = query.metric_stat.unwrap().metric.unwrap().dimensions.unwrap();
        let dimensions: Vec<_> = dimensions.into_iter().map(|dimension| (dimension.name, dimension.value)).collect();
        let named = |name: &str, value: &str| (Some(name.to_owned()), Some(value.to_owned()));
        assert_eq!(dimensions, [named("ClusterName", "prod"), named("ServiceName", "core-api")]);
    }
}
