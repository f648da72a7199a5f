//! `CloudWatch` through its SDK, in RPC v2 CBOR.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::{
    Client,
    operation::put_metric_data::PutMetricDataError,
    primitives::DateTime,
    types::{
        Dimension, DimensionFilter, Metric, MetricDataQuery, MetricDataResult, MetricDatum, MetricStat, ScanBy,
        StandardUnit, StatisticSet, StatusCode,
    },
};
use hybridscaler_e2e_aws::Aws;

use crate::clients::{code, config, pass, refusal};

async fn cloudwatch() -> (Aws, Client) {
    let aws = Aws::start().await.unwrap();
    let client = Client::new(&config(aws.endpoint()));
    (aws, client)
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

fn metric(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Metric {
    let dimensions = dimensions.iter().map(|(name, value)| dimension(name, value)).collect();
    Metric::builder().namespace(namespace).metric_name(name).set_dimensions(Some(dimensions)).build()
}

fn query(id: &str, metric: Metric, period: i32, stat: &str) -> MetricDataQuery {
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

fn cpu(id: &str) -> MetricDataQuery {
    // The order of dimensions does not matter.
    let dimensions = [("ServiceName", "core-api"), ("ClusterName", "prod")];
    query(id, metric("AWS/ECS", "CPUUtilization", &dimensions), 60, "Average")
}

/// Ten minutes before and after now: the model's time, which tests move on, is a few ahead of the system's.
fn window() -> (DateTime, DateTime) {
    let (now, span) = (SystemTime::now(), Duration::from_mins(10));
    ((now - span).into(), (now + span).into())
}

/// Moves the model on to the start of a minute, so that what follows at once falls into one.
async fn next_minute() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    pass(Duration::from_secs(60 - now.as_secs() % 60)).await;
}

async fn get(client: &Client, queries: Vec<MetricDataQuery>, scan_by: ScanBy) -> Vec<MetricDataResult> {
    let (start, end) = window();
    let get = client.get_metric_data().set_metric_data_queries(Some(queries)).start_time(start).end_time(end);
    get.scan_by(scan_by).send().await.unwrap().metric_data_results.unwrap()
}

#[tokio::test]
async fn the_cpu_of_a_service_is_reported_by_the_minute() {
    let (aws, client) = cloudwatch().await;
    next_minute().await;
    aws.cloudwatch().report_cpu("prod", "core-api", 60.0);
    aws.cloudwatch().report_cpu("prod", "core-api", 80.0);
    pass(Duration::from_mins(1)).await;
    aws.cloudwatch().report_cpu("prod", "core-api", 65.5);
    let result = get(&client, vec![cpu("cpu")], ScanBy::TimestampAscending).await.remove(0);
    assert_eq!(result.values(), [70.0, 65.5]);
    assert_eq!((result.id(), result.label()), (Some("cpu"), Some("CPUUtilization")));
    assert_eq!(result.status_code(), Some(&StatusCode::Complete));
    let seconds: Vec<_> = result.timestamps().iter().map(DateTime::secs).collect();
    assert_eq!((seconds[0] % 60, seconds[1] - seconds[0]), (0, 60));
    let newest_first = get(&client, vec![cpu("cpu")], ScanBy::TimestampDescending).await.remove(0);
    assert_eq!(newest_first.values(), [65.5, 70.0]);
}

#[tokio::test]
async fn a_metric_nobody_reported_is_complete_and_empty() {
    let (_aws, client) = cloudwatch().await;
    let result = get(&client, vec![cpu("cpu")], ScanBy::TimestampDescending).await.remove(0);
    assert_eq!((result.values(), result.timestamps()), (&[][..], &[][..]));
    assert_eq!(result.status_code(), Some(&StatusCode::Complete));
}

#[tokio::test]
async fn data_is_seen_after_the_delivery_delay() {
    let (aws, client) = cloudwatch().await;
    aws.cloudwatch().set_delivery_delay(Duration::from_mins(2));
    aws.cloudwatch().report_cpu("prod", "core-api", 65.0);
    pass(Duration::from_secs(119)).await;
    assert!(get(&client, vec![cpu("cpu")], ScanBy::TimestampDescending).await[0].values().is_empty());
    pass(Duration::from_secs(1)).await;
    assert_eq!(get(&client, vec![cpu("cpu")], ScanBy::TimestampDescending).await[0].values(), [65.0]);
}

#[tokio::test]
async fn every_form_of_datum_is_summed_up_in_every_statistic() {
    let (_aws, client) = cloudwatch().await;
    let minute = SystemTime::now() - Duration::from_mins(2);
    let datum = || {
        let datum = MetricDatum::builder().metric_name("depth").timestamp(minute.into()).unit(StandardUnit::Count);
        datum.dimensions(dimension("zone", "a")).dimensions(dimension("queue", "orders"))
    };
    let statistics = StatisticSet::builder().sample_count(2.0).sum(30.0).minimum(10.0).maximum(20.0).build();
    let data = vec![
        datum().value(5.0).build(),
        datum().set_values(Some(vec![1.0, 3.0])).set_counts(Some(vec![1.0, 2.0])).build(),
        datum().statistic_values(statistics).build(),
    ];
    client.put_metric_data().namespace("app").set_metric_data(Some(data)).send().await.unwrap();
    let depth = || metric("app", "depth", &[("queue", "orders"), ("zone", "a")]);
    let expected = [("SampleCount", 6.0), ("Sum", 42.0), ("Average", 7.0), ("Minimum", 1.0), ("Maximum", 20.0)];
    let queries = expected.iter().map(|(stat, _)| query(&stat.to_lowercase(), depth(), 60, stat)).collect();
    let results = get(&client, queries, ScanBy::TimestampDescending).await;
    for ((stat, value), result) in expected.iter().zip(results) {
        assert_eq!(result.values(), [*value], "{stat}");
    }
}

#[tokio::test]
async fn a_large_request_comes_compressed_and_a_query_may_hide_or_name_its_result() {
    let (_aws, client) = cloudwatch().await;
    let data = (0..500).map(|i| MetricDatum::builder().metric_name(format!("metric-{i}")).value(f64::from(i)).build());
    client.put_metric_data().namespace("app").set_metric_data(Some(data.collect())).send().await.unwrap();
    let of = |i: i32| query(&format!("m{i}"), metric("app", &format!("metric-{i}"), &[]), 60, "Sum");
    let mut queries: Vec<_> = (0..500).map(of).collect();
    queries[0].return_data = Some(false);
    queries[1].label = Some("first".to_owned());
    let results = get(&client, queries, ScanBy::TimestampDescending).await;
    assert_eq!(results.len(), 499);
    assert_eq!((results[0].label(), results[0].values()), (Some("first"), &[1.0][..]));
    assert_eq!(results[498].values(), [499.0]);
}

#[tokio::test]
async fn metrics_are_listed_by_namespace_name_and_dimensions() {
    let (aws, client) = cloudwatch().await;
    aws.cloudwatch().report_cpu("prod", "core-api", 65.0);
    aws.cloudwatch().report_cpu("prod", "worker", 65.0);
    let data = (0..501).map(|i| MetricDatum::builder().metric_name(format!("m{i}")).value(1.0).build()).collect();
    client.put_metric_data().namespace("app").set_metric_data(Some(data)).send().await.unwrap();
    let list = || client.list_metrics();
    let filter = DimensionFilter::builder().name("ServiceName").value("core-api").build();
    let found = list().namespace("AWS/ECS").metric_name("CPUUtilization").dimensions(filter).send().await.unwrap();
    assert_eq!(found.metrics().len(), 1);
    assert_eq!(
        found.metrics()[0].dimensions(),
        [dimension("ClusterName", "prod"), dimension("ServiceName", "core-api")]
    );
    let any = DimensionFilter::builder().name("ServiceName").build();
    assert_eq!(list().dimensions(any).send().await.unwrap().metrics().len(), 2);
    let mut pages = list().into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().metrics().len());
    }
    assert_eq!(sizes, [500, 3]);
    assert_eq!(code(list().next_token("nonsense").send().await), "InvalidParameterValue");
}

