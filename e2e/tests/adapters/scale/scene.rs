//! A namespace with a Deployment, or more, called web.

use std::path::Path;

use hybridscaler::kubernetes::WorkloadRef;
use hybridscaler::targets::{KubernetesTargets, ScaleTarget, WriteError};
use hybridscaler_core::{Replicas, observation::Workload};
use hybridscaler_e2e::bed::Bed;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client, Config,
    api::{ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::eventually;

/// Keeps a deleted pod until the test lets it go.
const HOLD: &str = "e2e.hybridscaler.dev/hold";

pub(super) struct Scene {
    pub(super) bed: Bed,
    pub(super) client: Client,
}

impl Scene {
    pub(super) async fn lay(label: &str) -> Self {
        let bed = Bed::shared(label).await.unwrap();
        let client = client(&bed.control_plane.kubeconfig_path()).await;
        Self { bed, client }
    }

    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.bed.namespace)
    }

    pub(super) async fn create<K>(&self, object: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + DeserializeOwned,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api().create(&PostParams::default(), &object).await.unwrap();
    }

    /// Of `kind` of apps/v1, called web.
    pub(super) fn target(&self, kind: &str) -> ScaleTarget {
        self.target_as(&self.client, "apps/v1", kind)
    }

    pub(super) fn target_as(&self, client: &Client, api_version: &str, kind: &str) -> ScaleTarget {
        KubernetesTargets::new(client.clone()).target(WorkloadRef {
            namespace: self.bed.namespace.clone(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: "web".to_owned(),
        })
    }

    /// Makes a Deployment of `replicas` and waits until it is observed as at rest.
    pub(super) async fn deployment(&self, replicas: u32) -> ScaleTarget {
        self.create::<Deployment>(deployment(replicas)).await;
        let target = self.target("Deployment");
        eventually("the Deployment is at rest", async || {
            let workload = observe(&target).await;
            workload.at_rest() && workload.running == Replicas(replicas)
        })
        .await;
        target
    }

    pub(super) async fn patch_deployment(&self, patch: Value) {
        let patch = Patch::Merge(patch);
        self.api::<Deployment>().patch("web", &PatchParams::default(), &patch).await.unwrap();
    }

    /// Lets the pods go that [`HOLD`] keeps.
    pub(super) async fn let_go(&self) {
        let pods: Api<Pod> = self.api();
        let none = Patch::Merge(json!({"metadata": {"finalizers": []}}));
        for pod in pods.list(&ListParams::default()).await.unwrap() {
            pods.patch(&pod.metadata.name.unwrap(), &PatchParams::default(), &none).await.unwrap();
        }
    }
}

/// A client that does not repeat what it sends, as the operator's own.
pub(super) async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

pub(super) fn template() -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "finalizers": [HOLD]},
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
    })
}

pub(super) fn deployment(replicas: u32) -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%"}},
            "template": template(),
        },
    })
}

pub(super) async fn observe(target: &ScaleTarget) -> Workload {
    target.observe().await.unwrap().workload
}

pub(super) fn live(workload: &Workload) -> [u32; 3] {
    [workload.running, workload.starting, workload.terminating].map(|replicas| replicas.0)
}

/// Any change of the object's status in between is a conflict, so the caller observes and writes again.
pub(super) async fn write_until_stored(target: &ScaleTarget, replicas: Replicas) {
    eventually("the write is stored", async || {
        let seen = target.observe().await.unwrap();
        match target.write(&seen, replicas).await {
            Ok(()) => true,
            Err(WriteError::Conflict) => false,
            Err(error) => unreachable!("{error}"),
        }
    })
    .await;
}
