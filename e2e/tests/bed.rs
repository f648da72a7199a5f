//! The bed itself: the parts are real, count what they say they count, and leave nothing behind.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use hybridscaler_e2e::bed::Bed;
use hybridscaler_e2e::bed::control_plane::client_from;
use hybridscaler_e2e::bed::postgres::{HELD_BY_THE_BED, Postgres, SUPERUSER_RESERVED_CONNECTIONS, Settings, Tls};
use hybridscaler_e2e::bed::run::Run;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::{Condition, await_condition};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_postgres::{Client, Error, NoTls};

/// The value as a Kubernetes type.
fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn pod(name: &str, annotations: &Value, finalizers: &[&str]) -> Pod {
    object(json!({
        "metadata": {"name": name, "annotations": annotations, "finalizers": finalizers},
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
    }))
}

/// The pod's condition `Ready` is `True`.
fn ready() -> impl Condition<Pod> {
    |pod: Option<&Pod>| pod.is_some_and(|pod| transition(pod, "Ready").is_some())
}

/// When a condition of the pod became `True`.
fn transition(pod: &Pod, condition: &str) -> Option<i64> {
    let found = pod
        .status
        .as_ref()?
        .conditions
        .as_ref()?
        .iter()
        .find(|c| c.type_ == condition && c.status == "True")?;
    Some(found.last_transition_time.as_ref()?.0.as_second())
}

#[tokio::test]
async fn a_deployment_goes_from_5_to_50_running_pods() {
    let bed = Bed::shared("grow").await.unwrap();
    let client = bed.control_plane.admin().await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &bed.namespace);
    let ready = |replicas| {
        move |web: Option<&Deployment>| {
            web.and_then(|d| d.status.as_ref()).and_then(|s| s.ready_replicas) == Some(replicas)
        }
    };
    let web = object(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
            },
        },
    }));
    let started = Instant::now();
    deployments.create(&PostParams::default(), &web).await.unwrap();
    await_condition(deployments.clone(), "web", ready(5)).await.unwrap();
    let five = started.elapsed();
    let fifty = Patch::Merge(json!({"spec": {"replicas": 50}}));
    deployments
        .patch_scale("web", &PatchParams::default(), &fifty)
        .await
        .unwrap();
    await_condition(deployments, "web", ready(50)).await.unwrap();
    println!("5 pods ready after {five:?}, 50 after {:?}", started.elapsed());

    let pods = Api::<Pod>::namespaced(client, &bed.namespace)
        .list(&ListParams::default().labels("app=web"))
        .await
        .unwrap();
    assert_eq!(pods.items.len(), 50);
    assert!(pods.iter().all(|pod| {
        pod.spec
            .as_ref()
            .unwrap()
            .node_name
            .as_deref()
            .unwrap()
            .starts_with("node-")
    }));
}

#[tokio::test]
async fn a_pod_takes_its_start_seconds_to_become_ready() {
    let bed = Bed::shared("slow-start").await.unwrap();
    let pods: Api<Pod> = Api::namespaced(bed.control_plane.admin().await.unwrap(), &bed.namespace);
    let slow = pod("slow", &json!({"e2e.hybridscaler.dev/start-seconds": "2"}), &[]);
    pods.create(&PostParams::default(), &slow).await.unwrap();
    let slow = await_condition(pods, "slow", ready()).await.unwrap().unwrap();
    let took = transition(&slow, "Ready").unwrap() - transition(&slow, "PodScheduled").unwrap();
    assert!(took >= 2, "took {took} s");
}

