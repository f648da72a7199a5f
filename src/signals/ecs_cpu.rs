//! The CPU of an ECS service: the newest whole minute of `AWS/ECS CPUUtilization`, the mean over its tasks in percent of what they
//! reserve, from CloudWatch's `GetMetricData`.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode},
};
use hybridscaler_core::reading::{Load, Reading, Unknown};
use jiff::Timestamp;

use crate::aws::{Aws, Failure, Permission, Service};

/// ECS publishes its service metrics once a minute.
const PERIOD_SECONDS: i32 = 60;
/// How far back a value is looked for: as far as the longest age that a trigger may accept. What is older counts as no value.
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
            let needs = Permission {
                action: "cloudwatch:GetMetricData",
                resource: "*".to_owned(),
            };
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
    let stat = MetricStat::builder()
        .metric(metric)
        .period(PERIOD_SECONDS)
        .stat("Average")
        .build();
    MetricDataQuery::builder()
        .id("cpu")
        .metric_stat(stat)
        .build()
}

fn of_results(results: &[MetricDataResult], service: &Service, now: Timestamp) -> Reading {
    let unknown = |why, what: &str| {
        let (cluster, service) = (service.cluster_name(), service.short_name());
        Reading::Unknown {
            why,
            message: format!("CPUUtilization of ECS service {cluster}/{service}: {what}"),
        }
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
            return unknown(
                Unknown::Invalid,
                &format!("CloudWatch answered with the status {other:?}"),
            );
        }
    }
    let newest = result
        .timestamps()
        .iter()
        .zip(result.values())
        .filter_map(|(start, percent)| {
            let end =
                Timestamp::from_second(start.secs().checked_add(PERIOD_SECONDS.into())?).ok()?;
            (end <= now).then_some((end, *percent))
        });
    match newest.max_by_key(|(end, _)| *end) {
        None => unknown(
            Unknown::Empty,
            "CloudWatch has no value of a whole minute in the last hour",
        ),
        Some((at, percent)) if percent.is_finite() && percent >= 0.0 => Reading::Known {
            load: Load::Utilization { percent },
            at,
        },
        Some((_, percent)) => unknown(Unknown::Invalid, &format!("{percent} is not a percentage")),
    }
}
