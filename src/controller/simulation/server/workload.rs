//! A Deployment, its sets and its pods as the API server shows them.

use std::fmt::Write as _;

use super::{super::target::Kind, Omission, Phase, Reply, Target, World, status};

pub(super) fn deployment(world: &World, name: &str) -> Reply {
    let Some(target) = world.targets.iter().find(|target| target.name == name) else {
        return Reply::Kube(404, status(404));
    };
    let Kind::Deployment { surge, unavailable } = target.kind else { return Reply::Kube(404, status(404)) };
    let Target { desired, version, .. } = target;
    let generation = target.version;
    let observed = if target.caught_up || world.omits(Omission::AwaitSettled) { generation } else { generation - 1 };
    let active = target.counted(Phase::Starting) + target.counted(Phase::Ready);
    let updated = if world.omits(Omission::AwaitSettled) { active } else { target.active_of(target.revision) as usize };
    let json = format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}","namespace":"orders","uid":"{name}","resourceVersion":"{version}","generation":{generation}}},"spec":{{"replicas":{desired},"selector":{{"matchLabels":{{"app":"{name}"}}}},"strategy":{{"type":"RollingUpdate","rollingUpdate":{{"maxSurge":{surge},"maxUnavailable":{unavailable}}}}},"template":{{}}}},"status":{{"observedGeneration":{observed},"replicas":{active},"updatedReplicas":{updated}}}}}"#
    );
    Reply::Kube(200, json.into())
}

pub(super) fn replica_sets(world: &World, query: &str) -> Reply {
    let Some(target) = selected(world, query) else { return Reply::Kube(404, status(404)) };
    let name = target.name;
    let seems_settled = world.omits(Omission::AwaitSettled);
    let mut items = String::new();
    for set in &target.sets {
        if seems_settled && set.revision != target.revision {
            continue;
        }
        let revision = set.revision;
        let (told, there, observed) = if seems_settled {
            (target.desired, target.desired, 2)
        } else {
            (set.told, target.active_of(revision), 1 + u64::from(set.observed))
        };
        let comma = if items.is_empty() { "" } else { "," };
        let _ = write!(
            items,
            r#"{comma}{{"metadata":{{"name":"{name}-{revision}","uid":"{name}-{revision}","generation":2,"ownerReferences":[{{"apiVersion":"apps/v1","kind":"Deployment","name":"{name}","uid":"{name}","controller":true}}]}},"spec":{{"replicas":{told},"selector":{{}}}},"status":{{"replicas":{there},"observedGeneration":{observed}}}}}"#
        );
    }
    list(&items)
}

pub(super) fn pods(world: &World, query: &str) -> Reply {
    let Some(target) = selected(world, query) else { return Reply::Kube(404, status(404)) };
    let name = target.name;
    let mut items = String::new();
    for replica in &target.replicas {
        let leaving = replica.phase == Phase::Leaving;
        if leaving && world.omits(Omission::CountTerminating) {
            continue;
        }
        let deleted = if leaving { r#","deletionTimestamp":"2026-01-01T00:00:00Z""# } else { "" };
        let ready = if replica.phase == Phase::Ready { "True" } else { "False" };
        let comma = if items.is_empty() { "" } else { "," };
        let number = replica.number;
        let _ = write!(
            items,
            r#"{comma}{{"metadata":{{"name":"{name}-{number}"{deleted}}},"status":{{"phase":"Running","conditions":[{{"type":"Ready","status":"{ready}"}}]}}}}"#
        );
    }
    list(&items)
}

fn list(items: &str) -> Reply {
    Reply::Kube(200, format!(r#"{{"metadata":{{"resourceVersion":"1"}},"items":[{items}]}}"#).into())
}

/// The target that a query for `app=NAME` selects.
fn selected<'a>(world: &'a World, query: &str) -> Option<&'a Target> {
    world.targets.iter().find(|target| query.contains(&format!("app%3D{}", target.name)))
}
