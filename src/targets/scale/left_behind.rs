//! What a deleted workload leaves behind: its object took the selector with it, but its pods still name their owner. Pure.

use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
};
use k8s_openapi::{
    api::{apps::v1::ReplicaSet, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use super::pods;
use crate::kubernetes::WorkloadRef;

/// The label by which the `ReplicaSets` of a Deployment, and their pods, tell their revision.
const REVISION: &str = "pod-template-hash";
/// The longest name of an object. A longer one of a `ReplicaSet` is cut before its revision.
const LONGEST_NAME: usize = 253;

/// The kinds whose pods can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    /// Pods belong to `ReplicaSets`, and these to the workload.
    ByReplicaSet,
    /// Pods belong to the workload.
    Direct,
}

impl Ownership {
    /// None: nobody knows who owns the pods of this kind.
    pub(super) fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            ("apps", "Deployment") => Some(Self::ByReplicaSet),
            ("apps", "StatefulSet" | "ReplicaSet") => Some(Self::Direct),
            _ => None,
        }
    }
}

/// Counts what is left of `workload` among all `pods` and `replica_sets` of its namespace.
///
/// A `ReplicaSet` that is still there makes pods until it is deleted too, or for good when it was orphaned: what all of them are told
/// to run is what the workload is told.
pub(super) fn count(workload: &WorkloadRef, by: Ownership, all_pods: &[Pod], replica_sets: &[ReplicaSet]) -> Workload {
    let left: Vec<_> = all_pods.iter().filter(|pod| owned(workload, by, &pod.metadata)).cloned().collect();
    let revisions =
        replica_sets.iter().filter(|set| by == Ownership::ByReplicaSet && is_revision(workload, &set.metadata));
    let told = revisions.filter_map(|set| u32::try_from(set.spec.as_ref()?.replicas?).ok());
    let pods::Counted { running, starting, terminating } = pods::count(&left);
    let desired = told.map(Replicas).fold(Replicas::ZERO, Replicas::plus);
    Workload { desired, running, starting, terminating, rollout: Rollout::Settled }
}

fn owned(workload: &WorkloadRef, by: Ownership, pod: &ObjectMeta) -> bool {
    let Some(owner) = controller(pod) else { return false };
    match by {
        Ownership::ByReplicaSet => owner.kind == "ReplicaSet" && names(workload, &owner.name, pod),
        Ownership::Direct => owner.kind == workload.kind && owner.name == workload.name,
    }
}

fn is_revision(workload: &WorkloadRef, set: &ObjectMeta) -> bool {
    set.name.as_ref().is_some_and(|name| names(workload, name, set))
}

/// Whether `replica_set` is the name that the Deployment gives to the `ReplicaSet` of the revision in these labels.
fn names(workload: &WorkloadRef, replica_set: &str, labels: &ObjectMeta) -> bool {
    let Some(revision) = labels.labels.as_ref().and_then(|labels| labels.get(REVISION)) else { return false };
    let Some(base) = replica_set.strip_suffix(revision).and_then(|rest| rest.strip_suffix('-')) else { return false };
    base == workload.name || (replica_set.len() == LONGEST_NAME && workload.name.starts_with(base))
}

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(kind: &str, name: &str) -> WorkloadRef {
        WorkloadRef {
            namespace: "orders".to_owned(),
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    fn pod(kind: &str, owner: &str, revision: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "labels": {"pod-template-hash": revision},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "u", "controller": true}],
            },
            "status": {"phase": "Running"},
        }))
        .unwrap()
    }

    fn left(workload: &WorkloadRef, pods: &[Pod]) -> u32 {
        let by = Ownership::of("apps", &workload.kind).unwrap();
        count(workload, by, pods, &[]).live().0
    }

    #[test]
    fn the_pods_of_a_deployment_are_told_by_the_name_of_their_replica_set() {
        let pods = [
            pod("ReplicaSet", "web-5d4f", "5d4f"),
            pod("ReplicaSet", "web-77ab", "77ab"),
            pod("ReplicaSet", "web-admin-5d4f", "5d4f"),
            pod("ReplicaSet", "web", "5d4f"),
            pod("Job", "web-5d4f", "5d4f"),
            Pod::default(),
        ];
        assert_eq!(left(&workload("Deployment", "web"), &pods), 2);
        assert_eq!(left(&workload("Deployment", "web-admin"), &pods), 1);
        assert_eq!(left(&workload("Deployment", "we"), &pods), 0);
    }

    #[test]
    fn a_replica_set_of_a_long_name_is_told_by_what_was_left_of_it() {
        let name = "n".repeat(250);
        let pods = [pod("ReplicaSet", &format!("{}-5d4f", "n".repeat(248)), "5d4f")];
        assert_eq!(left(&workload("Deployment", &name), &pods), 1);
        assert_eq!(left(&workload("Deployment", &"m".repeat(250)), &pods), 0);
    }

    #[test]
    fn the_pods_of_other_kinds_name_the_workload_itself() {
        let pods = [pod("StatefulSet", "web", "1"), pod("StatefulSet", "core", "1"), pod("ReplicaSet", "web", "1")];
        assert_eq!(left(&workload("StatefulSet", "web"), &pods), 1);
        assert_eq!(left(&workload("ReplicaSet", "web"), &pods), 1);
        assert_eq!(Ownership::of("argoproj.io", "Rollout"), None);
        assert_eq!(Ownership::of("example.com", "Deployment"), None);
    }

    #[test]
    fn a_replica_set_that_is_still_there_may_make_all_it_is_told() {
        let set = |name: &str, replicas: u32| {
            let metadata = json!({"name": name, "labels": {"pod-template-hash": "5d4f"}});
            serde_json::from_value(json!({"metadata": metadata, "spec": {"replicas": replicas, "selector": {}}}))
                .unwrap()
        };
        let pods = [pod("ReplicaSet", "web-5d4f", "5d4f")];
        let left = count(
            &workload("Deployment", "web"),
            Ownership::ByReplicaSet,
            &pods,
            &[set("web-5d4f", 3), set("api-5d4f", 9)],
        );
        assert_eq!((left.desired, left.live()), (Replicas(3), Replicas(1)));
    }
}
