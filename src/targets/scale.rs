//! A Kubernetes workload of any kind that has a scale subresource.
//!
//! Everything is read by quorum (no `resourceVersion` in the request), the object first and its pods last: what changes
//! in between is counted twice rather than missed, and the write, which carries the object's version, finds out.
//!
//! # Access control
//!
//! `get` on the kind and `update` on its `scale`; for kinds beyond Deployment and `StatefulSet` `get` on its `scale`
//! too; `list` on `pods`; for Deployments `list` on `replicasets`; to refuse a target that another autoscaler owns,
//! `list` on `horizontalpodautoscalers.autoscaling` and `scaledobjects.keda.sh` (also where KEDA is not installed: the
//! API server asks for the right first).

mod call;
mod left_behind;
mod owner;
mod pods;
mod workload;

use std::{fmt, sync::Arc};

use hybridscaler_core::{Replicas, observation::Workload, reading::Unknown};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        autoscaling::v1::{Scale, ScaleSpec},
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
    discovery::ApiResource,
};

pub use self::workload::{DEPLOYMENT_SHAPE, deployment_shape};
use self::{call::write, left_behind::Ownership, owner::Owners, workload::Told};
use super::{Observed, TargetError, Version, WriteError};
use crate::kubernetes::{Failure, Kinds, WorkloadRef, list_all, read};

/// How the API server records who changed a field.
const FIELD_MANAGER: &str = "hybridscaler";

/// Makes targets of one Kubernetes cluster. They share what was learnt of its kinds and of other autoscalers. Cloning
/// is cheap.
#[derive(Clone)]
pub struct KubernetesTargets(Arc<Shared>);

struct Shared {
    client: Client,
    kinds: Kinds,
    owners: Owners,
}

/// A workload that is observed and written.
#[derive(Clone)]
pub struct ScaleTarget {
    shared: Arc<Shared>,
    workload: WorkloadRef,
}

impl KubernetesTargets {
    /// `client` must not repeat writes (`kube::Config::default_retry = false`): a PUT that was stored but whose answer
    /// was lost would come back as a conflict with ourselves, up to hours later.
    pub fn new(client: Client) -> Self {
        Self(Arc::new(Shared { client, kinds: Kinds::default(), owners: Owners::default() }))
    }

    /// Reads nothing yet.
    pub fn target(&self, workload: WorkloadRef) -> ScaleTarget {
        ScaleTarget { shared: Arc::clone(&self.0), workload }
    }
}

impl ScaleTarget {
    /// See [`Target::observe`](super::Target::observe).
    pub async fn observe(&self) -> Result<Observed, TargetError> {
        let resource = self.resource().await?;
        let (rival, notes) = self.shared.owners.rival(&self.shared.client, &self.workload).await?;
        let object = read(self, self.api(&resource).get(&self.workload.name)).await;
        if let Err(Failure { why: Unknown::NotFound, .. }) = object {
            self.shared.kinds.forget(&self.workload.gvk()?);
        }
        let object = object?;
        let version = version(&object.metadata)?;
        let told = self.told(&resource, object).await?;
        let pods = list_all(self, &self.namespaced::<Pod>(), &told.selector).await?;
        let counted = pods::count(&pods);
        Ok(Observed {
            workload: Workload {
                desired: told.desired,
                running: counted.running,
                starting: counted.starting,
                terminating: counted.terminating,
                rollout: told.rollout,
            },
            shape: told.shape,
            revision: told.revision,
            version,
            rival,
            notes,
        })
    }

    /// See [`Target::left_behind`](super::Target::left_behind).
    pub async fn left_behind(&self) -> Result<Option<Workload>, TargetError> {
        let gvk = self.workload.gvk()?;
        let Some(by) = Ownership::of(&gvk.group, &gvk.kind) else { return Ok(None) };
        // The makers before the made: a pod of a set that goes in between is counted among the pods.
        let replica_sets = match by {
            Ownership::ByReplicaSet => list_all(self, &self.namespaced::<ReplicaSet>(), "").await?,
            Ownership::Direct => Vec::new(),
        };
        let pods = list_all(self, &self.namespaced::<Pod>(), "").await?;
        Ok(Some(left_behind::count(&self.workload, by, &pods, &replica_sets)))
    }

    /// See [`Target::write`](super::Target::write).
    pub async fn write(&self, seen: &Observed, replicas: Replicas) -> Result<(), WriteError> {
        let Version::Kubernetes { resource_version, uid } = &seen.version else {
            return Err(WriteError::Conflict);
        };
        let replicas = i32::try_from(replicas.0)
            .map_err(|_| WriteError::Refused(format!("{replicas} replicas are more than Kubernetes can count")))?;
        let resource = self.resource().await?;
        let WorkloadRef { namespace, name, .. } = &self.workload;
        let scale = Scale {
            metadata: ObjectMeta {
                namespace: Some(namespace.clone()),
                name: Some(name.clone()),
                resource_version: Some(resource_version.clone()),
                uid: Some(uid.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(ScaleSpec { replicas: Some(replicas) }),
            status: None,
        };
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        write(self, self.api(&resource).replace_scale(name, &params, &scale)).await?;
        Ok(())
    }

    /// What the object (and what it owns or is scaled by) says of the workload.
    async fn told(&self, resource: &ApiResource, object: DynamicObject) -> Result<Told, TargetError> {
        let invalid = |error: &dyn fmt::Display| TargetError::Invalid(format!("{self}: {error}"));
        let told = match (resource.group.as_str(), resource.kind.as_str()) {
            ("apps", "Deployment") => {
                let deployment: Deployment = object.try_parse().map_err(|error| invalid(&error))?;
                let selector = workload::selector(deployment.spec.as_ref().map(|spec| &spec.selector));
                let selector = selector.map_err(|error| invalid(&error))?;
                let replica_sets = list_all(self, &self.namespaced::<ReplicaSet>(), &selector).await?;
                workload::deployment(&deployment, &replica_sets, selector)
            }
            ("apps", "StatefulSet") => {
                let set: StatefulSet = object.try_parse().map_err(|error| invalid(&error))?;
                workload::stateful_set(&set).map_err(|error| invalid(&error))?
            }
            _ => {
                let scale = read(self, self.api(resource).get_scale(&self.workload.name)).await?;
                workload::other(&object, &scale).map_err(|error| invalid(&error))?
            }
        };
        Ok(told)
    }

    async fn resource(&self) -> Result<ApiResource, TargetError> {
        Ok(self.shared.kinds.resolve(&self.shared.client, &self.workload.gvk()?).await?)
    }

    fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.shared.client.clone(), &self.workload.namespace, resource)
    }

    fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.shared.client.clone(), &self.workload.namespace)
    }
}

fn version(metadata: &ObjectMeta) -> Result<Version, TargetError> {
    match (metadata.resource_version.clone(), metadata.uid.clone()) {
        (Some(resource_version), Some(uid)) => Ok(Version::Kubernetes { resource_version, uid }),
        _ => Err(TargetError::Invalid("the object has no resourceVersion or no uid".to_owned())),
    }
}

impl fmt::Display for ScaleTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.workload.fmt(f)
    }
}

impl fmt::Debug for ScaleTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScaleTarget").field(&self.workload).finish()
    }
}

#[cfg(test)]
mod tests;
