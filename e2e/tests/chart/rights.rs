//! What the operator may do, and what it asks for.

use std::collections::BTreeSet;
use std::time::Duration;
use std::{fs, str};

use hybridscaler::api::{ConnectionBudget, HybridScaler};
use hybridscaler_e2e::operator::{Operator, RELEASE};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::Api;
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use serde_json::json;
use tokio::time::timeout;

use crate::cluster::Cluster;

#[tokio::test]
async fn the_operator_may_do_what_it_needs_and_reads_no_secret() {
    let cluster = Cluster::enter("rights").await;
    cluster.upgrade("{}", &["--take-ownership"]).await;
    let namespace = &cluster.bed.namespace;
    let user = format!("system:serviceaccount:{namespace}:{RELEASE}");
    let question = ["auth", "can-i", "list", "secrets", "--all-namespaces", "--as", &user];
    let answer = cluster.bed.control_plane.kubectl(question).await.unwrap();
    assert_eq!(str::from_utf8(&answer.stdout).unwrap().trim(), "no");

    let reviews: Api<SubjectAccessReview> = Api::all(cluster.bed.control_plane.admin().await.unwrap());
    let groups = ["system:authenticated", "system:serviceaccounts", &format!("system:serviceaccounts:{namespace}")];
    for line in include_str!("rights.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [expected, verb, what] = words.as_slice() else { panic!("rights.txt: {line}") };
        let (object, subresource) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = object.split_once('.').unwrap_or((object, ""));
        let review = serde_json::from_value(json!({
            "metadata": {},
            "spec": {
                "user": user,
                "groups": groups,
                // Not the operator's own namespace: the rights are for the whole cluster, and so are the denials.
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": "default",
                },
            },
        }));
        let answer = reviews.create(&PostParams::default(), &review.unwrap()).await.unwrap().status.unwrap();
        assert_eq!(answer.allowed, *expected == "yes", "{verb} {what}: {}", answer.reason.unwrap_or_default());
    }
    cluster.leave().await;
}

#[tokio::test]
async fn the_api_server_refuses_nothing_that_the_operator_asks_for() {
    let cluster = Cluster::enter("audit").await;
    let namespace = &cluster.bed.namespace;
    // A queue that nobody serves: the target is observed and charged all the same.
    let values = json!({
        "config": {
            "trust": [{"namespaces": [namespace], "queues": ["arn:aws:sqs:eu-west-1:123456789012:*"]}],
            "aws": {"endpointUrl": "http://127.0.0.1:1"},
        },
        "env": [{"name": "AWS_ACCESS_KEY_ID", "value": "none"}, {"name": "AWS_SECRET_ACCESS_KEY", "value": "none"}],
    });
    let operator = Operator::install(&cluster.bed, &values.to_string()).await.unwrap();
    let manifest = cluster.bed.logs().join("audit.yaml");
    fs::write(&manifest, include_str!("workload.yaml")).unwrap();
    cluster.kubectl(&["apply", "--filename", manifest.to_str().unwrap()]).await;

    let client = cluster.bed.control_plane.admin().await.unwrap();
    let charged = |budget: Option<&ConnectionBudget>| {
        budget
            .and_then(|budget| budget.status.as_ref())
            .and_then(|status| status.granted)
            .is_some_and(|granted| granted > 0)
    };
    let observed = |scaler: Option<&HybridScaler>| {
        scaler.and_then(|scaler| scaler.status.as_ref()).and_then(|status| status.current_replicas) == Some(2)
    };
    let reported = |scaler: Option<&HybridScaler>| {
        scaler.and_then(|scaler| scaler.status.as_ref()).is_some_and(|status| !status.conditions.is_empty())
    };
    let all = async {
        await_condition(Api::namespaced(client.clone(), namespace), "orders-db", charged).await.unwrap();
        await_condition(Api::namespaced(client.clone(), namespace), "order-worker", observed).await.unwrap();
        await_condition(Api::namespaced(client, namespace), "without-target", reported).await.unwrap();
    };
    timeout(Duration::from_mins(1), all).await.expect("the operator does not charge and report all of workload.yaml");
    // It finishes what is under way, events included.
    operator.stop().await.unwrap();

    let user = format!("system:serviceaccount:{namespace}:{RELEASE}");
    let asked = cluster.bed.control_plane.audit_log().of_user(&user).unwrap();
    let refused: Vec<_> = asked.iter().filter(|event| event.is_forbidden()).map(|event| &event.request_uri).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let writes = asked.iter().filter(|event| event.is_write()).filter_map(|event| event.object_ref.as_ref());
    let written: BTreeSet<_> = writes.map(|object| format!("{}/{}", object.resource, object.subresource)).collect();
    let expected = ["connectionbudgets/status", "events/", "hybridscalers/status"].map(str::to_owned);
    assert_eq!(written, BTreeSet::from(expected));
    cluster.leave().await;
}