#[tokio::test]
async fn a_wrong_query_is_a_validation_error() {
    let (_aws, client) = cloudwatch().await;
    let (start, end) = window();
    let send = |queries: Vec<MetricDataQuery>| {
        client.get_metric_data().set_metric_data_queries(Some(queries)).start_time(start).end_time(end).send()
    };
    let cpu_with = |period, stat: &str| query("q", metric("AWS/ECS", "CPUUtilization", &[]), period, stat);
    let expression = MetricDataQuery::builder().id("q").label("no metric").build();
    let refusals = [
        code(send(vec![]).await),
        code(send((0..501).map(|i| cpu(&format!("q{i}"))).collect()).await),
        code(send(vec![cpu("Upper")]).await),
        code(send(vec![cpu("a-b")]).await),
        code(send(vec![cpu("q"), cpu("q")]).await),
        code(send(vec![cpu_with(90, "Average")]).await),
        code(send(vec![cpu_with(0, "Average")]).await),
        code(send(vec![cpu_with(60, "p99")]).await),
        code(send(vec![expression]).await),
        code(client.get_metric_data().metric_data_queries(cpu("q")).start_time(end).end_time(start).send().await),
        code(client.get_metric_data().metric_data_queries(cpu("q")).end_time(end).send().await),
    ];
    assert_eq!(refusals, ["ValidationError"; 11]);
    let next = client.get_metric_data().metric_data_queries(cpu("q")).start_time(start).end_time(end).next_token("x");
    assert_eq!(code(next.send().await), "InvalidNextToken");
}

#[tokio::test]
async fn a_wrong_datum_keeps_the_whole_request_out() {
    let (_aws, client) = cloudwatch().await;
    let put = |datum: MetricDatum| {
        let good = MetricDatum::builder().metric_name("good").value(1.0).build();
        client.put_metric_data().namespace("app").metric_data(good).metric_data(datum).send()
    };
    let datum = || MetricDatum::builder().metric_name("bad");
    let long_ago = SystemTime::now() - Duration::from_hours(360);
    for (datum, expected) in [
        (datum().build(), "InvalidParameterCombination"),
        (datum().value(1.0).set_values(Some(vec![1.0])).build(), "InvalidParameterCombination"),
        (datum().value(f64::NAN).build(), "InvalidParameterValue"),
        (datum().value(1.0).timestamp(long_ago.into()).build(), "InvalidParameterValue"),
        (datum().value(1.0).storage_resolution(30).build(), "InvalidParameterValue"),
        (datum().set_values(Some(vec![1.0, 2.0])).set_counts(Some(vec![1.0])).build(), "InvalidParameterValue"),
        (MetricDatum::builder().value(1.0).build(), "MissingParameter"),
    ] {
        assert_eq!(code(put(datum).await), expected);
    }
    assert_eq!(client.list_metrics().send().await.unwrap().metrics().len(), 0);
    let reserved = client.put_metric_data().namespace("AWS/ECS").metric_data(datum().value(1.0).build()).send().await;
    let error = reserved.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let error = error.into_service_error();
    assert!(
        matches!(error, PutMetricDataError::InvalidParameterValueException(_)),
        "the SDK knows the type: {error:?}"
    );
    let (code, message) = refusal(client.put_metric_data().namespace("app").send().await);
    assert_eq!(code, "MissingParameter");
    assert!(message.contains("MetricData"), "{message}");
}
