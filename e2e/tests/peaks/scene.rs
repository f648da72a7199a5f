//! A namespace with one workload called web.

use futures::future::join_all;
use hybridscaler::{
    kubernetes::WorkloadRef,
    targets::{KubernetesTargets, Observed, ScaleTarget, WriteError},
};
use hybridscaler_core::{
    Connections, Replicas,
    budget::{Capacity, Footprint, Growth, Ledger, RolloutReserve, Turn, plan},
};
use hybridscaler_e2e::bed::Bed;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DynamicObject, EvictParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
    runtime::wait::{Condition, await_condition},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{PATIENCE, peak, pods::Pods};

/// Keeps a deleted pod until the test lets it go: a drain that outlasts everything else.
const HOLD: &str = "e2e.hybridscaler.dev/hold";

/// A workload and its pods.
pub(crate) struct Scene {
    pub(crate) client: Client,
    pub(crate) bed: Bed,
    pub(crate) pods: Pods,
    kind: &'static str,
}

/// How a pod comes and goes.
#[derive(Clone, Copy)]
pub(crate) enum Life {
    /// It runs at once, and ends when the test lets it go.
    Held,
    /// Both in seconds.
    Timed { start: u32, stop: u32 },
}

impl Scene {
    /// Makes a workload of `kind` with this `spec`, to which the replicas, the selector and the pods' template are added, and waits
    /// until all of it runs.
    pub(crate) async fn lay(label: &str, kind: &'static str, replicas: u32, life: Life, mut spec: Value) -> Self {
        let bed = Bed::shared(label).await.unwrap();
        let client = client(&bed).await;
        let pods = Pods::follow(Api::namespaced(client.clone(), &bed.namespace)).await;
        let scene = Self { client, bed, pods, kind };
        spec["replicas"] = json!(replicas);
        spec["selector"] = json!({"matchLabels": {"app": "web"}});
        spec["template"] = template(life);
        let object = DynamicObject::new("web", &scene.resource()).data(json!({"spec": spec}));
        scene.workload().create(&PostParams::default(), &object).await.unwrap();
        scene.pods.rest_at(replicas, 0).await;
        scene
    }

    pub(crate) fn target(&self) -> ScaleTarget {
        KubernetesTargets::new(self.client.clone()).target(WorkloadRef {
            namespace: self.bed.namespace.clone(),
            api_version: "apps/v1".to_owned(),
            kind: self.kind.to_owned(),
            name: "web".to_owned(),
        })
    }

    pub(crate) async fn observe(&self) -> Observed {
        self.target().observe().await.unwrap()
    }

    /// The peak for what the object itself says of how it replaces replicas.
    pub(crate) async fn peak(&self, reserve: RolloutReserve, desired: u32, terminating: u32) -> u32 {
        peak(reserve, self.observe().await.shape, desired, terminating)
    }

    /// Scales as the operator does; what the ledger has reserved by then, in replicas.
    pub(crate) async fn scale(&self, reserve: RolloutReserve, to: u32) -> u32 {
        let target = self.target();
        let written = async {
            loop {
                let seen = target.observe().await.unwrap();
                let granted = grant(&seen, reserve, to);
                // Refused by the fence, or planned before the object's own controller had seen it.
                let Some(granted) = granted else { continue };
                match target.write(&seen, Replicas(to)).await {
                    Ok(()) => return granted,
                    Err(WriteError::Conflict) => {}
                    Err(error) => unreachable!("{error}"),
                }
            }
        };
        timeout(PATIENCE, written).await.expect("the write is not stored in time")
    }

    pub(crate) async fn change(&self, patch: Value) {
        self.workload().patch("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Replaces all pods by such of another version.
    pub(crate) async fn roll_out(&self, version: u32) {
        self.change(new_version(version)).await;
    }

    /// Waits until the status says so, of the newest generation.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let holds = |object: Option<&DynamicObject>| {
            object.is_some_and(|object| {
                let status = &object.data["status"];
                status["observedGeneration"].as_i64() == object.metadata.generation && wanted(status)
            })
        };
        self.wait(what, holds).await;
    }

    /// Waits until a Deployment or a `StatefulSet` runs so many of the newest version and no other.
    pub(crate) async fn rolled_out(&self, replicas: u32) {
        let wanted = Some(u64::from(replicas));
        self.until("the rollout is complete", |status| {
            ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|field| status[field].as_u64() == wanted)
        })
        .await;
        self.pods.until("all of them run", |now| now.running == replicas && now.starting == 0).await;
    }

    async fn wait(&self, what: &str, holds: impl Condition<DynamicObject>) {
        timeout(PATIENCE, await_condition(self.workload(), "web", holds)).await.expect(what).unwrap();
    }

    /// Evicts these pods at once, as the drain of a node does.
    pub(crate) async fn evict(&self, which: impl Fn(&Pod) -> bool) {
        let pods: Api<Pod> = self.api();
        let evict = async |pod: Pod| pods.evict(&pod.name_any(), &EvictParams::default()).await.unwrap();
        let alive = pods.list(&ListParams::default()).await.unwrap().items;
        let alive = alive.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none() && which(pod));
        join_all(alive.map(evict)).await;
    }

    /// Lets these pods go whenever they are deleted.
    pub(crate) async fn let_go(&self, which: impl Fn(&Pod) -> bool) {
        let pods: Api<Pod> = self.api();
        let none = Patch::Merge(json!({"metadata": {"finalizers": []}}));
        for pod in pods.list(&ListParams::default()).await.unwrap().items.iter().filter(|pod| which(pod)) {
            pods.patch(&pod.name_any(), &PatchParams::default(), &none).await.unwrap();
        }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.bed.namespace)
    }

    fn workload(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.bed.namespace, &self.resource())
    }

    fn resource(&self) -> ApiResource {
        ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", self.kind))
    }
}

/// What makes a rollout to a version of the pods.
pub(crate) fn new_version(version: u32) -> Value {
    json!({"spec": {"template": {"metadata": {"annotations": {"version": version.to_string()}}}}})
}

/// What the ledger reserves before `to` replicas are asked for, one connection each; `None` when it lets nobody write now.
fn grant(seen: &Observed, reserve: RolloutReserve, to: u32) -> Option<u32> {
    let ledger = Ledger { capacity: Capacity::fixed(Connections(10_000)), ..Ledger::default() };
    let turn = Turn {
        consumer: "web",
        uid: "1",
        target: "web",
        footprint: Footprint { shape: seen.shape, reserve, per_replica: Connections(1) },
        workload: seen.workload,
        wanted: Replicas(to),
        growth: Growth::Allowed,
        seen_version: None,
    };
    let plan = plan(&ledger, &turn);
    plan.write.filter(|replicas| *replicas == Replicas(to))?;
    Some(plan.ledger.unwrap().entries["web"].grant.0)
}

/// A client that does not repeat what it sends, as the operator's own.
async fn client(bed: &Bed) -> Client {
    let kubeconfig = Kubeconfig::read_from(bed.control_plane.kubeconfig_path()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

fn template(life: Life) -> Value {
    let (finalizers, start, stop) = match life {
        Life::Held => (vec![HOLD], 0, 0),
        Life::Timed { start, stop } => (Vec::new(), start, stop),
    };
    json!({
        "metadata": {
            "labels": {"app": "web"},
            "finalizers": finalizers,
            "annotations": {
                "version": "1",
                "e2e.hybridscaler.dev/start-seconds": start.to_string(),
                "e2e.hybridscaler.dev/stop-seconds": stop.to_string(),
            },
        },
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
    })
}
