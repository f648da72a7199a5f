//! Which of a workload's pods carry load, are on their way up, or on their way out.

use hybridscaler_core::Replicas;
use k8s_openapi::api::core::v1::Pod;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) running: Replicas,
    pub(super) starting: Replicas,
    pub(super) terminating: Replicas,
}

/// A pod that failed or succeeded runs no process and holds no connection, whether it is being deleted or not. A pod
/// that is being deleted keeps its connections until it is gone, ready or not.
pub(super) fn count(pods: &[Pod]) -> Counted {
    let mut counted = Counted::default();
    for pod in pods {
        let Counted { running, starting, terminating } = &mut counted;
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
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

fn ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(phase: &str, ready: Option<&str>, deleted: bool) -> Pod {
        let conditions: Vec<Value> = ready.iter().map(|ready| json!({"type": "Ready", "status": ready})).collect();
        let deletion = deleted.then_some("2026-11-23T12:00:00Z");
        let pod =
            json!({"metadata": {"deletionTimestamp": deletion}, "status": {"phase": phase, "conditions": conditions}});
        serde_json::from_value(pod).unwrap()
    }

    fn counted(pods: &[Pod]) -> (u32, u32, u32) {
        let Counted { running, starting, terminating } = count(pods);
        (running.0, starting.0, terminating.0)
    }

    #[test]
    fn a_ready_pod_runs_and_any_other_is_on_its_way_up() {
        let pods = [
            pod("Running", Some("True"), false),
            pod("Running", Some("False"), false),
            pod("Running", None, false),
            pod("Pending", None, false),
            Pod::default(),
        ];
        assert_eq!(counted(&pods), (1, 4, 0));
    }

    #[test]
    fn a_pod_that_is_being_deleted_is_on_its_way_out_ready_or_not() {
        let pods =
            [pod("Running", Some("True"), true), pod("Running", Some("False"), true), pod("Pending", None, true)];
        assert_eq!(counted(&pods), (0, 0, 3));
    }

    #[test]
    fn a_pod_that_ended_holds_nothing_deleted_or_not() {
        let pods = [
            pod("Failed", Some("False"), false),
            pod("Succeeded", None, false),
            pod("Failed", None, true),
            pod("Succeeded", Some("True"), true),
        ];
        assert_eq!(counted(&pods), (0, 0, 0));
    }
}
