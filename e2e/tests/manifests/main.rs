//! What the API server makes of manifests: wrong ones are refused with field, value and mend, right ones are accepted. Beside each of
//! its verdicts stands that of `hybridscaler check`, which must be the same.
//!
//! The table is in `cases/`, one file a subject. A case is a change to one of the manifests in `cases/bases.yaml`, sent in the way
//! its `client` says; nothing of it is stored. What `refused` says must be in the server's answer word for word.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod case;
mod client;
mod offline;
mod status;

use std::time::Instant;

use hybridscaler::api::crds;
use hybridscaler_e2e::bed::Bed;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use serde_json::Value;

use self::{
    case::{Case, bases, cases, examples},
    client::{Client, Server},
};

/// A control plane with both CRDs, and a namespace in which each base is stored.
async fn lay(label: &str) -> (Bed, Server) {
    let bed = Bed::shared(label).await.unwrap();
    let kube = bed.control_plane.admin().await.unwrap();
    let api: Api<CustomResourceDefinition> = Api::all(kube.clone());
    for crd in crds::all() {
        let name = crd.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("manifests").force(), &Patch::Apply(&crd)).await.unwrap();
        await_condition(api.clone(), &name, is_crd_established()).await.unwrap();
    }
    let server = Server::new(kube, &bed);
    for base in bases().values() {
        server.store(base).await;
    }
    (bed, server)
}

#[tokio::test]
async fn every_wrong_manifest_is_refused_with_field_value_and_mend() {
    let (_bed, server) = lay("wrong").await;
    let started = Instant::now();
    let mut failures = Vec::new();
    let wrong: Vec<Case> = cases().into_iter().filter(|case| case.refused.is_some()).collect();
    for case in &wrong {
        let expected = case.refused.as_deref().unwrap();
        match server.send(case.client, &case.manifest()).await {
            Err(said) if said.contains(expected) => {
                let (sent, stored) = case.sent();
                let difference = offline::difference(&offline::errors(&sent, stored.as_ref()), expected, &said);
                failures.extend(difference.map(|difference| format!("{}: {difference}", case.shows)));
            }
            Err(said) => {
                failures.push(format!("{}: {:?}\n  expected {expected}\n  said     {said}", case.shows, case.client));
            }
            Ok(()) => failures
                .push(format!("{}: {:?}\n  expected {expected}\n  but it was accepted", case.shows, case.client)),
        }
    }
    println!("{} wrong manifests in {:.1} s", wrong.len(), started.elapsed().as_secs_f64());
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), wrong.len(), failures.join("\n"));
    assert!(wrong.len() >= 190, "the table has shrunk to {} wrong manifests", wrong.len());
}

#[tokio::test]
async fn every_right_manifest_is_accepted() {
    let (bed, server) = lay("right").await;
    let started = Instant::now();
    let mut right: Vec<(String, Client, Value)> = Vec::new();
    right.extend(bases().into_iter().map(|(name, base)| (format!("base {name}"), Client::Create, base)));
    right.extend(
        cases()
            .into_iter()
            .filter(|case| case.refused.is_none())
            .map(|case| (case.shows.clone(), case.client, case.manifest())),
    );
    right.extend(examples(&bed.namespace).into_iter().map(|(file, object)| (file, Client::Create, object)));
    for (name, client, manifest) in &right {
        let answer = server.send(*client, manifest).await;
        assert_eq!(answer, Ok(()), "{name}, by {client:?}");
        assert_eq!(offline::errors(manifest, None), [], "{name}, offline");
    }
    println!("{} right manifests in {:.1} s", right.len(), started.elapsed().as_secs_f64());
    assert!(right.len() >= 60, "the table has shrunk to {} right manifests", right.len());
}

#[tokio::test]
async fn what_is_left_out_is_stored_with_its_documented_default() {
    let (_bed, server) = lay("defaults").await;
    let scaler = server.get("HybridScaler", "worker").await;
    assert_eq!(
        [
            &scaler.data["spec"]["minReplicas"],
            &scaler.data["spec"]["pollIntervalSeconds"],
            &scaler.data["spec"]["mode"]
        ],
        [&Value::from(1), &Value::from(15), &Value::from("Active")]
    );
    let budget: DynamicObject = server.get("ConnectionBudget", "live").await;
    assert_eq!(budget.data["spec"]["capacity"]["postgres"]["secretRef"]["key"], "url");
    assert_eq!(budget.data["spec"]["pollIntervalSeconds"], 30);
}

#[tokio::test]
async fn kubectl_explains_a_field_with_its_unit_default_and_range() {
    let (bed, _server) = lay("explain").await;
    let output =
        bed.control_plane.kubectl(["explain", "hybridscaler.spec.behavior.scaleDown.cooldownSeconds"]).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("in seconds") && said.contains("Default 0; 0 to 3600."), "{said}");
}
