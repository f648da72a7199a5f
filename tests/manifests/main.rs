//! The commands that read manifests, run as a user runs them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod budget_fit;
mod check;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A scaler of a Deployment with its name, 10 connections a replica; with one text changed to another.
pub(crate) fn scaler(name: &str, change: (&str, &str)) -> String {
    format!(
        "apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata: {{name: {name}, namespace: orders}}
spec:
  targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: 5
  maxReplicas: 50
  triggers:
    - name: backlog
      sqs: {{queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders', messagesPerReplica: 60}}
  connections:
    - budgetRef: {{name: orders-db}}
      perReplica: 10
"
    )
    .replace(change.0, change.1)
}

/// A budget that the scalers are held to.
pub(crate) fn budget(spec: &str) -> String {
    format!(
        "apiVersion: hybridscaler.dev/v1alpha1\nkind: ConnectionBudget\nmetadata: {{name: orders-db, namespace: orders}}\nspec: {spec}\n"
    )
}
