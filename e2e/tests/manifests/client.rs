//! The ways in which people send manifests. Each is a dry run: the server does everything but store it.

use std::{fs, sync::Arc};

use http::Request;
use hybridscaler_e2e::bed::{Bed, control_plane::ControlPlane};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams, ValidationDirective},
    core::TypeMeta,
};
use serde::Deserialize;
use serde_json::Value;

/// A way to send a manifest.
#[derive(Deserialize, Clone, Copy, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Client {
    /// A POST with strict validation of fields: what `kubectl create` and `kubectl apply` send for an object that is new.
    #[default]
    Create,
    /// A JSON merge patch of a stored object: what `kubectl apply` sends for a custom resource that is there.
    MergePatch,
    /// A server-side apply over a stored object.
    ServerSideApply,
    /// The binary: `kubectl apply`.
    KubectlApply,
    /// The binary: `kubectl apply --server-side`.
    KubectlApplyServerSide,
}

/// One namespace of an API server.
pub(crate) struct Server {
    kube: kube::Client,
    control_plane: Arc<ControlPlane>,
    namespace: String,
}

impl Server {
    pub(crate) fn new(kube: kube::Client, bed: &Bed) -> Self {
        Self { kube, control_plane: Arc::clone(&bed.control_plane), namespace: bed.namespace.clone() }
    }

    /// Stores a manifest for good.
    pub(crate) async fn store(&self, manifest: &Value) {
        let object: DynamicObject = serde_json::from_value(manifest.clone()).unwrap();
        self.api(manifest).create(&PostParams::default(), &object).await.unwrap();
    }

    /// The stored object of one of our kinds.
    pub(crate) async fn get(&self, kind: &str, name: &str) -> DynamicObject {
        let types = serde_json::json!({"apiVersion": "hybridscaler.dev/v1alpha1", "kind": kind});
        self.api(&types).get(name).await.unwrap()
    }

    /// Sends a manifest, and gives the server's words when it is refused.
    pub(crate) async fn send(&self, client: Client, manifest: &Value) -> Result<(), String> {
        let answer = match client {
            Client::Create => self.create(manifest).await,
            Client::MergePatch => {
                let params = PatchParams {
                    dry_run: true,
                    field_validation: Some(ValidationDirective::Strict),
                    ..PatchParams::default()
                };
                self.api(manifest).patch(name(manifest), &params, &Patch::Merge(manifest)).await.map(drop)
            }
            Client::ServerSideApply => {
                let params = PatchParams { dry_run: true, ..PatchParams::apply("someone") }.force().validation_strict();
                self.api(manifest).patch(name(manifest), &params, &Patch::Apply(manifest)).await.map(drop)
            }
            Client::KubectlApply => return self.kubectl(&[], manifest).await,
            Client::KubectlApplyServerSide => {
                return self.kubectl(&["--server-side", "--force-conflicts"], manifest).await;
            }
        };
        answer.map_err(|error| match error {
            kube::Error::Api(status) => status.message,
            other => panic!("{}: {other}", name(manifest)),
        })
    }

    async fn create(&self, manifest: &Value) -> kube::Result<()> {
        let manifest = renamed(manifest);
        let url = format!("{}?dryRun=All&fieldValidation=Strict", self.api(&manifest).resource_url());
        let request =
            Request::post(url).header("content-type", "application/json").body(manifest.to_string().into_bytes());
        self.kube.request::<Value>(request.unwrap()).await.map(drop)
    }

    async fn kubectl(&self, flags: &[&str], manifest: &Value) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("manifest.yaml");
        fs::write(&file, serde_saphyr::to_string(manifest).unwrap()).unwrap();
        let command =
            ["apply", "--dry-run=server", "--namespace", &self.namespace, "--filename", file.to_str().unwrap()];
        let output = self.control_plane.kubectl(command.iter().chain(flags)).await.unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn api(&self, manifest: &Value) -> Api<DynamicObject> {
        let text = |field: &str| manifest[field].as_str().unwrap().to_owned();
        let types = TypeMeta { api_version: text("apiVersion"), kind: text("kind") };
        let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(types).unwrap());
        Api::namespaced_with(self.kube.clone(), &self.namespace, &resource)
    }
}

/// A manifest under a name of its own, since the bases are stored already.
pub(crate) fn renamed(manifest: &Value) -> Value {
    let mut manifest = manifest.clone();
    manifest["metadata"]["name"] = format!("new-{}", name(&manifest)).into();
    manifest
}

fn name(manifest: &Value) -> &str {
    manifest["metadata"]["name"].as_str().unwrap()
}
