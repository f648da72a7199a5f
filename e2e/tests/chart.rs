//! The chart, with the real Helm against a real API server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};
use std::{fs, str};

use hybridscaler_e2e::bed::Bed;
use hybridscaler_e2e::bed::tools::Part;
use hybridscaler_e2e::operator::{CHART, Operator, RELEASE, STOP_WITHIN};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// The top of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

// ---- Without a cluster: what Helm makes of the chart and its values.

#[tokio::test]
async fn lint_finds_nothing() {
    success(&helm(&["lint", "--strict", CHART]).await);
}

#[tokio::test]
async fn a_wrong_value_is_refused_with_its_path() {
    #[derive(Deserialize)]
    struct Case {
        at: String,
        says: String,
        values: Value,
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    let cases: Vec<Case> = documents(include_str!("chart/wrong-values.yaml"));
    assert!(cases.len() >= 19, "the table has shrunk to {}", cases.len());
    for Case { at, says, values } in cases {
        fs::write(&file, values.to_string()).unwrap();
        let output = helm(&["template", "x", CHART, "--values", file.to_str().unwrap()]).await;
        let said = text(&output);
        assert!(!output.status.success(), "{values} is not refused");
        assert!(said.lines().any(|line| line.contains(&format!("at {at}: ")) && line.contains(&says)), "{values}: {said}");
    }
}

#[tokio::test]
async fn the_crds_are_those_of_the_repository_with_the_order_to_keep_them() {
    let packaged = tempfile::tempdir().unwrap();
    let target = packaged.path().to_str().unwrap();
    success(&helm(&["package", CHART, "--destination", target]).await);
    let package = fs::read_dir(packaged.path()).unwrap().next().unwrap().unwrap().path();

    let mut expected: Vec<Value> = fs::read_dir(Path::new(ROOT).join("crds"))
        .unwrap()
        .map(|file| serde_saphyr::from_str(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap())
        .collect();
    expected.sort_by_key(name);
    assert_eq!(expected.len(), 2);
    for chart in [CHART, package.to_str().unwrap()] {
        let mut rendered: Vec<Value> = render(chart, "{}", "crds").await;
        rendered.sort_by_key(name);
        for crd in &mut rendered {
            let annotations = crd.pointer_mut("/metadata/annotations").unwrap().take();
            assert_eq!(annotations, json!({"helm.sh/resource-policy": "keep"}));
            crd.pointer_mut("/metadata").unwrap().as_object_mut().unwrap().remove("annotations");
        }
        assert_eq!(rendered, expected, "from {chart}");
    }
    let without = success(&helm(&["template", "x", CHART, "--set", "crds.install=false"]).await);
    assert!(!without.contains("CustomResourceDefinition"), "{without}");
}

#[tokio::test]
async fn the_configuration_and_the_rights_name_the_same_kinds() {
    let values = "{scalableKinds: [{apiGroup: argoproj.io, kind: Rollout, resource: rollouts}], \
                  config: {trust: [{namespaces: [orders]}]}}";
    let maps: Vec<ConfigMap> = render(CHART, values, "configmap").await;
    let config = maps.first().and_then(|map| map.data.as_ref()).and_then(|data| data.get("config.yaml")).unwrap();
    let config: Value = serde_saphyr::from_str(config).unwrap();
    let expected = json!({
        "scalableKinds": [{"apiGroup": "argoproj.io", "kinds": ["Rollout"]}],
        "trust": [{"namespaces": ["orders"]}],
    });
    assert_eq!(config, expected);

    let rbac: Vec<Value> = render(CHART, values, "rbac").await;
    let rules = rbac.first().unwrap().pointer("/rules").unwrap().as_array().unwrap();
    let of = |group: &str| rules.iter().filter(|rule| rule.pointer("/apiGroups/0") == Some(&json!(group))).collect::<Vec<_>>();
    assert_eq!(
        of("argoproj.io"),
        [
            &json!({"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get"]}),
            &json!({"apiGroups": ["argoproj.io"], "resources": ["rollouts/scale"], "verbs": ["get", "update"]}),
        ]
    );
    assert_eq!(of("apps"), [&json!({"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]})]);
}

#[tokio::test]
async fn the_configuration_that_the_chart_writes_is_one_that_the_operator_reads() {
    let values = include_str!("chart/values.yaml");
    let maps: Vec<ConfigMap> = render(CHART, values, "configmap").await;
    let config = maps.first().and_then(|map| map.data.as_ref()).and_then(|data| data.get("config.yaml")).unwrap();
    let config = hybridscaler::api::config::OperatorConfig::parse(config).unwrap();
    config.scalable_kinds.allows("apps/v1", "StatefulSet").unwrap();
    assert_eq!(config.aws.endpoint_url.as_deref(), Some("http://127.0.0.1:4566"));
}

#[test]
fn the_readme_has_a_line_for_every_value_with_its_default() {
    let values: Value = serde_saphyr::from_str(&fs::read_to_string(Path::new(CHART).join("values.yaml")).unwrap()).unwrap();
    let readme = fs::read_to_string(Path::new(CHART).join("README.md")).unwrap();
    let in_table = |path: &str| readme.lines().any(|line| line.starts_with(&format!("| `{path}` |")));
    for (key, value) in values.as_object().unwrap() {
        let whole = in_table(key);
        for path in value.as_object().into_iter().flatten().map(|(inner, _)| format!("{key}.{inner}")) {
            assert!(whole || in_table(&path), "README.md has no line for {path}");
        }
        assert!(whole || value.is_object(), "README.md has no line for {key}");
    }
}

#[tokio::test]
async fn a_change_of_the_configuration_alone_makes_a_new_pod() {
    let checksum = async |values: &str| -> Value {
        let deployments: Vec<Value> = render(CHART, values, "deployment").await;
        deployments.first().unwrap().pointer("/spec/template/metadata/annotations/checksum~1config").unwrap().clone()
    };
    let (before, same) = (checksum("{}").await, checksum("{nodeSelector: {a: b}}").await);
    assert_eq!(before, same);
    assert_ne!(before, checksum("{config: {trust: [{namespaces: [orders]}]}}").await);
}

// ---- On the test bed.

#[tokio::test]
async fn the_operator_may_do_what_it_needs_and_reads_no_secret() {
    let cluster = Cluster::enter("rights").await;
    cluster.upgrade("{}", &["--take-ownership"]).await;
    let namespace = &cluster.bed.namespace;
    let user = format!("system:serviceaccount:{namespace}:{RELEASE}");
    let question = ["auth", "can-i", "list", "secrets", "--all-namespaces", "--as", &user];
    let answer = cluster.bed.control_plane.kubectl(question).await.unwrap();
    assert_eq!(str::from_utf8(&answer.stdout).unwrap().trim(), "no");

    let reviews: Api<SubjectAccessReview> = Api::all(cluster.bed.control_plane.admin().await.unwrap());
    let groups = ["system:authenticated", "system:serviceaccounts", &format!("system:serviceaccounts:{namespace}")];
    for line in include_str!("chart/rights.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [expected, verb, what] = words.as_slice() else { panic!("rights.txt: {line}") };
        let (object, subresource) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = object.split_once('.').unwrap_or((object, ""));
        let review = serde_json::from_value(json!({
            "metadata": {},
            "spec": {
                "user": user,
                "groups": groups,
                // Not the operator's own namespace: the rights are for the whole cluster, and so are the denials.
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": "default",
                },
            },
        }));
        let answer = reviews.create(&PostParams::default(), &review.unwrap()).await.unwrap().status.unwrap();
        assert_eq!(answer.allowed, *expected == "yes", "{verb} {what}: {}", answer.reason.unwrap_or_default());
    }
    cluster.uninstall().await;
}

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
    cluster.uninstall().await;
}

#[tokio::test]
async fn the_operator_gets_ready_as_the_chart_runs_it_and_ends_in_time() {
    let cluster = Cluster::enter("process").await;
    let operator = Operator::install(&cluster.bed, "{log: {format: text}}").await.unwrap();
    let metrics = operator.metrics().await.unwrap();
    assert!(metrics.lines().any(|line| line.starts_with("# TYPE hybridscaler_")), "{metrics}");
    let took = operator.stop().await.unwrap();
    println!("ended {took:?} after SIGTERM, of {STOP_WITHIN:?}");
    cluster.uninstall().await;
}

/// The bed of a test that installs the chart. One at a time: CRDs and cluster roles have no namespace.
struct Cluster {
    bed: Bed,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    async fn enter(label: &str) -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let cluster = Self { bed: Bed::shared(label).await.unwrap(), _turn: turn };
        let standard = "pod-security.kubernetes.io/enforce=restricted";
        cluster.kubectl(&["label", "namespace", &cluster.bed.namespace, standard]).await;
        cluster
    }

    /// `helm upgrade --install` with values and further options; returns what it printed.
    async fn upgrade(&self, values: &str, options: &[&str]) -> String {
        let file = self.bed.logs().join("chart-values.yaml");
        fs::write(&file, values).unwrap();
        let mut args = vec!["upgrade", "--install", RELEASE, CHART, "--namespace", &self.bed.namespace];
        args.extend(["--values", file.to_str().unwrap(), "--wait", "--timeout=60s"]);
        args.extend(options);
        success(&self.bed.control_plane.helm(args).await.unwrap())
    }

    async fn uninstall(&self) {
        let args = ["uninstall", RELEASE, "--namespace", &self.bed.namespace, "--wait"];
        success(&self.bed.control_plane.helm(args).await.unwrap());
    }

    async fn kubectl(&self, args: &[&str]) -> String {
        success(&self.bed.control_plane.kubectl(args.iter().chain(&["--namespace", &self.bed.namespace])).await.unwrap())
    }

    async fn uid(&self, kind: &str, name: &str) -> String {
        self.kubectl(&["get", kind, name, "--output", "jsonpath={.metadata.uid}"]).await
    }
}

async fn helm(args: &[&str]) -> Output {
    let clients = Part::KubeClients.locate().await.unwrap();
    Command::new(clients.join("helm")).args(args).env("HOME", env!("CARGO_TARGET_TMPDIR")).output().unwrap()
}

/// What the template `templates/NAME.yaml` comes to.
async fn render<T: for<'a> Deserialize<'a>>(chart: &str, values: &str, name: &str) -> Vec<T> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    fs::write(&file, values).unwrap();
    let template = format!("templates/{name}.yaml");
    let args = ["template", RELEASE, chart, "--show-only", &template, "--values", file.to_str().unwrap()];
    documents(&success(&helm(&args).await))
}

fn documents<T: for<'a> Deserialize<'a>>(yaml: &str) -> Vec<T> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

fn name(object: &Value) -> String {
    object.pointer("/metadata/name").unwrap().as_str().unwrap().to_owned()
}

/// What a command that succeeded printed.
fn success(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
