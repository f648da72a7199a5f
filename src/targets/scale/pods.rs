//! Which of a workload's pods carry load, are on their way up, or on their way out.

use hybridscaler_core::Replicas;
use k8s_openapi::api::core::v1::Pod;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) running: Replicas,
    pub(super) starting: Replicas,
    pub(super) terminating: Replicas,
}

/// A pod that failed or succeeded runs no process and holds no connection, whether it is being deleted or not. A pod that is being
/// deleted keeps its connections until it is gone, ready or not.
pub(super) fn count(pods: &[Pod]) -> Counted {
    let mut counted = Counted::default();
    for pod in pods {
        let Counted {
            running,
            starting,
            terminating,
        } = &mut counted;
        let one_more = match pod {
            _ if ended(pod) => continue,
            _ if pod.metadata.deletion_timestamp.is_some() => terminating,
            _ if ready(pod) => running,
            _ => starting,
        };
        *one_more = one_more.plus(Replicas(1));
    }
    counted
}

fn ended(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

fn ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
