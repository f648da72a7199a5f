#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(text: &str) -> Result<Manifests, Problem> {
    let mut manifests = Manifests::default();
    for document in documents(text) {
        manifests.add(Path::new("a.yaml"), document)?;
    }
    Ok(manifests)
}

const TWO: &str = "\
# A budget, and a scaler.
apiVersion: hybridscaler.dev/v1alpha1
kind: ConnectionBudget
metadata: {name: orders-db, namespace: orders}
spec:
  capacity: {static: 360}
--- # the second
apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata:
  name: order-worker
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: order-worker}
  maxReplicas: 50
  triggers:
    - name: backlog
      sqs:
        queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/orders
        messagesPerReplica: 100
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: orders}
---
";

#[test]
fn every_document_of_a_file_is_read_and_other_kinds_are_passed_over() {
    let manifests = read(TWO).unwrap();
    assert!(manifests.budgets.first().unwrap().is("orders", "orders-db"));
    assert!(manifests.scalers.first().unwrap().is("default", "order-worker"));
    assert_eq!((manifests.budgets.len(), manifests.scalers.len(), manifests.deployments.len()), (1, 1, 0));
}

#[test]
fn a_misspelt_field_is_told_by_its_line_in_the_file() {
    let error = |text: &str| read(text).err().unwrap().to_string();
    assert_eq!(
        error(&TWO.replace("messagesPerReplica", "messagePerReplica")),
        "a.yaml:19: unknown field `messagePerReplica`: did you mean `messagesPerReplica`?"
    );
    assert_eq!(
        error(&TWO.replace("capacity: {static", "capacity: {fixed")),
        "a.yaml:6: unknown field `fixed`: use one of postgres, static"
    );
    assert_eq!(error(&TWO.replace("maxReplicas: 50", "maxReplicas: fifty")), "a.yaml:14: invalid i32");
}

#[test]
fn what_is_missing_is_told_by_the_line_of_what_lacks_it() {
    let error = read(&TWO.replace("  maxReplicas: 50\n", "")).err().unwrap().to_string();
    assert!(error.starts_with("a.yaml:") && error.ends_with("missing field `maxReplicas`"), "{error}");
}

#[test]
fn a_problem_with_a_value_is_told_by_the_line_of_its_field_or_the_nearest_above() {
    let manifests = read(TWO).unwrap();
    let scaler = manifests.scalers.first().unwrap();
    for (field, line) in [
        ("spec.triggers[0].sqs.messagesPerReplica", 19),
        ("spec.triggers[0].cpu", 16),
        ("spec.triggers[7].name", 15),
        ("spec.targetRef.ecs", 13),
        ("status", 8),
    ] {
        let problem = scaler.at(field, "is wrong").to_string();
        assert_eq!(problem, format!("a.yaml:{line}: is wrong"), "{field}");
    }
}

#[test]
fn files_split_at_document_markers_only() {
    let counted = |text: &str| documents(text).iter().map(|document| document.before).collect::<Vec<_>>();
    assert_eq!(counted("a: 1\n---\nb: 2\n"), [0, 1]);
    assert_eq!(counted("---\r\na: 1\r\n---\r\nb: |\n  ---\n"), [0, 0, 2]);
    assert_eq!(counted("a: ---\n----\n"), [0]);
}
