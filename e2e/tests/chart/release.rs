//! A release from its installation to its end.

use std::fs;

use hybridscaler_e2e::operator::{Operator, RELEASE, STOP_WITHIN};
use serde_json::json;

use crate::cluster::Cluster;
use crate::helm::{readme_block, text};

#[tokio::test]
async fn the_crds_and_every_object_outlive_upgrade_and_uninstall() {
    let cluster = Cluster::enter("life").await;
    let notes = cluster.upgrade("{log: {filter: info}}", &["--take-ownership"]).await;
    assert!(notes.contains("rollout status deployment/hybridscaler"), "the notes lack the next step: {notes}");
    let manifest = cluster.bed.logs().join("kept.json");
    let budget = json!({
        "apiVersion": "hybridscaler.dev/v1alpha1",
        "kind": "ConnectionBudget",
        "metadata": {"name": "kept"},
        "spec": {"capacity": {"static": 100}},
    });
    fs::write(&manifest, budget.to_string()).unwrap();
    cluster.kubectl(&["apply", "--filename", manifest.to_str().unwrap()]).await;
    let kept = async || {
        let crds = ["hybridscalers.hybridscaler.dev", "connectionbudgets.hybridscaler.dev"];
        let [scalers, budgets] = crds.map(|name| cluster.uid("crd", name));
        [scalers.await, budgets.await, cluster.uid("connectionbudget", "kept").await]
    };
    let before = kept().await;

    let pods = ["get", "pods", "--output", "name"];
    let old = cluster.kubectl(&pods).await;
    cluster.upgrade("{log: {filter: debug}}", &[]).await;
    let new = cluster.kubectl(&pods).await;
    assert!(new != old && new.lines().count() == 1, "the upgrade replaced {old} by {new}");
    assert_eq!(kept().await, before);

    cluster.uninstall().await;
    let role = cluster.bed.control_plane.kubectl(["get", "clusterrole", RELEASE]).await.unwrap();
    assert!(text(&role).contains("NotFound"), "{}", text(&role));
    assert_eq!(kept().await, before);

    cluster.upgrade("{}", &[]).await;
    assert_eq!(kept().await, before);
    cluster.leave().await;
}

#[tokio::test]
async fn the_manifests_of_the_readme_are_accepted() {
    let cluster = Cluster::enter("readme").await;
    cluster.upgrade("{}", &["--take-ownership"]).await;
    let readme = cluster.bed.logs().join("readme.yaml");
    let manifests =
        readme_block("apiVersion:").replace("namespace: orders", &format!("namespace: {}", cluster.bed.namespace));
    fs::write(&readme, manifests).unwrap();
    cluster.kubectl(&["apply", "--dry-run=server", "--filename", readme.to_str().unwrap()]).await;
    cluster.leave().await;
}

#[tokio::test]
async fn the_operator_gets_ready_as_the_chart_runs_it_and_ends_in_time() {
    let cluster = Cluster::enter("process").await;
    let operator = Operator::install(&cluster.bed, "{log: {format: text}}").await.unwrap();
    let metrics = operator.metrics().await.unwrap();
    assert!(metrics.lines().any(|line| line.starts_with("# TYPE hybridscaler_")), "{metrics}");
    let took = operator.stop().await.unwrap();
    println!("ended {took:?} after SIGTERM, of {STOP_WITHIN:?}");
    cluster.leave().await;
}
