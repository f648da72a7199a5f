//! `hybridscaler decide` and `schema`, run as a user runs them.
//!
//! With `HYBRIDSCALER_BLESS=1` in the environment the explanations in docs/decide.md and the schema beside it are written anew.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use hybridscaler::api::decision::{DecisionInput, DecisionRecord, ages};
use serde_json::Value;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

fn run(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hybridscaler"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What is in a file of docs/ that the binary could write, or `written` when it is to be written anew.
fn committed(file: &str, written: &str) -> String {
    let path = Path::new(DOCS).join(file);
    if env::var_os("HYBRIDSCALER_BLESS").is_some() {
        fs::write(&path, written).unwrap();
    }
    fs::read_to_string(path).unwrap()
}

fn page() -> String {
    fs::read_to_string(Path::new(DOCS).join("decide.md")).unwrap()
}

/// The documents of the page's examples.
fn documents(page: &str) -> Vec<&str> {
    page.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

#[test]
fn every_example_of_the_page_is_explained_as_the_page_says() {
    let page = page();
    let documents = documents(&page);
    assert!(documents.len() >= 18, "the page has shrunk to {} examples", documents.len());
    let mut parts = page.split("```text\n");
    let mut written = parts.next().unwrap().to_owned();
    for (document, rest) in documents.iter().zip(parts.by_ref()) {
        let explained = stdout(&run(&["decide", "-o", "text"], document));
        written.extend(["```text\n", &explained, "```", rest.split_once("```").unwrap().1]);
    }
    assert_eq!(parts.next(), None, "an explanation without a document");
    assert!(committed("decide.md", &written) == written, "docs/decide.md is stale: see the head of tests/decide.rs");
}

#[test]
fn the_published_schema_is_the_one_that_the_binary_prints() {
    let printed = stdout(&run(&["schema", "decision-input"], ""));
    let stale = committed("decision-input.schema.json", &printed) != printed;
    assert!(!stale, "docs/decision-input.schema.json is stale: see the head of tests/decide.rs");
}

#[test]
fn the_same_document_gives_the_same_bytes_and_the_same_values_in_every_form() {
    for document in documents(&page()) {
        let [one, two, yaml] = ["json", "json", "yaml"].map(|format| stdout(&run(&["decide", "-o", format], document)));
        assert_eq!(one, two);
        let (yaml, json): (Value, Value) =
            (serde_saphyr::from_str(&yaml).unwrap(), serde_json::from_str(&one).unwrap());
        assert_eq!(yaml, json);
    }
}

#[test]
fn the_history_of_an_output_is_a_history_of_an_input() {
    for document in documents(&page()) {
        let mut document: Value = serde_saphyr::from_str(document).unwrap();
        let first: Value =
            serde_json::from_str(&stdout(&run(&["decide", "-o", "json"], &document.to_string()))).unwrap();
        document["history"] = first["history"].clone();
        let second: Value =
            serde_json::from_str(&stdout(&run(&["decide", "-o", "json"], &document.to_string()))).unwrap();
        // Looked at twice at one moment, nothing is remembered twice.
        assert_eq!(second["history"], first["history"]);
    }
}

#[test]
fn everything_that_is_wrong_with_a_document_is_told_at_once_with_path_value_and_mend() {
    let wrong = "\
now: yesterday
scaler:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  minReplicas: -2
  maxReplicas: 50
  pollInterval: 15
  triggers:
    - name: backlog
      sqs: {queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders', messagesPerReplica: many}
observation:
  replicas: {desired: 5, rollout: done}
  readings:
    backlog: {queue: {visible: 1440}, value: '1', at: soon}
history: {looked: 1m}
";
    let output = run(&["decide"], wrong);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let expected = [
        "1:6: now: `yesterday` is no time: write one such as 2027-01-15T08:00:00Z",
        "13:55: observation.readings.backlog.at: `soon` is no time: write one such as 2027-01-15T08:00:00Z, or an age such as 90s ago",
        "14:19: history.looked: `1m` is no time: write one such as 2027-01-15T08:00:00Z, or an age such as 90s ago",
        "6:3: unknown field \"scaler.pollInterval\": did you mean `pollIntervalSeconds`?",
        "11:35: observation.replicas.rollout: Unsupported value: \"done\"",
        "4:16: scaler.minReplicas: Invalid value: -2: scaler.minReplicas in body should be greater than or equal to 0: set 0 to 10000",
        "scaler.triggers[0].sqs.messagesPerReplica: Invalid value: \"string\"",
        "13:5: observation.readings.backlog: Invalid value: a reading has 2 answers: give exactly one of queue, utilization, pods, value \
         and unknown",
    ];
    for line in expected {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
    assert_eq!(said.matches("error: <stdin>:").count(), expected.len(), "{said}");
}

#[test]
fn what_is_named_after_nothing_gets_the_nearest_name() {
    let document = documents(&page())[0].replace("    backlog: {queue", "    backlg: {queue");
    let output = run(&["decide"], &document);
    let expected = "observation.readings.backlg: `backlg` is no trigger of the scaler: did you mean `backlog`?\n";
    assert!(stderr(&output).ends_with(expected), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_read_is_no_wrong_document() {
    let output = run(&["decide", "no-such-file.yaml"], "");
    assert_eq!((output.status.code(), stderr(&output).lines().count()), (Some(2), 1));
    assert_eq!(run(&["decide"], "").status.code(), Some(1));
    assert_eq!(run(&["decide"], "a: 1\n---\nb: 2\n").status.code(), Some(1));
}

/// A record of the page's decisions, as the operator writes it.
fn record() -> Vec<String> {
    let (page, schema) = (page(), DecisionInput::schema());
    let line = |document: &str| {
        let mut document: Value = serde_saphyr::from_str(document).unwrap();
        assert_eq!(ages::resolve(&schema, &mut document), []);
        let input: DecisionInput = serde_json::from_value(document).unwrap();
        let output = input.decide(|| Ok(vec![None; input.scaler.schedules.len()])).unwrap();
        serde_json::to_string(&DecisionRecord { name: "orders/worker".into(), input, output }).unwrap()
    };
    documents(&page).into_iter().filter(|document| !document.contains("schedules:")).map(line).collect()
}

fn replay(lines: &[String]) -> Output {
    run(&["decide", "--replay"], &lines.iter().flat_map(|line| [line, "\n"]).collect::<String>())
}

#[test]
fn a_record_is_decided_again_byte_for_byte() {
    let record = record();
    assert_eq!(stdout(&replay(&record)), format!("{} decisions made again, each as it was recorded\n", record.len()));
}

#[test]
fn the_first_line_that_comes_out_differently_is_named_with_what_differs() {
    let mut record = record();
    record[2] = record[2].replace("\"replicas\":10", "\"replicas\":11");
    record[3].truncate(100);
    let output = replay(&record);
    let expected = "error: <stdin>:3: orders/worker at 2027-01-15T08:00:00Z: \
                    output.decision.replicas was 11, and is 10 now\n";
    assert_eq!((stderr(&output).as_str(), output.status.code()), (expected, Some(1)));
    assert!(stderr(&replay(&record[3..])).starts_with("error: <stdin>:1: "));
    let nothing = "error: <stdin> holds no decision: name the file that --record wrote\n";
    assert_eq!(stderr(&replay(&[])), nothing);
}
