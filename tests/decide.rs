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
    assert!(documents.len() >= 26, "the page has shrunk to {} examples", documents.len());
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
fn the_published_schemas_are_those_that_the_binary_prints() {
    for document in ["decision-input", "decision-output"] {
        let printed = stdout(&run(&["schema", document], ""));
        let file = format!("{document}.schema.json");
        assert!(committed(&file, &printed) == printed, "docs/{file} is stale: see the head of tests/decide.rs");
    }
}

/// What a schema of ours does not say of a value; `$ref`s lead to `definitions`.
fn strange(schema: &Value, value: &Value, definitions: &Value, path: &str, found: &mut Vec<String>) {
    // What stands beside a reference counts too.
    let follow = |schema: &Value| {
        let Some(reference) = schema["$ref"].as_str() else { return schema.clone() };
        let mut whole = definitions[reference.strip_prefix("#/$defs/").unwrap()].clone();
        for (name, type_) in schema["properties"].as_object().into_iter().flatten() {
            whole["properties"][name] = type_.clone();
        }
        whole
    };
    let schema = follow(schema);
    let choices = ["oneOf", "anyOf"].iter().filter_map(|choice| schema[*choice].as_array()).flatten();
    let choices: Vec<Value> = choices.map(follow).collect();
    if !choices.is_empty() {
        let fits = |choice: &Value| {
            let mut found = Vec::new();
            strange(choice, value, definitions, path, &mut found);
            found.is_empty()
        };
        if !choices.iter().any(fits) {
            found.push(format!("{path}: {value}"));
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = types.contains(&kind) || kind == "integer" && types.contains(&"number");
    if !types.is_empty() && !fits {
        found.push(format!("{path} is of type {kind}"));
    }
    let known = |word: &Value| schema["enum"].as_array().is_none_or(|words| words.contains(word));
    if !known(value) || schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{path}: {value}"));
    }
    for item in value.as_array().into_iter().flatten() {
        strange(&schema["items"], item, definitions, path, found);
    }
    for (name, below) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => strange(schema, below, definitions, &format!("{path}.{name}"), found),
            None if schema["properties"].is_object() && choices.is_empty() => found.push(format!("{path}.{name}")),
            None => {}
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{path} has no {name}"));
        }
    }
}

