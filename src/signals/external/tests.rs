#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;
use crate::{
    api::rbac::ServiceAccount,
    kubernetes::fake::{Fake, refusal},
};

fn metric() -> ExternalMetric {
    let match_labels = [("queue", "orders"), ("team", "a")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    ExternalMetric {
        namespace: "shop".to_owned(),
        name: "requests_per_second".to_owned(),
        match_labels: match_labels.into(),
    }
}

fn cluster(fake: &Fake) -> Cluster {
    Cluster::new(fake.client.clone(), ServiceAccount { namespace: "ops".to_owned(), name: "scaler".to_owned() })
}

/// What a metric is read as whose series have these values, each served at this time of the day.
async fn read_series(series: &'static [(&'static str, &'static str)]) -> Reading {
    let items: Vec<_> = series
        .iter()
        .map(|(value, time)| json!({"metricName": "x", "timestamp": format!("2026-11-23T{time}Z"), "value": value}))
        .collect();
    read_answer(200, json!({"kind": "ExternalMetricValueList", "items": items})).await
}

async fn read_answer(status: u16, answer: serde_json::Value) -> Reading {
    let fake = Fake::new(move |_, _| Some((status, answer.clone())));
    read(&metric(), &cluster(&fake)).await
}

fn unknown(reading: &Reading) -> (Unknown, &str) {
    match reading {
        Reading::Unknown(unread) => (unread.why, &unread.message),
        known @ Reading::Known { .. } => unreachable!("{known:?}"),
    }
}

#[tokio::test]
async fn the_series_are_summed_and_as_old_as_the_oldest() {
    let reading = read_series(&[("1500m", "12:00:10"), ("2", "12:00:05"), ("0", "12:00:20")]).await;
    let at = "2026-11-23T12:00:05Z".parse().unwrap();
    assert_eq!(reading, Reading::Known { load: Load::Value { milli: 3500 }, at });
}

#[tokio::test]
async fn a_sum_beyond_counting_is_the_largest_number() {
    let reading = read_series(&[("9E", "12:00:00"), ("99E", "12:00:00"), ("1e25", "12:00:00")]).await;
    assert!(matches!(reading, Reading::Known { load: Load::Value { milli: u64::MAX }, .. }), "{reading:?}");
}

#[tokio::test]
async fn the_metric_is_asked_for_by_name_and_labels_and_neither_can_lead_elsewhere() {
    let path = async |metric: &ExternalMetric| {
        let fake = Fake::new(|_, _| Some((200, json!({"items": []}))));
        read(metric, &cluster(&fake)).await;
        fake.asked().remove(0).0
    };
    let expected = "GET /apis/external.metrics.k8s.io/v1beta1/namespaces/shop/requests_per_second?labelSelector=queue%3Dorders%2Cteam%3Da";
    assert_eq!(path(&metric()).await, expected);
    let odd = ExternalMetric { name: "../a|b?x#y".to_owned(), match_labels: BTreeMap::new(), ..metric() };
    let expected = "GET /apis/external.metrics.k8s.io/v1beta1/namespaces/shop/..%2Fa%7Cb%3Fx%23y?labelSelector=";
    assert_eq!(path(&odd).await, expected);
}

#[tokio::test]
async fn no_series_is_empty_and_not_zero() {
    let reading = read_series(&[]).await;
    let message = "external metric requests_per_second in shop with queue=orders, team=a: no series match; check the selector's matchLabels";
    assert_eq!(unknown(&reading), (Unknown::Empty, message));
}

#[tokio::test]
async fn what_is_no_amount_is_invalid() {
    for series in [&[("5", "12:00:00"), ("-1m", "12:00:00")][..], &[("many", "12:00:00")], &[("", "12:00:00")]] {
        let reading = read_series(series).await;
        assert_eq!(unknown(&reading).0, Unknown::Invalid, "{reading:?}");
    }
    let without_time = json!({"items": [{"metricName": "x", "value": "1"}]});
    assert_eq!(unknown(&read_answer(200, without_time).await).0, Unknown::Invalid);
}

#[tokio::test]
async fn failures_say_what_to_mend() {
    let not_served = read_answer(404, json!("404 page not found")).await;
    let (why, message) = unknown(&not_served);
    assert_eq!(why, Unknown::NotFound);
    assert!(
        message.ends_with("check metricName, and that an adapter for external.metrics.k8s.io is installed"),
        "{message}"
    );

    let words = r#"requests_per_second.external.metrics.k8s.io is forbidden: User "system:serviceaccount:ops:scaler" cannot list resource "requests_per_second" in API group "external.metrics.k8s.io" in the namespace "shop""#;
    let (status, answer) = refusal(403, "Forbidden", words);
    let forbidden = read_answer(status, answer).await;
    let (why, message) = unknown(&forbidden);
    assert_eq!(why, Unknown::Forbidden);
    let rule =
        "  - apiGroups: [\"external.metrics.k8s.io\"]\n    resources: [requests_per_second]\n    verbs: [list]\n";
    assert!(message.contains(rule), "{message}");

    for (code, expected) in [(429, Unknown::Throttled), (503, Unknown::Unreachable)] {
        let (status, answer) = refusal(code, "Busy", "its words");
        let reading = read_answer(status, answer).await;
        assert_eq!(unknown(&reading).0, expected);
    }
}