#[tokio::test]
async fn a_deleted_pod_stays_as_long_as_it_has_a_finalizer() {
    let bed = Bed::shared("finalizer").await.unwrap();
    let pods: Api<Pod> = Api::namespaced(bed.control_plane.admin().await.unwrap(), &bed.namespace);
    for (name, finalizers) in [("held", &["e2e.hybridscaler.dev/hold"][..]), ("free", &[])] {
        pods.create(&PostParams::default(), &pod(name, &json!({}), finalizers))
            .await
            .unwrap();
        await_condition(pods.clone(), name, ready()).await.unwrap();
    }
    let held = pods
        .delete("held", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .unwrap();
    let free = pods
        .delete("free", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .unwrap();
    // What kwok does without a finalizer is the measure of how long it would have taken.
    await_condition(pods.clone(), "free", is_deleted(&free.metadata.uid.unwrap()))
        .await
        .unwrap();
    assert!(pods.get("held").await.unwrap().metadata.deletion_timestamp.is_some());

    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    pods.patch("held", &PatchParams::default(), &release).await.unwrap();
    await_condition(pods, "held", is_deleted(&held.metadata.uid.unwrap()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_account_may_do_what_rbac_grants_and_the_audit_log_tells() {
    let bed = Bed::shared("rbac").await.unwrap();
    let (admin, namespace) = (bed.control_plane.admin().await.unwrap(), &bed.namespace);
    let account = object(json!({"metadata": {"name": "reader"}}));
    Api::<ServiceAccount>::namespaced(admin.clone(), namespace)
        .create(&PostParams::default(), &account)
        .await
        .unwrap();
    let kubeconfig = bed
        .control_plane
        .service_account_kubeconfig(namespace, "reader")
        .await
        .unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client_from(kubeconfig).await.unwrap(), namespace);
    let refused = maps.list(&ListParams::default()).await.unwrap_err();
    assert!(
        matches!(&refused, kube::Error::Api(status) if status.is_forbidden()),
        "{refused}"
    );

    let role = object(json!({
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}],
    }));
    Api::<Role>::namespaced(admin.clone(), namespace)
        .create(&PostParams::default(), &role)
        .await
        .unwrap();
    let binding = object(json!({
        "metadata": {"name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
    }));
    Api::<RoleBinding>::namespaced(admin, namespace)
        .create(&PostParams::default(), &binding)
        .await
        .unwrap();
    eventually("the Role is in force", async || {
        maps.list(&ListParams::default()).await.is_ok()
    })
    .await;

    let user = format!("system:serviceaccount:{namespace}:reader");
    let events = bed.control_plane.audit_log().of_user(&user).unwrap();
    assert!(events.len() >= 2);
    assert!(events[0].is_forbidden());
    assert!(events.iter().all(|event| event.verb == "list" && !event.is_write()));
    assert!(
        events
            .iter()
            .all(|event| event.object_ref.as_ref().unwrap().resource == "configmaps")
    );
    let admins = bed.control_plane.audit_log().of_user("e2e:admin").unwrap();
    let written = |resource: &str| {
        admins.iter().any(|event| {
            let object = event.object_ref.as_ref();
            event.is_write() && object.is_some_and(|o| o.resource == resource && &o.namespace == namespace)
        })
    };
    assert!(written("rolebindings") && !written("deployments"));
}

#[tokio::test]
async fn the_aggregation_layer_asks_the_server_behind_an_api_service() {
    let bed = Bed::shared("aggregation").await.unwrap();
    let client = bed.control_plane.admin().await.unwrap();
    let service =
        object(json!({"metadata": {"name": "absent"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}));
    Api::<Service>::namespaced(client.clone(), &bed.namespace)
        .create(&PostParams::default(), &service)
        .await
        .unwrap();
    let api = object(json!({
        "metadata": {"name": "v1.absent.example.com"},
        "spec": {
            "group": "absent.example.com",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": true,
            // Nobody listens there.
            "service": {"name": "absent", "namespace": bed.namespace, "port": 1},
        },
    }));
    let apis: Api<APIService> = Api::all(client);
    apis.create(&PostParams::default(), &api).await.unwrap();
    let asked = |api: Option<&APIService>| {
        let status = api
            .and_then(|api| api.status.as_ref())
            .and_then(|status| status.conditions.as_ref());
        status
            .into_iter()
            .flatten()
            .any(|c| c.type_ == "Available" && c.reason.as_deref() == Some("FailedDiscoveryCheck"))
    };
    await_condition(apis, "v1.absent.example.com", asked).await.unwrap();
}

#[tokio::test]
async fn kubectl_and_helm_talk_to_the_control_plane() {
    let bed = Bed::shared("clients").await.unwrap();
    let version = bed.control_plane.kubectl(["version", "--output=json"]).await.unwrap();
    let version: Value = serde_json::from_str(&stdout(&version)).unwrap();
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.37.2");
    assert_eq!(version["clientVersion"]["gitVersion"], "v1.37.1");
    let version = bed
        .control_plane
        .helm(["version", "--template={{.Version}}"])
        .await
        .unwrap();
    assert_eq!(stdout(&version), "v4.3.1");
    let releases = bed
        .control_plane
        .helm(["list", "--all-namespaces", "--output=json"])
        .await
        .unwrap();
    assert_eq!(stdout(&releases).trim(), "[]");
}

/// A connection as `role`, or why there is none.
async fn connect(postgres: &Postgres, role: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(&postgres.url(role), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn postgres_refuses_what_is_above_its_limit_and_the_log_counts_it() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let started = Instant::now();
    let postgres = Postgres::start(
        run,
        "limit",
        Settings {
            max_connections: 20,
            ..Settings::default()
        },
    )
    .await
    .unwrap();
    println!("PostgreSQL up after {:?}", started.elapsed());
    for role in ["orders", "payments"] {
        postgres.create_role(role).await.unwrap();
    }
    let sampler = postgres.sampler();
    assert_eq!(postgres.refusals().unwrap(), 0);

    let usable = usize::from(20 - SUPERUSER_RESERVED_CONNECTIONS - HELD_BY_THE_BED);
    let held = join_all((0..usable).map(|i| connect(&postgres, ["orders", "payments"][usize::from(i >= 10)]))).await;
    assert!(held.iter().all(Result::is_ok));
    let refused = join_all((0..7).map(|_| connect(&postgres, "payments"))).await;
    assert!(
        refused
            .iter()
            .all(|answer| answer.as_ref().is_err_and(|e| e.code().unwrap().code() == "53300"))
    );
    assert_eq!(postgres.refusals().unwrap(), 7);

    eventually("a sample shows all", async || {
        let latest = sampler.latest().unwrap();
        latest
            .is_some_and(|sample| sample.connections_of(&["orders"]) == 10 && sample.connections_of(&["payments"]) == 6)
    })
    .await;
    drop(held);
    eventually("a sample shows none", async || {
        sampler.latest().unwrap().unwrap().connections() == 0
    })
    .await;
    // One that is going to be refused has a slot for a moment, but is never counted as its role's.
    assert!(usize::try_from(sampler.peak().unwrap()).unwrap() >= usable);
    let samples = sampler.samples().unwrap();
    let most = samples.iter().map(|sample| sample.connections_of(&["orders", "payments"])).max().unwrap();
    assert_eq!(usize::try_from(most).unwrap(), usable);
    // A wrong password is a failure, but not a refusal for want of a slot.
    let wrong = postgres.url("orders").replacen("orders:", "orders:not-", 1);
    assert!(tokio_postgres::connect(&wrong, NoTls).await.is_err());
    assert_eq!(postgres.refusals().unwrap(), 7);
}

#[tokio::test]
async fn postgres_can_insist_on_tls() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let settings = Settings {
        tls: Tls::Required,
        ..Settings::default()
    };
    let postgres = Postgres::start(run, "tls", settings).await.unwrap();
    postgres.create_role("orders").await.unwrap();
    let plain = postgres.url("orders").replace("sslmode=require", "sslmode=disable");
    let refused = tokio_postgres::connect(&plain, NoTls).await.err().unwrap();
    assert_eq!(refused.code().unwrap().code(), "28000");

    let address = format!("127.0.0.1:{}", postgres.port());
    let handshake = Command::new("openssl")
        .args([
            "s_client",
            "-starttls",
            "postgres",
            "-verify_return_error",
            "-verify_ip",
            "127.0.0.1",
            "-connect",
            &address,
        ])
        .arg("-CAfile")
        .arg(postgres.certificate_authority().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(stdout(&handshake).contains("Verify return code: 0 (ok)"));
}

/// Set for the second process of the next test: it is the one that gets killed.
const VICTIM: &str = "HYBRIDSCALER_E2E_VICTIM";

#[tokio::test]
async fn a_killed_run_leaves_its_logs_and_nothing_else() {
    if std::env::var_os(VICTIM).is_some() {
        return be_killed().await;
    }
    let this_test = [
        "--exact",
        "--nocapture",
        "a_killed_run_leaves_its_logs_and_nothing_else",
    ];
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(this_test)
        .env(VICTIM, "")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut told = async |what: &str| loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(path) = line.strip_prefix(what) {
            return PathBuf::from(path);
        }
    };
    let (logs, data, server) = (told("logs ").await, told("data ").await, told("server ").await);
    assert!(logs.join("postgres-victim.log").exists() && data.exists() && server.exists());
    victim.kill().await.unwrap();

    eventually("the server is gone", async || !server.exists()).await;
    eventually("the data is gone", async || !data.exists()).await;
    assert!(logs.join("postgres-victim.log").exists());
    std::fs::remove_dir_all(logs).unwrap();
}

/// Starts a server, tells where everything is, and waits for the end.
async fn be_killed() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let data = run.data("marker").unwrap();
    let postgres = Postgres::start(Arc::clone(&run), "victim", Settings::default())
        .await
        .unwrap();
    let proc = Path::new("/proc").join(postgres.process_id().to_string());
    println!(
        "\nlogs {}\ndata {}\nserver {}",
        run.logs().display(),
        data.parent().unwrap().display(),
        proc.display()
    );
    std::future::pending().await
}

/// Waits for something that no event tells of; a minute is many times what it takes.
async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
