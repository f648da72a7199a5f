#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(text: &str) -> Manifests {
    Manifests::of(&[Arc::new(Source { name: "a.yaml".into(), text: text.into() })], &Previous::default())
}

fn found(text: &str) -> Vec<String> {
    read(text).findings.iter().map(ToString::to_string).collect()
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
    let manifests = read(TWO);
    assert_eq!(manifests.findings, []);
    assert!(manifests.budgets.first().unwrap().is("orders", "orders-db"));
    assert!(manifests.scalers.first().unwrap().is("default", "order-worker"));
    assert_eq!((manifests.ours, manifests.scalers.len(), manifests.deployments.len()), (2, 1, 0));
}

#[test]
fn what_a_list_holds_is_read_one_by_one_at_its_own_place() {
    let mut list = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
    for document in TWO.split("---").take(2) {
        let lines = document.split_once('\n').unwrap().1.lines();
        list.extend(["  -\n".to_owned()].into_iter().chain(lines.map(|line| format!("    {line}\n"))));
    }
    assert_eq!((found(&list), read(&list).ours), (vec![], 2));
    assert_eq!(
        found(&list.replace("maxReplicas: 50", "maxReplicas: 20000")),
        [
            "a.yaml:17:20: spec.maxReplicas: Invalid value: 20000: spec.maxReplicas in body should be less than or equal to 10000: \
          set 1 to 10000"
        ]
    );
}

#[test]
fn a_misspelt_field_is_told_by_its_place_with_what_was_meant() {
    assert_eq!(
        found(&TWO.replace("messagesPerReplica", "messagePerReplica")).first().unwrap(),
        "a.yaml:19:9: unknown field \"spec.triggers[0].sqs.messagePerReplica\": did you mean `messagesPerReplica`?"
    );
    assert_eq!(
        found(&TWO.replace("capacity: {static", "capacity: {fixed")).first().unwrap(),
        "a.yaml:6:14: unknown field \"spec.capacity.fixed\": use one of mysql, postgres, static"
    );
    assert_eq!(
        found(&TWO.replace("  name: order-worker\nspec", "  names: order-worker\nspec")),
        [
            "a.yaml:11:3: unknown field \"metadata.names\": did you mean `name`?",
            "a.yaml:10:1: metadata.name: Required value: name or generateName is required: give the object a name",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn what_is_missing_is_told_at_what_lacks_it() {
    let found = found(&TWO.replace("  maxReplicas: 50\n", ""));
    assert_eq!(
        found,
        ["a.yaml:12:1: spec.maxReplicas: Required value: set maxReplicas: the most replicas to run; 1 to 10000"]
    );
}

#[test]
fn a_document_that_is_wrong_in_five_places_has_five_findings() {
    let text = TWO
        .replace("maxReplicas: 50", "maxReplicas: \"50\"\n  minReplica: 3")
        .replace("messagesPerReplica: 100", "messagesPerReplica: 0")
        .replace("kind: Deployment, name", "kind: deployment, name")
        .replace("https://sqs", "sqs");
    let fields: Vec<_> = read(&text).findings.into_iter().map(|found| found.problem.field).collect();
    assert_eq!(
        fields,
        [
            "spec.minReplica",
            "spec.maxReplicas",
            "spec.targetRef.kind",
            "spec.triggers[0].sqs.messagesPerReplica",
            "spec.triggers[0].sqs.queueUrl",
        ]
    );
}

#[test]
fn a_value_is_told_by_the_place_of_its_field_or_the_nearest_above() {
    let manifests = read(TWO);
    let scaler = manifests.scalers.first().unwrap();
    for (field, line, column) in [
        ("spec.triggers[0].sqs.messagesPerReplica", 19, 29),
        ("spec.triggers[0].cpu", 16, 7),
        ("spec.triggers[7].name", 15, 3),
        ("spec.targetRef.ecs", 13, 3),
        ("status", 8, 1),
    ] {
        let place = scaler.place(field);
        assert_eq!((place.line(), place.column()), (line, column), "{field}");
    }
}

#[test]
fn a_key_with_dots_is_found() {
    let labelled = TWO.replace("  name: order-worker\nspec", "  name: a\n  labels: {example.com/team: back end}\nspec");
    let found = found(&labelled);
    assert!(
        found.first().unwrap().starts_with("a.yaml:12:30: metadata.labels: Invalid value: \"back end\": write"),
        "{found:?}"
    );
}

#[test]
fn what_is_no_yaml_or_no_object_is_told_by_its_line() {
    let first = |text: &str| found(text).first().unwrap().split(": ").next().unwrap().to_owned();
    assert_eq!(first("a: 1\n---\na: [1\nb: 2\n"), "a.yaml:4:2");
    assert_eq!(first("a: 1\na: 2\n"), "a.yaml:2:1");
    assert_eq!(first("# only words\n\nwords\n"), "a.yaml:3:1");
    assert_eq!(found("# nothing\n---\n"), Vec::<String>::new());
}

#[test]
fn a_finding_is_one_line_whatever_it_quotes() {
    let found = found(&TWO.replace("  maxReplicas: 50", "  maxReplicas: 50\n  \"a\\nerror: \\e[31m\": 1"));
    assert!(found.iter().any(|line| line.contains("a error: [31m")), "{found:?}");
    assert!(found.iter().all(|line| !line.contains(char::is_control)), "{found:?}");
}

#[test]
fn what_may_not_change_is_checked_against_what_is_stored() {
    let source = |text: &str| [Arc::new(Source { name: "a.yaml".into(), text: text.into() })];
    let moved = TWO.replace("kind: Deployment, name: order-worker", "kind: Deployment, name: other");
    let against = |stored: &str| Manifests::of(&source(&moved), &Previous::read(&source(stored))).findings;
    assert_eq!(against("").len(), 0);
    let found = against(TWO);
    assert!(
        found.first().unwrap().problem.message.contains("targetRef cannot change from apps/v1 Deployment order-worker")
    );
}

#[test]
fn numbers_and_switches_are_read_as_kubectl_reads_them() {
    let changed = |to: &str| found(&TWO.replace("maxReplicas: 50", to)).first().cloned().unwrap_or_default();
    assert!(changed("maxReplicas: 000").contains("Invalid value: 0:"), "{}", changed("maxReplicas: 000"));
    assert!(changed("maxReplicas: 023420").is_empty(), "octal 10000");
    assert!(changed("maxReplicas: 023421").contains("Invalid value: 10001:"), "octal 10001");
    assert!(changed("maxReplicas: on").contains("of type int32: \"\""), "{}", changed("maxReplicas: on"));
}

#[test]
fn a_deployment_that_cannot_be_read_is_told_and_no_fault_of_ours() {
    let deployment = |spec: &str| {
        let manifests = read(&format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {spec}\n"));
        (manifests.deployments.len(), manifests.findings.iter().map(|found| found.severity).collect::<Vec<_>>())
    };
    assert_eq!(deployment("{replicas: 3}"), (1, vec![]), "a patch of one");
    assert_eq!(deployment("{replicas: three}"), (0, vec![Severity::Warning]));
}
