//! Helm, and what it prints.

use std::fs;
use std::process::{Command, Output};

use hybridscaler_e2e::bed::tools::Part;
use hybridscaler_e2e::operator::RELEASE;
use serde::Deserialize;

/// Runs Helm without a cluster.
pub(crate) async fn helm(args: &[&str]) -> Output {
    let clients = Part::KubeClients.locate().await.unwrap();
    Command::new(clients.join("helm")).args(args).env("HOME", env!("CARGO_TARGET_TMPDIR")).output().unwrap()
}

/// What the template `templates/NAME.yaml` comes to.
pub(crate) async fn render<T: for<'a> Deserialize<'a>>(chart: &str, values: &str, name: &str) -> Vec<T> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    fs::write(&file, values).unwrap();
    let template = format!("templates/{name}.yaml");
    let args = ["template", RELEASE, chart, "--show-only", &template, "--values", file.to_str().unwrap()];
    documents(&success(&helm(&args).await))
}

/// The YAML block of the repository's README that begins with `start`.
pub(crate) fn readme_block(start: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let block =
        readme.split("```").find_map(|block| block.strip_prefix("yaml\n").filter(|block| block.starts_with(start)));
    block.unwrap().to_owned()
}

/// The documents of a YAML stream.
pub(crate) fn documents<T: for<'a> Deserialize<'a>>(yaml: &str) -> Vec<T> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// What a command that succeeded printed.
pub(crate) fn success(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// All that a command printed.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
