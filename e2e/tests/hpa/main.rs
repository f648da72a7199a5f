//! The HPA's own cases, once through the controller of Kubernetes and once through ours: the same pods, metrics and behavior, and the
//! same number from both.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod case;
mod cases;
mod pod;

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, future::join_all};
use hybridscaler_e2e::bed::{Bed, metrics_apis::MetricsApis};
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus};
use kube::{
    Api, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

/// Many times what it takes, since the machine may be busy with a build.
const PATIENCE: Duration = Duration::from_mins(2);

/// No controller but the one under test: it decides on the counts that the test writes, and nobody acts on what it decides.
const FLAGS: [&str; 3] = [
    "--controllers=horizontal-pod-autoscaler-controller,serviceaccount-controller",
    "--horizontal-pod-autoscaler-sync-period=1s",
    "--horizontal-pod-autoscaler-downscale-stabilization=0s",
];

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// What the HPA decided: once it could read its metric, or without, where the bounds alone tell.
fn decided(status: &HorizontalPodAutoscalerStatus) -> Option<i32> {
    let mut conditions = status.conditions.iter().flatten();
    let decided = conditions.any(|condition| {
        let about = (&*condition.type_, condition.reason.as_deref());
        condition.status == "True" && matches!(about, ("ScalingActive", _) | (_, Some("SucceededRescale")))
    });
    decided.then_some(status.desired_replicas)
}

/// The first decision on each autoscaler, by name. Later ones are of counts that nobody keeps.
async fn first_decisions(autoscalers: Api<HorizontalPodAutoscaler>, many: usize) -> BTreeMap<String, u64> {
    let none = autoscalers.list(&ListParams::default()).await.unwrap();
    let params = WatchParams::default().timeout(290);
    let mut events = autoscalers.watch(&params, &none.metadata.resource_version.unwrap()).await.unwrap().boxed();
    let mut first = BTreeMap::new();
    while first.len() < many {
        let (WatchEvent::Added(seen) | WatchEvent::Modified(seen)) = events.next().await.unwrap().unwrap() else {
            continue;
        };
        if let Some(replicas) = seen.status.as_ref().and_then(decided) {
            first.entry(seen.name_any()).or_insert(u64::try_from(replicas).unwrap());
        }
    }
    first
}

#[tokio::test]
async fn the_controller_of_kubernetes_and_ours_decide_alike() {
    let cases = cases::all();
    let bed = Bed::own_with("hpa", &FLAGS).await.unwrap();
    let client = bed.control_plane.admin().await.unwrap();
    let metrics = MetricsApis::start(&bed).await.unwrap();
    let uses: Vec<_> = cases.iter().flat_map(case::Case::uses).collect();
    metrics.set_cpu_of(uses);
    for case in &cases {
        case.serve(&metrics);
    }
    let decisions = tokio::spawn(first_decisions(Api::namespaced(client.clone(), &bed.namespace), cases.len()));
    join_all(cases.iter().map(|case| case.create(&client, &bed.namespace))).await;
    let theirs = timeout(PATIENCE, decisions).await.expect("the HPA does not decide in time").unwrap();

    for case in &cases {
        let (kubernetes, ours) = (theirs[&case.name], case.ours());
        assert_eq!((kubernetes, ours), (case.expected, case.expected), "{}: theirs, ours", case.title);
    }
    println!("{} cases ran through the controller of Kubernetes", cases.len());
    assert_eq!(cases.len(), 36);
}
