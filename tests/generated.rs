//! What is generated and committed is what the code generates now, and the CRDs keep the rules of the house.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use hybridscaler::api::crds;
use serde_json::Value;

const CRDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");

#[test]
fn the_files_in_crds_are_what_the_binary_writes() {
    let fresh = tempfile::tempdir().unwrap();
    let done =
        Command::new(env!("CARGO_BIN_EXE_hybridscaler")).args(["crds", "--dir"]).arg(fresh.path()).status().unwrap();
    assert!(done.success());
    let names =
        |folder: &Path| fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect::<BTreeSet<_>>();
    assert_eq!(names(Path::new(CRDS)), names(fresh.path()));
    for name in names(fresh.path()) {
        let (committed, generated) = (Path::new(CRDS).join(&name), fresh.path().join(&name));
        assert!(
            fs::read_to_string(committed).unwrap() == fs::read_to_string(generated).unwrap(),
            "crds/{} is stale: run `make crds`",
            name.display()
        );
    }
}

#[test]
fn what_the_binary_prints_is_both_files() {
    let output = Command::new(env!("CARGO_BIN_EXE_hybridscaler")).arg("crds").output().unwrap();
    let kinds: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert_eq!(
        kinds.iter().map(|crd| &crd["spec"]["names"]["kind"]).collect::<Vec<_>>(),
        ["HybridScaler", "ConnectionBudget"]
    );
}

/// Every schema of both kinds, with its path; `x-kubernetes-preserve-unknown-fields` ends the walk.
fn schemas() -> Vec<(String, Value)> {
    fn walk(path: &str, schema: &Value, found: &mut Vec<(String, Value)>) {
        for (name, below) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), below, found);
        }
        if schema["items"].is_object() {
            walk(&format!("{path}[]"), &schema["items"], found);
        }
        found.push((path.into(), schema.clone()));
    }
    let mut found = Vec::new();
    for crd in crds::all() {
        let crd = serde_json::to_value(crd).unwrap();
        let root = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        walk(crd["spec"]["names"]["kind"].as_str().unwrap(), root, &mut found);
    }
    assert!(found.len() > 80, "the walk found only {} schemas", found.len());
    found
}

#[test]
fn every_list_map_and_string_has_a_bound() {
    for (path, schema) in schemas() {
        let bounded = match schema["type"].as_str() {
            Some("array") => !schema["maxItems"].is_null(),
            Some("string") => !schema["maxLength"].is_null() || !schema["enum"].is_null(),
            Some("object") => !schema["properties"].is_null() || !schema["maxProperties"].is_null(),
            Some("integer" | "number") => !schema["minimum"].is_null(),
            other => panic!("{path} is of type {other:?}"),
        };
        assert!(bounded, "{path} has no bound: {schema}");
    }
}

#[test]
fn every_number_that_people_write_has_both_bounds() {
    for (path, schema) in schemas().into_iter().filter(|(path, _)| path.contains(".spec")) {
        if matches!(schema["type"].as_str(), Some("integer" | "number")) {
            assert!(!schema["minimum"].is_null() && !schema["maximum"].is_null(), "{path}: {schema}");
        }
    }
}

#[test]
fn every_field_is_described_and_one_that_people_write_with_default_and_range() {
    for (path, schema) in schemas() {
        // Conditions and items of lists are described by their list.
        let described = schema["description"].as_str().unwrap_or_default();
        assert!(!described.is_empty() || path.ends_with("[]"), "{path} has no description");
        if !path.contains(".spec.") {
            continue;
        }
        let number = |bound: &str| schema[bound].as_f64().map(|bound| format!("{bound}"));
        if let (Some(least), Some(most)) = (number("minimum"), number("maximum")) {
            assert!(
                described.contains(&format!("{least} to {most}")),
                "{path}: {least} to {most} is not in {described:?}"
            );
        }
        let default = match &schema["default"] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let stated = [format!("Default {default}"), format!("Default `{default}`")]
            .iter()
            .any(|words| described.contains(words));
        assert!(stated, "{path}: default {default} is not in {described:?}");
    }
}

#[test]
fn no_field_may_be_null_and_every_rule_says_more_than_its_expression() {
    for (path, schema) in schemas() {
        assert!(schema["nullable"].is_null(), "{path} may be null");
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = rule["messageExpression"].as_str().unwrap();
            let (what, mend) = message.split_once(": ").unwrap_or_else(|| panic!("{path}: no mend in {message}"));
            assert!(what.contains("%s") && !mend.is_empty(), "{path}: no value or no mend in {message}");
        }
    }
}
