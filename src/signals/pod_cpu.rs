//! The CPU of a workload's pods: what they use is told by the metrics API (`metrics.k8s.io`), what they request and how far to trust a
//! sample by the pods themselves. The rules are those of the `HorizontalPodAutoscaler`.
//!
//! # Access control
//! `get` on the workload's scale subresource, `list` on `pods` and on `pods.metrics.k8s.io`, all in the scaler's namespace.

mod pods;

use std::{collections::BTreeMap, fmt, sync::Arc};

use hybridscaler_core::reading::{Load, Pod, Reading, Resource, Unknown, Usage};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1 as api;
use kube::{Api, ResourceExt as _, api::DynamicObject, core::GroupVersionKind, discovery::ApiResource};
use serde::Deserialize;

use super::cluster::Cluster;
use crate::{
    api::quantity,
    kubernetes::{Failure, WorkloadRef, list_all},
};

/// The resource that is read, as pods and metrics name it.
const CPU: &str = "cpu";

/// The CPU of one workload's pods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodCpu {
    /// The workload.
    pub workload: WorkloadRef,
    /// What its use is compared with.
    pub compared: Compared,
}

/// What the CPU that pods use is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compared {
    /// What they request: each of their containers must say.
    WithRequests,
    /// An amount of CPU: their requests do not matter.
    WithAmount,
}

/// `PodMetrics` as far as it is used.
#[derive(Debug, Deserialize)]
struct PodMetrics {
    timestamp: Timestamp,
    window: String,
    #[serde(default)]
    containers: Vec<ContainerMetrics>,
}

/// What one container uses, by resource.
#[derive(Debug, Deserialize)]
struct ContainerMetrics {
    #[serde(default)]
    usage: BTreeMap<String, String>,
}

pub(super) async fn read(cpu: &PodCpu, cluster: &Cluster) -> Reading {
    of_pods(cpu, cluster).await.unwrap_or_else(|failure| cluster.unknown(failure, &cpu.workload.namespace))
}

async fn of_pods(cpu: &PodCpu, cluster: &Cluster) -> Result<Reading, Failure> {
    let PodCpu { workload, compared } = cpu;
    let selector = cluster.selector(workload).await?;
    let client = &cluster.client;
    let gvk = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
    let metrics = ApiResource::from_gvk_with_plural(&gvk, "pods");
    let metrics: Api<DynamicObject> = Api::namespaced_with(client.clone(), &workload.namespace, &metrics);
    let pods: Api<api::Pod> = Api::namespaced(client.clone(), &workload.namespace);
    let samples = async {
        list_all(cpu, &metrics, &selector).await.map_err(|mut failure| {
            if failure.why == Unknown::NotFound {
                failure.message += "; install metrics-server, or another that serves metrics.k8s.io";
            }
            failure
        })
    };
    let (samples, pods) = futures::future::try_join(samples, list_all(cpu, &pods, &selector)).await?;
    let mut usages = BTreeMap::new();
    for sample in samples {
        let name = sample.name_any();
        usages.insert(name.clone(), usage(cpu, &name, sample)?);
    }
    let pods: Vec<Pod> = pods
        .iter()
        .map(|pod| {
            let usage = usages.get(&pod.name_any()).copied().flatten();
            pods::read(pod, usage, *compared).map_err(|error| Failure::new(Unknown::Invalid, format!("{cpu}: {error}")))
        })
        .collect::<Result<_, _>>()?;
    reading(cpu, pods, Timestamp::now())
}

/// What a pod uses; nothing when one of its containers is not told of, since the rest is not the whole.
fn usage(cpu: &PodCpu, pod: &str, sample: DynamicObject) -> Result<Option<Usage>, Failure> {
    let invalid =
        |what: &dyn fmt::Display| Failure::new(Unknown::Invalid, format!("{cpu}: metrics of pod {pod}: {what}"));
    let PodMetrics { timestamp, window, containers } =
        serde_json::from_value(sample.data).map_err(|error| invalid(&error))?;
    let window: SignedDuration =
        window.parse().map_err(|_| invalid(&format_args!("window {window:?} is not a duration")))?;
    if containers.is_empty() {
        return Ok(None);
    }
    let mut milli = 0_u64;
    for container in &containers {
        let Some(used) = container.usage.get(CPU) else { return Ok(None) };
        let used = quantity::milli(used)
            .and_then(|milli| u64::try_from(milli).ok())
            .ok_or_else(|| invalid(&format_args!("{used:?} is not a quantity of at least 0")))?;
        milli = milli.saturating_add(used);
    }
    Ok(Some(Usage { milli, at: timestamp, window }))
}

/// The reading is as old as the oldest sample of a pod that counts.
fn reading(cpu: &PodCpu, pods: Vec<Pod>, now: Timestamp) -> Result<Reading, Failure> {
    let counted = pods.iter().filter(|pod| pods::counts(pod)).count();
    let oldest = pods.iter().filter(|pod| pods::counts(pod)).filter_map(|pod| pod.usage).map(|usage| usage.at).min();
    if counted > 0 && oldest.is_none() {
        let message = format!("{cpu}: the metrics API has no sample of any of {counted} pods yet");
        return Err(Failure::new(Unknown::Empty, message));
    }
    Ok(Reading::Known {
        load: Load::Pods { resource: Resource::Cpu, pods: Arc::from(pods) },
        at: oldest.unwrap_or(now),
    })
}

impl fmt::Display for PodCpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CPU of the pods of {}", self.workload)
    }
}

#[cfg(test)]
mod tests;
