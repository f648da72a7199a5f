//! RBAC, audit log, aggregation layer and the command-line clients.

use std::time::Instant;

use hybridscaler_e2e::bed::Bed;
use hybridscaler_e2e::bed::control_plane::client_from;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, ListParams, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};

use crate::{eventually, object, stdout};

#[tokio::test]
async fn a_second_control_plane_runs_beside_the_first_and_ends_with_its_bed() {
    let first = Bed::shared("first").await.unwrap();
    let started = Instant::now();
    let second = Bed::own("second").await.unwrap();
    println!("second control plane up after {:?}", started.elapsed());
    let client = second.control_plane.admin().await.unwrap();
    let namespaces: Api<Namespace> = Api::all(client);
    assert!(namespaces.get_opt(&second.namespace).await.unwrap().is_some());
    assert!(namespaces.get_opt(&first.namespace).await.unwrap().is_none());

    let logs = second.logs().to_owned();
    assert!(logs.join("kube-apiserver.log").exists());
    drop(second);
    assert!(namespaces.get_opt("default").await.is_err());
    assert!(!logs.exists());
}

#[tokio::test]
async fn a_service_account_may_do_what_rbac_grants_and_the_audit_log_tells() {
    let bed = Bed::shared("rbac").await.unwrap();
    let (admin, namespace) = (bed.control_plane.admin().await.unwrap(), &bed.namespace);
    let account = object(json!({"metadata": {"name": "reader"}}));
    Api::<ServiceAccount>::namespaced(admin.clone(), namespace).create(&PostParams::default(), &account).await.unwrap();
    let kubeconfig = bed.control_plane.service_account_kubeconfig(namespace, "reader").await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client_from(kubeconfig).await.unwrap(), namespace);
    let refused = maps.list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.is_forbidden()), "{refused}");

    let role = object(json!({
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}],
    }));
    Api::<Role>::namespaced(admin.clone(), namespace).create(&PostParams::default(), &role).await.unwrap();
    let binding = object(json!({
        "metadata": {"name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
    }));
    Api::<RoleBinding>::namespaced(admin, namespace).create(&PostParams::default(), &binding).await.unwrap();
    eventually("the Role is in force", async || maps.list(&ListParams::default()).await.is_ok()).await;

    let user = format!("system:serviceaccount:{namespace}:reader");
    let events = bed.control_plane.audit_log().of_user(&user).unwrap();
    assert!(events.len() >= 2);
    assert!(events[0].is_forbidden());
    assert!(events.iter().all(|event| event.verb == "list" && !event.is_write()));
    assert!(events.iter().all(|event| event.object_ref.as_ref().unwrap().resource == "configmaps"));
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
    Api::<Service>::namespaced(client.clone(), &bed.namespace).create(&PostParams::default(), &service).await.unwrap();
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
        let status = api.and_then(|api| api.status.as_ref()).and_then(|status| status.conditions.as_ref());
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
    let version = bed.control_plane.helm(["version", "--template={{.Version}}"]).await.unwrap();
    assert_eq!(stdout(&version), "v4.3.1");
    let releases = bed.control_plane.helm(["list", "--all-namespaces", "--output=json"]).await.unwrap();
    assert_eq!(stdout(&releases).trim(), "[]");
}
