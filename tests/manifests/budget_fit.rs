//! `hybridscaler budget fit`, run as a user runs it.

use std::{
    fs,
    process::{Command, Output},
};

use crate::{ROOT, budget, scaler};

fn fit(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hybridscaler"))
        .args(["budget", "fit"])
        .args(args)
        .current_dir(ROOT)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Words and numbers of the line that begins with `setting`.
fn row(text: &str, setting: &str) -> Vec<String> {
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with(setting))
        .unwrap_or_else(|| panic!("no {setting} in {text}"));
    line.trim_start().trim_start_matches(setting).split_whitespace().map(str::to_owned).collect()
}

/// A scaler of a Deployment that says nothing of its strategy, with the given reserve, and a budget without a reserve.
fn manifests(reserve: &str, deployment: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    let scaler =
        scaler("order-worker", ("perReplica: 10", &format!("perReplica: 10\n      rolloutReserve: {reserve}")));
    let budget = budget("{capacity: {postgres: {secretRef: {name: orders-db-url}}}}");
    fs::write(&file, format!("{budget}---\n{scaler}---\n{deployment}")).unwrap();
    file
}

#[test]
fn of_360_connections_17_or_28_or_35_replicas_fit_by_what_is_reserved() {
    for (reserve, expected) in
        [("Full", ["[17]", "28", "35"]), ("Surge", ["17", "[28]", "35"]), ("None", ["17", "28", "[35]"])]
    {
        let file = manifests(reserve, "");
        let text = stdout(&fit(&[file.path().to_str().unwrap(), "--max-connections", "360", "--reserved", "3"]));
        assert!(text.contains("360 - 3 kept by the server - 0 in reserve = 357 connections"), "{text}");
        assert_eq!(row(&text, "maxSurge: 25%"), expected, "{text}");
    }
}

#[test]
fn it_shows_which_setting_of_the_deployment_changes_the_answer() {
    let file = manifests("Surge", "");
    let text = stdout(&fit(&[file.path().to_str().unwrap(), "--max-connections", "360"]));
    assert_eq!(row(&text, "maxSurge: 0"), ["17", "35", "35"]);
    assert_eq!(row(&text, "strategy: Recreate"), ["35", "35", "35"]);

    let recreate = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: order-worker, namespace: orders}\nspec: {selector: {}, template: {}, strategy: {type: Recreate}}";
    let file = manifests("Full", recreate);
    let text = stdout(&fit(&[file.path().to_str().unwrap(), "--max-connections", "360"]));
    assert_eq!(row(&text, "strategy: Recreate"), ["[35]", "35", "35"]);
}

#[test]
fn a_deployment_in_the_files_is_taken_as_it_is() {
    let text = stdout(&fit(&[
        "examples/orders/order-worker.yaml",
        "examples/orders/orders-db.yaml",
        "--max-connections",
        "360",
    ]));
    assert!(!text.contains("maxSurge: 25%"), "{text}");
    assert_eq!(row(&text, "maxSurge: 0"), ["17", "[35]", "35"]);
}

#[test]
fn the_deployment_configuration_of_ecs_is_given() {
    let files = ["examples/orders/core-api.yaml", "examples/orders/orders-db.yaml", "--max-connections", "360"];
    let text = stdout(&fit(&files));
    assert_eq!(row(&text, "maximumPercent: 200"), ["17", "[17]", "35"]);
    assert_eq!(row(&text, "maximumPercent: 100"), ["17", "35", "35"]);
    let text = stdout(&fit(&[&files[..], &["--maximum-percent", "150"]].concat()));
    assert_eq!(row(&text, "maximumPercent: 150"), ["17", "[23]", "35"]);
}

#[test]
fn the_readme_of_the_example_shows_what_is_printed() {
    let readme = fs::read_to_string(format!("{ROOT}/examples/orders/README.md")).unwrap();
    let block = readme.split("```console\n$ hybridscaler budget fit ").nth(1).unwrap().split("```").next().unwrap();
    let (command, shown) = block.split_once('\n').unwrap();
    let mut args: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(args.remove(0), "examples/orders/*.yaml");
    // In the order in which a shell puts them.
    let files = ["core-api", "order-worker", "orders-db", "values"].map(|name| format!("examples/orders/{name}.yaml"));
    let args: Vec<&str> = files.iter().map(String::as_str).chain(args).collect();
    assert_eq!(stdout(&fit(&args)), shown);
}

#[test]
fn an_error_names_file_line_and_mend() {
    let cases: [(&[&str], &str); 5] = [
        (
            &["examples/orders/order-worker.yaml"],
            "error: examples/orders/order-worker.yaml:52:7: ConnectionBudget orders/orders-db is in none of the files: name its file too\n",
        ),
        (
            &["examples/orders/order-worker.yaml", "examples/orders/orders-db.yaml"],
            "error: examples/orders/orders-db.yaml:10:5: spec.capacity is read from the server, which is not asked here: pass \
             --max-connections and --reserved\n",
        ),
        (
            &["examples/terraform/core-api.yaml"],
            "error: examples/terraform/core-api.yaml:7:1: sets no connections, so no budget applies: set spec.connections\n",
        ),
        (
            &["examples/orders/orders-db.yaml"],
            "error: no HybridScaler in examples/orders/orders-db.yaml: name the files that hold one\n",
        ),
        (&["examples/none.yaml"], "error: cannot read examples/none.yaml: No such file or directory (os error 2)\n"),
    ];
    for (args, expected) in cases {
        assert_eq!(stderr(&fit(args)), expected, "{args:?}");
    }
}

#[test]
fn a_misspelt_reserve_is_not_taken_for_the_default() {
    let file = manifests("Surge", "");
    let text = fs::read_to_string(&file).unwrap().replace("rolloutReserve", "rolloutReserv");
    fs::write(&file, text).unwrap();
    let said = stderr(&fit(&[file.path().to_str().unwrap(), "--max-connections", "360"]));
    assert!(
        said.ends_with(
            ".yaml:19:7: unknown field \"spec.connections[0].rolloutReserv\": did you mean `rolloutReserve`?\n"
        ),
        "{said}"
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_once() {
    let file = manifests("Surge", "");
    let path = file.path().to_str().unwrap().to_owned();
    let text = fs::read_to_string(&file).unwrap();
    let scaler = text.split("---\n").nth(1).unwrap();
    let second = scaler.replace("order-worker", "mail-worker");
    let elsewhere = scaler.replace("order-worker", "bill-worker").replace("orders-db", "bills-db");
    fs::write(&file, format!("{text}---\n{second}---\n{elsewhere}")).unwrap();
    let lines = |args: &[&str]| stderr(&fit(args)).lines().map(|line| line.replace(&path, "FILE")).collect::<Vec<_>>();
    let server =
        "spec.capacity is read from the server, which is not asked here: pass --max-connections and --reserved";
    let missing = "ConnectionBudget orders/bills-db is in none of the files: name its file too";
    assert_eq!(lines(&[&path]), [format!("error: FILE:4:19: {server}"), format!("warning: FILE:48:7: {missing}")]);

    let misspelt = text.replace("rolloutReserve: Surge", "rolloutReserve: Some").replace("maxReplicas", "maxReplica");
    fs::write(&file, misspelt).unwrap();
    let told = lines(&[&path]);
    assert!(told.len() == 3 && told.iter().all(|line| line.starts_with("error: FILE:")), "{told:?}");
}
