#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod requests;

use hybridscaler_core::reading::{Phase, Ready};
use serde_json::{Value, json};

use super::*;
use crate::{
    api::rbac::ServiceAccount,
    kubernetes::fake::{Fake, list, refusal},
};

const SCALE: &str = "GET /apis/apps/v1/namespaces/shop/deployments/web/scale";
const METRICS: &str = "GET /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";
const PODS: &str = "GET /api/v1/namespaces/shop/pods";

fn cpu(compared: Compared) -> PodCpu {
    let [namespace, api_version, kind, name] = ["shop", "apps/v1", "Deployment", "web"].map(str::to_owned);
    PodCpu { workload: WorkloadRef { namespace, api_version, kind, name }, compared }
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"containers": [
            {"name": "app", "resources": {"requests": {"cpu": "500m"}}},
            {"name": "proxy", "resources": {"requests": {"cpu": "0.1"}}},
        ]},
        "status": {
            "phase": "Running",
            "startTime": "2026-11-23T11:00:00Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T11:00:30Z"}],
        },
    })
}

/// `cpu` of each container, sampled at a time of the day.
fn sample(pod: &str, time: &str, cpu: &[&str]) -> Value {
    let containers: Vec<_> =
        cpu.iter().map(|cpu| json!({"name": "c", "usage": {"cpu": cpu, "memory": "64Mi"}})).collect();
    json!({
        "metadata": {"name": pod}, "timestamp": format!("2026-11-23T{time}Z"), "window": "1m0.5s",
        "containers": containers,
    })
}

/// The API server of a Deployment with two pods.
fn api_server(line: &str) -> (u16, Value) {
    match line {
        "GET /apis/apps/v1" => {
            let kind =
                |name, kind| json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": []});
            let resources =
                [kind("deployments", "Deployment"), kind("deployments/scale", "Scale"), kind("leases", "Lease")];
            (200, json!({"groupVersion": "apps/v1", "resources": resources}))
        }
        SCALE => {
            (200, json!({"metadata": {}, "spec": {"replicas": 2}, "status": {"replicas": 2, "selector": "app=web"}}))
        }
        METRICS => list(&[
            sample("web-2", "12:00:10", &["2", "0"]),
            sample("web-1", "12:00:05", &["250000001n", "1m"]),
            sample("gone", "09:00:00", &["9"]),
        ]),
        PODS => list(&[pod("web-1"), pod("web-2")]),
        line => refusal(404, "NotFound", line),
    }
}

/// What is read when `line` is answered so, and all else as ever.
async fn read_with(line: &'static str, answer: (u16, Value)) -> Reading {
    let fake = Fake::new(move |asked, _| Some(if asked == line { answer.clone() } else { api_server(asked) }));
    read_from(&fake, Compared::WithRequests).await
}

async fn read_from(fake: &Fake, compared: Compared) -> Reading {
    let account = ServiceAccount { namespace: "ops".to_owned(), name: "scaler".to_owned() };
    read(&cpu(compared), &Cluster::new(fake.client.clone(), account)).await
}

fn pods_of(reading: &Reading) -> &[Pod] {
    match reading {
        Reading::Known { load: Load::Pods { pods, .. }, .. } => pods,
        other => unreachable!("{other:?}"),
    }
}

fn unknown(reading: &Reading) -> (Unknown, &str) {
    match reading {
        Reading::Unknown(unread) => (unread.why, &unread.message),
        known @ Reading::Known { .. } => unreachable!("{known:?}"),
    }
}

#[tokio::test]
async fn each_pod_comes_with_its_use_its_requests_and_its_readiness() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    let reading = read_from(&fake, Compared::WithRequests).await;
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let window = SignedDuration::from_millis(60_500);
    let pod = |milli, at| Pod {
        phase: Phase::Running,
        deleting: false,
        started: Some(time("2026-11-23T11:00:00Z")),
        ready: Some(Ready { ready: true, since: time("2026-11-23T11:00:30Z") }),
        request_milli: Some(600),
        usage: Some(Usage { milli, at: time(at), window }),
    };
    let pods = [pod(252, "2026-11-23T12:00:05Z"), pod(2000, "2026-11-23T12:00:10Z")];
    let load = Load::Pods { resource: Resource::Cpu, pods: Arc::from(pods) };
    // As old as the oldest sample of a pod that is there.
    assert_eq!(reading, Reading::Known { load, at: time("2026-11-23T12:00:05Z") });
    let selected = |path: &str| {
        fake.asked().iter().any(|(line, _)| line.starts_with(path) && line.contains("labelSelector=app%3Dweb"))
    };
    assert!(selected(METRICS) && selected(PODS), "{:?}", fake.asked());
}

#[tokio::test]
async fn a_workload_that_was_replaced_is_read_by_its_new_selector() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let fake = Fake::new(move |line, _| {
        let (status, mut answer) = api_server(line);
        if line == SCALE && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            answer["status"]["selector"] = json!("app=new");
        }
        Some((status, answer))
    });
    let account = ServiceAccount { namespace: "ops".to_owned(), name: "scaler".to_owned() };
    let cluster = Cluster::new(fake.client.clone(), account);
    read(&cpu(Compared::WithAmount), &cluster).await;
    read(&cpu(Compared::WithAmount), &cluster).await;
    assert_eq!((fake.count("app%3Dweb"), fake.count("app%3Dnew")), (2, 2));
}

