//! Questions about metrics.
//!
//! moto 5.2.5 does not speak RPC v2 CBOR, the one protocol of the current SDK. It is asked in the older Query protocol
//! by hand instead; what the numbers come to is compared all the same.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy},
};
use hybridscaler_e2e_aws::Aws;

use super::Moto;
use crate::clients::{config, raw};

const STATISTICS: [&str; 5] = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"];

/// Minutes ago and value of each datum.
const DATA: [(u64, f64); 4] = [(3, 10.0), (3, 30.0), (2, 7.5), (1, 65.0)];

/// The start of this minute, in Unix seconds.
fn this_minute() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    now - now % 60
}

fn date(second: u64) -> DateTime {
    (SystemTime::UNIX_EPOCH + Duration::from_secs(second)).into()
}

/// The values of every statistic, oldest first, as the model gives them.
async fn ask_model(aws: &Aws, minute: u64) -> Vec<Vec<f64>> {
    let client = Client::new(&config(aws.endpoint()));
    for (ago, value) in DATA {
        let datum = MetricDatum::builder().metric_name("depth").value(value).timestamp(date(minute - ago * 60)).build();
        client.put_metric_data().namespace("app").metric_data(datum).send().await.unwrap();
    }
    let metric = Metric::builder().namespace("app").metric_name("depth").build();
    let query = |stat: &str| {
        let stat = MetricStat::builder().metric(metric.clone()).period(60).stat(stat).build();
        MetricDataQuery::builder().id("q").metric_stat(stat).build()
    };
    let mut values = Vec::new();
    for stat in STATISTICS {
        let get = client.get_metric_data().metric_data_queries(query(stat)).scan_by(ScanBy::TimestampAscending);
        let answer = get.start_time(date(minute - 300)).end_time(date(minute)).send().await.unwrap();
        values.push(answer.metric_data_results()[0].values().to_vec());
    }
    values
}

/// The same as moto gives them.
async fn ask_moto(moto: &Moto, minute: u64) -> Vec<Vec<f64>> {
    for (ago, value) in DATA {
        let datum = format!("MetricName=depth&MetricData.member.1.Value={value}");
        let date = date(minute - ago * 60);
        let form = format!("Namespace=app&MetricData.member.1.{datum}&MetricData.member.1.Timestamp={date}");
        query(moto, "PutMetricData", &form).await;
    }
    let (start, end) = (date(minute - 300), date(minute));
    let mut values = Vec::new();
    for stat in STATISTICS {
        let of = "MetricDataQueries.member.1";
        let form = format!(
            "StartTime={start}&EndTime={end}&ScanBy=TimestampAscending&{of}.Id=q&{of}.MetricStat.Period=60&\
             {of}.MetricStat.Stat={stat}&{of}.MetricStat.Metric.Namespace=app&{of}.MetricStat.Metric.MetricName=depth"
        );
        let answer = query(moto, "GetMetricData", &form).await;
        let (_, rest) = answer.split_once("<Values>").unwrap_or_else(|| panic!("no values in {answer}"));
        let list = rest.split_once("</Values>").unwrap().0;
        let members = list.split("<member>").skip(1).map(|it| it.split_once("</member>").unwrap().0.parse().unwrap());
        values.push(members.collect());
    }
    values
}

async fn query(moto: &Moto, action: &str, form: &str) -> String {
    let request = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\nauthorization: \
                   AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/monitoring/aws4_request, SignedHeaders=host, \
                   Signature=0";
    let answer = raw(&moto.endpoint, request, &format!("Action={action}&Version=2010-08-01&{form}")).await;
    assert!(answer.lines().next().unwrap().contains(" 200 "), "{action}: {answer}");
    answer
}

#[tokio::test]
async fn moto_comes_to_the_same_numbers_in_the_protocol_it_speaks() {
    let (moto, aws) = (Moto::start(), Aws::start().await.unwrap());
    let client = Client::new(&config(&moto.endpoint));
    let status = client.list_metrics().send().await.unwrap_err().raw_response().map(|it| it.status().as_u16());
    assert_eq!(status, Some(404), "moto seems to speak RPC v2 CBOR now: ask it through the SDK as the other services");
    let minute = this_minute();
    let ours = ask_model(&aws, minute).await;
    assert_eq!(ours, ask_moto(&moto, minute).await);
    assert_eq!(ours[0], [20.0, 7.5, 65.0]);
}
