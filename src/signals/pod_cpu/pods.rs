//! What a pod's object says of its readiness and its requests. Pure.

use hybridscaler_core::reading::{Phase, Pod, Ready, Usage};
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as api;
use kube::ResourceExt as _;

use super::{CPU, Compared};
use crate::api::quantity;

/// Why a pod's use cannot be compared with its requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unrequested {
    #[error(
        "container {container} of pod {pod} requests no CPU: set resources.requests.cpu in the pod template, or aim at cpu.targetAverageValue"
    )]
    Missing { pod: String, container: String },
    #[error("the CPU request {request:?} of container {container} of pod {pod} is not a quantity")]
    Invalid { pod: String, container: String, request: String },
}

/// The pod with what it uses. Its requests are summed only where its use is compared with them: elsewhere they may be missing.
pub(super) fn read(pod: &api::Pod, usage: Option<Usage>, compared: Compared) -> Result<Pod, Unrequested> {
    let status = pod.status.as_ref();
    let phase = match status.and_then(|status| status.phase.as_deref()) {
        Some("Pending") | None => Phase::Pending,
        Some("Running") => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        Some(_) => Phase::Unknown,
    };
    let mut read = Pod {
        phase,
        deleting: pod.metadata.deletion_timestamp.is_some(),
        started: status.and_then(|status| status.start_time.as_ref()).map(|time| time.0),
        ready: ready(pod),
        request_milli: None,
        usage,
    };
    if compared == Compared::WithRequests && counts(&read) {
        read.request_milli = Some(request(pod)?);
    }
    Ok(read)
}

/// Whether a pod counts: one that has ended, or is being deleted, carries no load any more.
pub(super) fn counts(pod: &Pod) -> bool {
    !pod.deleting && !matches!(pod.phase, Phase::Succeeded | Phase::Failed)
}

/// A condition of unknown status counts as true: the HPA too holds only `False` against a pod.
fn ready(pod: &api::Pod) -> Option<Ready> {
    let conditions = pod.status.as_ref()?.conditions.iter().flatten();
    let condition = conditions.into_iter().find(|condition| condition.type_ == "Ready")?;
    let since = condition.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    Some(Ready { ready: condition.status != "False", since })
}

/// What the pod requests as a whole, or else the sum over its containers, those that run beside them (`initContainers` that restart
/// always) included.
fn request(pod: &api::Pod) -> Result<u64, Unrequested> {
    let Some(spec) = &pod.spec else { return Ok(0) };
    let cpu = |resources: &Option<api::ResourceRequirements>| {
        Some(resources.as_ref()?.requests.as_ref()?.get(CPU)?.0.clone())
    };
    let milli = |request: String, container: &str| {
        let read = quantity::milli(&request).and_then(|milli| u64::try_from(milli).ok());
        let (pod, container) = (pod.name_any(), container.to_owned());
        read.ok_or(Unrequested::Invalid { pod, container, request })
    };
    if let Some(whole) = cpu(&spec.resources) {
        return milli(whole, "(all)");
    }
    let beside = spec.init_containers.iter().flatten();
    let beside = beside.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    spec.containers.iter().chain(beside).try_fold(0_u64, |sum, container| {
        let (pod, name) = (pod.name_any(), container.name.clone());
        let request = cpu(&container.resources).ok_or(Unrequested::Missing { pod, container: name })?;
        Ok(sum.saturating_add(milli(request, &container.name)?))
    })
}