#[test]
fn what_is_decided_is_as_the_published_schema_has_it() {
    let schema: Value = serde_json::from_str(&stdout(&run(&["schema", "decision-output"], ""))).unwrap();
    let find = |output: &Value| {
        let mut found = Vec::new();
        strange(&schema, output, &schema["$defs"], "output", &mut found);
        found
    };
    for document in documents(&page()) {
        let output: Value = serde_json::from_str(&stdout(&run(&["decide", "-o", "json"], document))).unwrap();
        assert_eq!(find(&output), Vec::<String>::new(), "{document}");
    }
    assert!(find(&serde_json::json!({"decision": {"replicas": "5", "more": 1}, "history": {}})).len() >= 6);
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

/// What is said of a document that is refused, a line a finding, from its path on.
fn refused(document: &str) -> Vec<String> {
    let output = run(&["decide"], document);
    assert_eq!(output.status.code(), Some(1), "{document}");
    let said = stderr(&output);
    let place = regex::Regex::new(r"^error: <stdin>:\d+:\d+: ").unwrap();
    said.lines().map(|line| place.replace(line, "").into_owned()).collect()
}

#[test]
fn what_is_named_after_nothing_is_told_together_with_what_the_schema_refuses() {
    let document = documents(&page())[0].replace("    backlog: {queue", "    backlg: {queue");
    let document = document.replace("maxReplicas: 20", "maxReplicas: 20000\n  schedules: []");
    let document = document.replace("  readings:", "  openSchedules: {day: 2027-01-15T09:00:00Z}\n  readings:");
    let mut said = refused(&document);
    said.sort();
    assert_eq!(
        said,
        [
            "observation.openSchedules.day: `day` is no schedule of the scaler: leave it out, there is none",
            "observation.readings.backlg: `backlg` is no trigger of the scaler: did you mean `backlog`?",
            "scaler.maxReplicas: Invalid value: 20000: scaler.maxReplicas in body should be less than or equal to 10000: set 1 to 10000",
        ]
    );
}

#[test]
fn a_reading_that_its_trigger_cannot_give_is_refused() {
    let readings = |target: &str, readings: &str| {
        refused(&format!(
            "now: 2027-01-15T08:00:00Z
scaler:
  targetRef: {target}
  maxReplicas: 50
  triggers:
    - name: backlog
      sqs: {{queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders', messagesPerReplica: 60}}
    - name: cpu
      cpu: {{targetUtilization: 65}}
    - name: requests
      external: {{metricName: requests, targetValue: '100'}}
    - name: blend
      formula: {{expression: 'requests.value / 2', targetValue: '100'}}
observation:
  replicas: {{desired: 5}}
  readings: {readings}
"
        ))
    };
    let workload = "{apiVersion: apps/v1, kind: Deployment, name: worker}";
    assert_eq!(
        readings(workload, "{backlog: {value: '9'}, cpu: {utilization: 80}, requests: {queue: {visible: 9}}}"),
        [
            "observation.readings.backlog: `value` is no reading of an SQS queue: give queue",
            "observation.readings.cpu: `utilization` is no reading of the CPU of a workload: give pods",
            "observation.readings.requests: `queue` is no reading of an external metric: give value",
        ]
    );
    let service = "{ecs: {cluster: prod, service: api, region: eu-west-1}}";
    assert_eq!(
        readings(service, "{cpu: {pods: [{count: 10000}, {count: 10000}]}}"),
        ["observation.readings.cpu: `pods` is no reading of the CPU of an ECS service: give utilization"]
    );
    assert_eq!(
        readings(service, "{blend: {value: '9'}}"),
        ["observation.readings.blend: `blend` is a formula, whose reading is computed from the others: leave it out"]
    );
    let eleven = format!("{{cpu: {{pods: [{}]}}}}", "{count: 10000},".repeat(11));
    assert_eq!(
        readings(workload, &eleven),
        ["observation.readings.cpu.pods: `110000` is too many pods together: give 100000 at most"]
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_told_nothing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hybridscaler"));
    let command = command.args(["decide", "-o", "json"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(documents(&page())[0].as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.success(), stderr(&output)), (false, String::new()));
}

#[test]
fn every_schedule_that_never_opens_is_told() {
    let document = documents(&page())[0].replace(
        "  maxReplicas: 20",
        "  maxReplicas: 20
  schedules:
    - {name: one, start: 61 8 * * *, end: 0 18 * * *, floorReplicas: 3}
    - {name: two, start: 0 8 * * *, end: 0 18 * * *, floorReplicas: 3}
    - {name: three, start: 0 8 * * *, end: 0 18 * * *, floorReplicas: 3, timeZone: Europe/Pariss}",
    );
    let said = refused(&document);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with("scaler.schedules[0].start: `61 8 * * *` "), "{said:#?}");
    assert!(said[1].starts_with("scaler.schedules[2].timeZone: `Europe/Pariss` "), "{said:#?}");
}

#[test]
fn a_budget_that_the_scaler_takes_nothing_from_is_refused() {
    let page = page();
    let document = documents(&page).into_iter().find(|document| document.contains("\nbudget:")).unwrap();
    let without: String = {
        let (before, rest) = document.split_once("  connections:").unwrap();
        let (_, after) = rest.split_once("\nobservation:").unwrap();
        format!("{before}\nobservation:{after}")
    };
    let said = refused(&without);
    let expected = "is no budget that the scaler takes connections from: set scaler.connections, or leave budget out";
    assert!(said.len() == 1 && said[0].starts_with("budget.name: ") && said[0].ends_with(expected), "{said:#?}");
    let name = document.split_once("budgetRef: {name: ").unwrap().1.split_once('}').unwrap().0;
    let said =
        refused(&document.replace(&format!("budgetRef: {{name: {name}}}"), &format!("budgetRef: {{name: {name}s}}")));
    assert!(said.len() == 1 && said[0].ends_with(&format!(": did you mean `{name}s`?")), "{said:#?}");
}

#[test]
fn a_text_that_is_no_document_is_told_where_it_breaks_and_how_to_mend_it() {
    for (text, expected) in [
        ("now: 1\nscaler: {a: 1\n", "<stdin>:2:9: the bracket '{' is never closed: close it"),
        ("now: 1\n  now: 2\n", "<stdin>:2:6: a second colon follows in one line: quote the value, or begin a new line"),
        ("now: 1\nnow: 2\n", "<stdin>:2:1: the field `now` is set a second time: remove one of the two"),
        ("- 1\n", "<stdin>:1:1: the document is no object: write its fields, such as now, scaler and observation"),
        (
            "# a comment\n\n5\n",
            "<stdin>:3:1: the document is no object: write its fields, such as now, scaler and observation",
        ),
    ] {
        let output = run(&["decide"], text);
        assert_eq!((stderr(&output), output.status.code()), (format!("error: {expected}\n"), Some(1)));
    }
}

#[test]
fn what_is_wrong_is_told_in_one_line_even_where_the_mend_is_a_long_description() {
    let said = refused(&documents(&page())[0].replace("kind: Deployment", "kind: a deployment"));
    assert!(said.len() == 1 && said[0].contains(": Kind of the workload, such as `Deployment`"), "{said:#?}");
}

#[test]
fn a_number_past_64_bits_is_out_of_range_and_no_other_type() {
    let document = documents(&page())[0].replace("maxReplicas: 20", "maxReplicas: 99999999999999999999");
    let said = refused(&document);
    assert!(
        said.len() == 1 && said[0].starts_with("scaler.maxReplicas: ") && said[0].ends_with(": set 1 to 10000"),
        "{said:#?}"
    );
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
    let cut = "error: <stdin>:1: no whole line of a record (column 99: the quote is never closed): \
               remove it; an operator that is killed leaves its last line so\n";
    assert_eq!(stderr(&replay(&record[3..])), cut);
    let other = "error: <stdin>:1: has no name, so it is no line of a record: name a file that --record wrote\n";
    assert_eq!(stderr(&replay(&["{}".into()])), other);
    let nothing = "error: <stdin> holds no decision: name the file that --record wrote\n";
    assert_eq!(stderr(&replay(&[])), nothing);
}