#[tokio::test]
async fn a_pod_that_is_not_sampled_whole_has_no_use() {
    let partly = json!({
        "metadata": {"name": "web-2"}, "timestamp": "2026-11-23T12:00:00Z", "window": "30s",
        "containers": [{"name": "app", "usage": {"cpu": "1"}}, {"name": "proxy", "usage": {"memory": "1Mi"}}],
    });
    for samples in [vec![], vec![partly], vec![sample("web-2", "12:00:00", &[])]] {
        let samples = [vec![sample("web-1", "12:00:05", &["1"])], samples].concat();
        let reading = read_with(METRICS, list(&samples)).await;
        let used: Vec<_> = pods_of(&reading).iter().map(|pod| pod.usage.map(|usage| usage.milli)).collect();
        assert_eq!(used, [Some(1000), None]);
    }
}

#[tokio::test]
async fn a_pod_on_its_way_out_makes_the_reading_no_older() {
    let mut leaving = pod("web-0");
    leaving["metadata"]["deletionTimestamp"] = json!("2026-11-23T12:00:00Z");
    let pods = list(&[leaving, pod("web-1")]);
    let fake = Fake::new(move |line, _| match line {
        PODS => Some(pods.clone()),
        METRICS => Some(list(&[sample("web-0", "11:00:00", &["1"]), sample("web-1", "12:00:05", &["1"])])),
        line => Some(api_server(line)),
    });
    let reading = read_from(&fake, Compared::WithRequests).await;
    let expected = "2026-11-23T12:00:05Z".parse::<Timestamp>().unwrap();
    assert!(matches!(reading, Reading::Known { at, .. } if at == expected), "{reading:?}");
    assert_eq!(pods_of(&reading).len(), 2);
}

#[tokio::test]
async fn no_sample_of_any_pod_is_empty_and_no_pod_is_known() {
    let reading = read_with(METRICS, list(&[])).await;
    let message = "CPU of the pods of Deployment shop/web: the metrics API has no sample of any of 2 pods yet";
    assert_eq!(unknown(&reading), (Unknown::Empty, message));
    assert_eq!(pods_of(&read_with(PODS, list(&[])).await), []);
}

#[tokio::test]
async fn what_is_no_sample_is_invalid() {
    let mut without_time = sample("web-1", "12:00:00", &["1"]);
    without_time["timestamp"] = Value::Null;
    let mut odd_window = sample("web-1", "12:00:00", &["1"]);
    odd_window["window"] = json!("a while");
    for broken in [without_time, odd_window, sample("web-1", "12:00:00", &["-1"]), sample("web-1", "12:00:00", &["x"])]
    {
        let reading = read_with(METRICS, list(&[broken])).await;
        let (why, message) = unknown(&reading);
        assert_eq!(why, Unknown::Invalid, "{message}");
        assert!(message.contains("metrics of pod web-1"), "{message}");
    }
}

#[tokio::test]
async fn failures_say_what_to_mend() {
    let not_served = read_with(METRICS, (404, json!("404 page not found"))).await;
    let (why, message) = unknown(&not_served);
    assert_eq!(why, Unknown::NotFound);
    assert!(message.ends_with("install metrics-server, or another that serves metrics.k8s.io"), "{message}");

    let words = r#"pods.metrics.k8s.io is forbidden: User "system:serviceaccount:ops:scaler" cannot list resource "pods" in API group "metrics.k8s.io" in the namespace "shop""#;
    let forbidden = read_with(METRICS, refusal(403, "Forbidden", words)).await;
    let (why, message) = unknown(&forbidden);
    assert_eq!(why, Unknown::Forbidden);
    let rule = "  - apiGroups: [\"metrics.k8s.io\"]\n    resources: [pods]\n    verbs: [list]\n";
    assert!(message.contains(rule) && message.contains("namespace: \"shop\""), "{message}");

    let gone = read_with(SCALE, refusal(404, "NotFound", "deployments.apps \"web\" not found")).await;
    assert_eq!(unknown(&gone), (Unknown::NotFound, "Deployment shop/web: deployments.apps \"web\" not found"));
    let unavailable = read_with(METRICS, (503, json!("service unavailable"))).await;
    assert_eq!(unknown(&unavailable).0, Unknown::Unreachable);
    let selectorless = read_with(SCALE, (200, json!({"metadata": {}, "spec": {}, "status": {"replicas": 2}}))).await;
    assert_eq!(unknown(&selectorless).0, Unknown::Invalid);
}

#[tokio::test(start_paused = true)]
async fn a_metrics_api_that_never_answers_is_unreachable_after_five_seconds() {
    let fake = Fake::new(|line, _| (line != METRICS).then(|| api_server(line)));
    let asked = tokio::time::Instant::now();
    let reading = read_from(&fake, Compared::WithRequests).await;
    assert_eq!((unknown(&reading).0, asked.elapsed().as_secs()), (Unknown::Unreachable, 5));
}
