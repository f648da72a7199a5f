//! `hybridscaler check`, run as a user runs it.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{ROOT, budget, scaler};

fn check(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hybridscaler")).arg("check").args(args).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the JSON says: exit code, and `FILE:LINE:COLUMN SEVERITY FIELD` of each finding.
fn findings(folder: &Path, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = check(folder, &[args, &["--output", "json"]].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entry = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        format!("{}:{}:{} {} {}", text("file"), finding["line"], finding["column"], text("severity"), text("field"))
    };
    (output.status.code(), document["findings"].as_array().unwrap().iter().map(entry).collect())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const AS_IT_IS: (&str, &str) = ("", "");
const STATIC: &str = "{capacity: {static: 340}}";

#[test]
fn what_is_right_is_told_in_one_line() {
    let files = folder(&[("a.yaml", &scaler("a", AS_IT_IS)), ("db.yaml", &budget(STATIC))]);
    let output = check(files.path(), &["--deny-warnings", "a.yaml", "db.yaml"]);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("2 objects in 2 files: all right\n", Some(0)));
}

#[test]
fn each_finding_shows_its_line_what_is_wrong_and_the_mend() {
    let text = scaler("a", ("maxReplicas: 50", "maxReplicas: 50000")).replace("perReplica: 10", "perReplicas: 10");
    let files = folder(&[("a.yaml", &text)]);
    let output = check(files.path(), &["a.yaml"]);
    let shown = "\
error: spec.maxReplicas: Invalid value: 50000: spec.maxReplicas in body should be less than or equal to 10000
 --> a.yaml:7:16
  |
7 |   maxReplicas: 50000
  |                ^^^^^ set 1 to 10000

error: spec.connections[0].perReplica: Required value
  --> a.yaml:12:7
   |
12 |     - budgetRef: {name: orders-db}
   |       ^^^^^^^^^ set perReplica: the most connections that one replica opens; 1 to 10000: the maximum of its pool times its processes, not what it uses on average

error: unknown field \"spec.connections[0].perReplicas\"
  --> a.yaml:13:7
   |
13 |       perReplicas: 10
   |       ^^^^^^^^^^^ did you mean `perReplica`?

1 object in 1 file: 3 errors
";
    assert_eq!((stdout(&output).as_str(), output.status.code()), (shown, Some(1)));
}

#[test]
fn programs_read_the_same_as_json() {
    let broken = scaler("a", ("minReplicas: 5\n", "minReplicas: 51\n"));
    let files = folder(&[("a.yaml", &broken), ("db.yaml", &budget(STATIC))]);
    let output = check(files.path(), &["-o", "json", "a.yaml", "db.yaml"]);
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let expected = serde_json::json!({
        "files": 2, "objects": 2, "errors": 1, "warnings": 0,
        "findings": [{
            "severity": "error", "check": "rule", "file": "a.yaml", "line": 6, "column": 16,
            "object": "HybridScaler orders/a", "field": "spec.minReplicas", "value": 51,
            "message": "spec.minReplicas: Invalid value: minReplicas 51 is above maxReplicas 50: lower minReplicas or raise maxReplicas",
            "mend": "lower minReplicas or raise maxReplicas",
        }],
    });
    assert_eq!(document, expected);
}

#[test]
fn warnings_fail_only_when_they_are_denied() {
    let files = folder(&[("a.yaml", &scaler("a", AS_IT_IS)), ("other.yaml", "apiVersion: v1\nkind: ConfigMap\n")]);
    let found = vec!["a.yaml:12:7 warning spec.connections[0].budgetRef".to_owned()];
    assert_eq!(findings(files.path(), &["a.yaml"]), (Some(0), found.clone()));
    assert_eq!(findings(files.path(), &["--deny-warnings", "a.yaml"]), (Some(1), found));
    let nothing = vec!["other.yaml:1:1 warning ".to_owned()];
    assert_eq!(findings(files.path(), &["other.yaml"]), (Some(0), nothing));
}

#[test]
fn two_scalers_of_one_target_are_found_across_files() {
    let other = scaler("b", ("kind: Deployment, name: b", "kind: Deployment, name: a"));
    let files = folder(&[("a.yaml", &scaler("a", AS_IT_IS)), ("b.yaml", &other), ("db.yaml", &budget(STATIC))]);
    let found = findings(files.path(), &["a.yaml", "b.yaml", "db.yaml"]);
    assert_eq!(found, (Some(1), vec!["b.yaml:5:3 error spec.targetRef".to_owned()]));
    let twice = findings(files.path(), &["a.yaml", "a.yaml", "db.yaml"]);
    assert_eq!(twice, (Some(1), vec!["a.yaml:3:18 error metadata.name".to_owned()]));
    let elsewhere = other
        .replace("namespace: orders}", "namespace: billing}")
        .replace("orders-db}", "orders-db, namespace: orders}");
    let files = folder(&[
        ("a.yaml", &scaler("a", AS_IT_IS)),
        ("b.yaml", &elsewhere),
        ("db.yaml", &budget("{capacity: {static: 340}, allowedNamespaces: {from: All}}")),
    ]);
    assert_eq!(findings(files.path(), &["a.yaml", "b.yaml", "db.yaml"]), (Some(0), vec![]));
}

#[test]
fn what_breaks_a_rule_is_still_looked_at_beside_the_others() {
    let broken = scaler("b", ("kind: Deployment, name: b", "kind: Deployment, name: a"))
        .replace("minReplicas: 5\n", "minReplicas: 60\n  idleReplica: 1\n");
    let files = folder(&[("a.yaml", &scaler("a", AS_IT_IS)), ("b.yaml", &broken), ("db.yaml", &budget(STATIC))]);
    let found = findings(files.path(), &["a.yaml", "b.yaml", "db.yaml"]);
    // Of minReplicas, which no budget could give either, the rule is told and no more.
    let expected =
        ["b.yaml:5:3 error spec.targetRef", "b.yaml:6:16 error spec.minReplicas", "b.yaml:7:3 error spec.idleReplica"];
    assert_eq!(found, (Some(1), expected.map(str::to_owned).to_vec()));

    let unreadable = broken.replace("minReplicas: 60", "minReplicas: many");
    fs::write(files.path().join("b.yaml"), unreadable).unwrap();
    let (_, found) = findings(files.path(), &["a.yaml", "b.yaml", "db.yaml"]);
    assert_eq!(found, ["b.yaml:6:16 error spec.minReplicas", "b.yaml:7:3 error spec.idleReplica"]);
}

#[test]
fn a_floor_that_its_budget_cannot_give_is_told_with_the_greatest_that_it_can() {
    let files =
        folder(&[("a.yaml", &scaler("a", ("minReplicas: 5\n", "minReplicas: 18\n"))), ("db.yaml", &budget(STATIC))]);
    let output = stdout(&check(files.path(), &["a.yaml", "db.yaml"]));
    assert!(
        output.starts_with(
            "error: spec.minReplicas 18 needs 360 connections, up to 36 replicas of 10 with rolloutReserve Full, and ConnectionBudget \
             orders/orders-db has 340 (340 - 0 in reserve)\n --> a.yaml:6:16\n"
        ),
        "{output}"
    );
    assert!(output.contains("set at most 17, or raise the capacity"), "{output}");
    let fits = scaler("a", ("minReplicas: 5\n", "minReplicas: 17\n"));
    fs::write(files.path().join("a.yaml"), fits).unwrap();
    assert_eq!(findings(files.path(), &["a.yaml", "db.yaml"]), (Some(0), vec![]));
}

#[test]
fn floors_that_fit_one_by_one_and_not_together_are_told_at_the_budget() {
    let ten = ("minReplicas: 5\n", "minReplicas: 10\n");
    let files = folder(&[("a.yaml", &scaler("a", ten)), ("b.yaml", &scaler("b", ten)), ("db.yaml", &budget(STATIC))]);
    let output = stdout(&check(files.path(), &["a.yaml", "b.yaml", "db.yaml"]));
    assert!(
        output.contains(
            "what must run at least needs 400 connections of 340 (340 - 0 in reserve): orders/a 200 for 10 replicas, orders/b 200 for \
             10 replicas"
        ),
        "{output}"
    );
    let found = findings(files.path(), &["a.yaml", "b.yaml", "db.yaml"]);
    assert_eq!(found, (Some(1), vec!["db.yaml:4:8 error spec.capacity".to_owned()]));
}

#[test]
fn a_capacity_that_is_read_from_a_server_can_be_told() {
    let live = budget("{capacity: {postgres: {secretRef: {name: orders-db-url}}}}");
    let files = folder(&[("a.yaml", &scaler("a", AS_IT_IS)), ("db.yaml", &live)]);
    assert_eq!(findings(files.path(), &["a.yaml", "db.yaml"]), (Some(0), vec![]));
    let (code, found) = findings(files.path(), &["a.yaml", "db.yaml", "--max-connections", "60"]);
    assert_eq!((code, found), (Some(1), vec!["a.yaml:6:16 error spec.minReplicas".to_owned()]));
}

#[test]
fn a_budget_of_another_namespace_must_admit_the_scaler() {
    let elsewhere = scaler("a", ("name: orders-db}", "name: orders-db, namespace: orders}"))
        .replace("a, namespace: orders", "a, namespace: billing");
    let files = folder(&[("a.yaml", &elsewhere), ("db.yaml", &budget(STATIC))]);
    let found = findings(files.path(), &["a.yaml", "db.yaml"]);
    assert_eq!(found, (Some(1), vec!["a.yaml:12:7 error spec.connections[0].budgetRef".to_owned()]));
}

#[test]
fn times_and_time_zones_of_schedules_are_read() {
    let schedules = "  maxReplicas: 50
  schedules:
    - {name: day, start: '0 25 * * *', end: '0 18 31 2 *', timeZone: Europe/Berlyn, floorReplicas: 6}
    - {name: night, start: '0 22 * * *', end: '0 6 * * *', timeZone: Europe/Berlin, minReplicas: 40}
";
    let files = folder(&[("a.yaml", &scaler("a", ("  maxReplicas: 50\n", schedules))), ("db.yaml", &budget(STATIC))]);
    let (_, found) = findings(files.path(), &["a.yaml", "db.yaml"]);
    assert_eq!(
        found,
        [
            "a.yaml:9:26 error spec.schedules[0].start",
            "a.yaml:9:45 error spec.schedules[0].end",
            "a.yaml:9:70 error spec.schedules[0].timeZone",
            "a.yaml:10:98 error spec.schedules[1].minReplicas",
        ]
    );
}

#[test]
fn what_may_not_change_is_checked_against_the_objects_as_they_are() {
    let moved = scaler("a", ("kind: Deployment", "kind: StatefulSet"));
    let files = folder(&[("old.yaml", &scaler("a", AS_IT_IS)), ("new.yaml", &moved), ("db.yaml", &budget(STATIC))]);
    assert_eq!(findings(files.path(), &["new.yaml", "db.yaml"]), (Some(0), vec![]));
    let found = findings(files.path(), &["--previous", "old.yaml", "new.yaml", "db.yaml"]);
    assert_eq!(found, (Some(1), vec!["new.yaml:5:3 error spec.targetRef".to_owned()]));
}

#[test]
fn standard_input_is_read_for_a_dash() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hybridscaler"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(budget("{capacity: {static: 0}}").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(stdout(&output).contains(" --> <stdin>:4:27\n"), "{}", stdout(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_read_ends_in_exit_code_2() {
    let files = folder(&[("a.yaml", &scaler("a", AS_IT_IS))]);
    let output = check(files.path(), &["a.yaml", "none.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: cannot read none.yaml: No such file or directory (os error 2)\n"
    );
    assert_eq!(check(files.path(), &[]).status.code(), Some(2));
}

#[test]
fn the_examples_are_right() {
    for (name, files) in [
        ("orders", ["core-api.yaml", "order-worker.yaml", "orders-db.yaml", "values.yaml"].as_slice()),
        ("terraform", &["core-api.yaml"]),
    ] {
        let args = [files, &["--deny-warnings", "--max-connections", "360"]].concat();
        let output = check(&Path::new(ROOT).join("examples").join(name), &args);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/check.md")).unwrap();
    let block = |before: &str| page.split(before).nth(1).unwrap().split("```").next().unwrap();
    let manifest = block("Take `worker.yaml`:\n\n```yaml\n");
    let files = folder(&[("worker.yaml", manifest)]);
    let output = check(files.path(), &["worker.yaml"]);
    assert_eq!(stdout(&output), block("```console\n$ hybridscaler check worker.yaml\n"));

    let one_fault = manifest
        .replace("  maxReplica: 50\n", "")
        .replace("paused", "Paused")
        .replace("queueUrl: orders", "queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/orders");
    fs::write(files.path().join("worker.yaml"), one_fault).unwrap();
    assert_eq!(stdout(&check(files.path(), &["-o", "json", "worker.yaml"])), block("```json\n"));
}
