//! A Deployment that follows the metrics APIs of its cluster.

use hybridscaler::api::HybridScaler;
use hybridscaler_e2e::bed::metrics_apis::MetricsApis;

use super::world::{World, condition};

/// Polls in a row that must fail before nothing is expected of the next one.
const FAILED_POLLS: u64 = 3;

const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: none, resources: {requests: {cpu: 500m}}}]}
---
apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata: {name: web}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 20
  pollIntervalSeconds: 1
  triggers:
    - {name: cpu, cpu: {targetUtilization: 50}}
    - name: requests
      external:
        metricName: requests_per_second
        selector: {matchLabels: {app: web}}
        targetAverageValue: "100"
  behavior: {scaleUp: {cooldownSeconds: 0}, scaleDown: {cooldownSeconds: 0}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_follows_its_pods_cpu_and_an_external_metric_and_stays_when_neither_is_told() {
    let world = World::enter("metrics").await;
    world.apply(WEB).await;
    let without = world.scaler("web", |scaler| reasons(scaler) == [Some("NotFound"), Some("NotFound")]).await;
    let mends: Vec<_> =
        without.status.iter().flat_map(|status| &status.triggers).filter_map(|t| t.value.as_ref()).collect();
    assert!(mends.iter().all(|mend| mend.contains("install")), "{mends:#?}");

    let apis = MetricsApis::start(&world.bed).await.unwrap();
    // 250m a pod is half of what it requests; what belongs to others does not count.
    apis.set_cpu(500);
    apis.set_external("requests_per_second", &[("app", "web"), ("zone", "a")], "150");
    apis.set_external("requests_per_second", &[("app", "shop")], "5k");
    let steady = world.scaler("web", |scaler| proposals(scaler) == [Some(2), Some(2)]).await;
    assert_eq!(condition(&steady, "ScalingActive"), "ScalingActive=True/AsExpected", "{:#?}", steady.status);

    // 2000m is 200 % of what two pods request: 8 pods use half of theirs.
    apis.set_cpu(2_000);
    world.ready("web", 8).await;
    explained(&world, 8, "cpu").await;
    // 1,100 requests a second of two series are 11 pods' share.
    apis.set_external("requests_per_second", &[("app", "web"), ("zone", "b")], "950500m");
    world.ready("web", 12).await;
    explained(&world, 12, "requests").await;

    // What is not told is unknown, not zero: nothing says that fewer would do.
    apis.set_away(true);
    let silent = world.scaler("web", |scaler| proposals(scaler) == [None, None]).await;
    assert_eq!(reasons(&silent), [Some("Unreachable"); 2], "{:#?}", silent.status);
    assert_eq!(condition(&silent, "ScalingActive"), "ScalingActive=False/Unreachable");
    apis.set_cpu(0);
    apis.set_external("requests_per_second", &[("app", "web"), ("zone", "a")], "0");
    apis.set_external("requests_per_second", &[("app", "web"), ("zone", "b")], "0");
    failed_polls(&world, FAILED_POLLS).await;
    world.ready("web", 12).await;

    apis.set_away(false);
    world.ready("web", 2).await;
    apis.remove().await.unwrap();
}

/// Why each trigger is unknown, in their order; none where it is known.
fn reasons(scaler: &HybridScaler) -> Vec<Option<&str>> {
    scaler.status.iter().flat_map(|status| &status.triggers).map(|trigger| trigger.reason.as_deref()).collect()
}

/// What each trigger asks for, in their order; none where it is unknown.
fn proposals(scaler: &HybridScaler) -> Vec<Option<u32>> {
    scaler.status.iter().flat_map(|status| &status.triggers).map(|trigger| trigger.proposal).collect()
}

/// Waits until the status explains `replicas` by the trigger `winner`.
async fn explained(world: &World, replicas: u32, winner: &str) {
    let largest = format!("{winner}: wants {replicas}, the largest");
    let explains = |scaler: &HybridScaler| {
        let text = scaler.status.as_ref().and_then(|status| status.explanation.as_deref());
        text.is_some_and(|text| text.contains(&largest))
    };
    world.scaler("web", explains).await;
}

/// Waits until each source has failed to answer so many more times.
async fn failed_polls(world: &World, more: u64) {
    let failures = async || {
        let metrics = world.operator.as_ref().unwrap().metrics().await.unwrap();
        ["pod_cpu", "external"].map(|source| {
            let line = format!(r#"hybridscaler_source_requests_total{{outcome="Unreachable",source="{source}"}} "#);
            metrics.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok()).unwrap_or(0_u64)
        })
    };
    let before = failures().await;
    let enough = |now: [u64; 2]| now.iter().zip(before).all(|(now, before)| *now >= before + more);
    let in_time = tokio::time::timeout(std::time::Duration::from_mins(1), async {
        while !enough(failures().await) {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    assert!(in_time.await.is_ok(), "the polls do not fail");
}
