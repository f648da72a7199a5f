//! What Helm makes of the chart and its values, without a cluster.

use std::fs;
use std::path::Path;

use hybridscaler::api::config::OperatorConfig;
use hybridscaler_e2e::operator::CHART;
use k8s_openapi::api::core::v1::ConfigMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::helm::{documents, helm, readme_block, render, success, text};

/// The top of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

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
    let cases: Vec<Case> = documents(include_str!("wrong-values.yaml"));
    assert!(cases.len() >= 19, "the table has shrunk to {}", cases.len());
    for Case { at, says, values } in cases {
        fs::write(&file, values.to_string()).unwrap();
        let output = helm(&["template", "x", CHART, "--values", file.to_str().unwrap()]).await;
        let said = text(&output);
        assert!(!output.status.success(), "{values} is not refused");
        assert!(
            said.lines().any(|line| line.contains(&format!("at {at}: ")) && line.contains(&says)),
            "{values}: {said}"
        );
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
    let config: Value = serde_saphyr::from_str(&config_file(values).await).unwrap();
    let expected = json!({
        "scalableKinds": [{"apiGroup": "argoproj.io", "kinds": ["Rollout"]}],
        "trust": [{"namespaces": ["orders"]}],
    });
    assert_eq!(config, expected);

    let rbac: Vec<Value> = render(CHART, values, "rbac").await;
    let rules = rbac.first().unwrap().pointer("/rules").unwrap().as_array().unwrap();
    let of = |group: &str| {
        rules.iter().filter(|rule| rule.pointer("/apiGroups/0") == Some(&json!(group))).collect::<Vec<_>>()
    };
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
async fn a_metrics_api_that_is_switched_off_gives_no_right() {
    for (values, pods, external) in [
        ("{}", true, true),
        ("{metricsApis: {pods: false}}", false, true),
        ("{metricsApis: {external: false}}", true, false),
    ] {
        let rbac: Vec<Value> = render(CHART, values, "rbac").await;
        let text = rbac.first().unwrap().to_string();
        let named = |group: &str| text.contains(&format!(r#"["{group}"]"#));
        assert_eq!((named("metrics.k8s.io"), named("external.metrics.k8s.io")), (pods, external), "{values}");
    }
}

#[tokio::test]
async fn the_configuration_that_the_chart_writes_is_one_that_the_operator_reads() {
    OperatorConfig::parse(&config_file(&readme_block("config:")).await).unwrap();
    let config = OperatorConfig::parse(&config_file(include_str!("values.yaml")).await).unwrap();
    config.scalable_kinds.allows("apps/v1", "StatefulSet").unwrap();
    assert_eq!(config.aws.endpoint_url.as_deref(), Some("http://127.0.0.1:4566"));
}

#[test]
fn the_readme_has_a_line_for_every_value() {
    let values: Value =
        serde_saphyr::from_str(&fs::read_to_string(Path::new(CHART).join("values.yaml")).unwrap()).unwrap();
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
async fn the_authorities_of_databases_are_mounted_where_the_operator_is_told_to_look() {
    let container = "/spec/template/spec/containers/0";
    let look = async |values: &str| {
        let deployments: Vec<Value> = render(CHART, values, "deployment").await;
        let of = |path: &str| deployments.first().unwrap().pointer(path).unwrap().clone();
        (of(&format!("{container}/args")), of(&format!("{container}/volumeMounts")), of("/spec/template/spec/volumes"))
    };
    let (args, mounts, volumes) = look("{databaseCertificates: {configMap: rds, key: bundle.pem}}").await;
    let args: Vec<_> = args.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let file = args.windows(2).find(|pair| pair.first() == Some(&"--database-ca-file")).unwrap().last().unwrap();
    let (folder, key) = file.rsplit_once('/').unwrap();
    let mount = mounts.as_array().unwrap().iter().find(|mount| mount.get("mountPath") == Some(&json!(folder))).unwrap();
    let volume = volumes.as_array().unwrap().iter().find(|volume| volume.get("name") == mount.get("name")).unwrap();
    assert_eq!(
        volume.get("configMap"),
        Some(&json!({"name": "rds", "items": [{"key": "bundle.pem", "path": "bundle.pem"}]}))
    );
    assert_eq!(key, "bundle.pem");

    let (args, mounts, volumes) = look("{}").await;
    assert!(!args.to_string().contains("--database-ca-file"), "{args}");
    assert_eq!((mounts.as_array().unwrap().len(), volumes.as_array().unwrap().len()), (1, 1));
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

/// The operator's configuration, as the chart writes it.
async fn config_file(values: &str) -> String {
    let maps: Vec<ConfigMap> = render(CHART, values, "configmap").await;
    let data = maps.into_iter().next().and_then(|map| map.data).unwrap();
    data.get("config.yaml").unwrap().clone()
}

fn name(object: &Value) -> String {
    object.pointer("/metadata/name").unwrap().as_str().unwrap().to_owned()
}
