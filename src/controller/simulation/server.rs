//! The API server and ECS, which carry out one call at a time: reads are of the moment (of ECS, of a moment before), and writes to the
//! API server are conditional on the version that they carry.

mod workload;

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use http::Method;
use hybridscaler_core::Replicas;
use k8s_openapi::api::autoscaling::v1::Scale;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    network::{Asked, Call, Reply},
    omission::Omission,
    target::{Phase, Target},
    world::{Changed, World},
};
use crate::{
    api::{ConnectionBudget, HybridScaler},
    targets::Listed,
};

/// Answers that never change, and are not worth a delay.
pub(super) fn constant(method: &Method, path: &str) -> Option<&'static [u8]> {
    match path {
        _ if method != Method::GET => None,
        "/apis/apps/v1" => Some(
            br#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[
            {"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get","list"]},
            {"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","update"]}]}"#,
        ),
        "/apis/autoscaling/v2/namespaces/orders/horizontalpodautoscalers" => {
            Some(br#"{"metadata":{"resourceVersion":"1"},"items":[]}"#)
        }
        "/api/v1/namespaces/orders/secrets/db" => {
            Some(br#"{"metadata":{"name":"db"},"data":{"url":"cG9zdGdyZXM6Ly9kYg=="}}"#)
        }
        _ => None,
    }
}

/// A refusal as the API server words it.
pub(super) fn status(code: u16) -> Vec<u8> {
    let reason = if code == 409 { "Conflict" } else { "Failure" };
    json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason}).to_string().into()
}

/// The refusal of a call that the server does not carry out for now.
pub(super) fn failure(request: &Asked, code: u16) -> Reply {
    match request {
        Asked::Kube { .. } => Reply::Kube(code, status(code)),
        Asked::Describe(_) | Asked::List(_) | Asked::Update(..) => Reply::Refused,
    }
}

/// Whether a call stores a ledger.
pub(super) fn is_ledger(request: &Asked) -> bool {
    matches!(request, Asked::Kube { method, path, .. } if *method == Method::PUT && path.contains("/connectionbudgets/"))
}

/// The answer that a store would have, before it is stored.
pub(super) fn as_if_stored(world: &World, request: &Asked) -> Reply {
    let Asked::Kube { body, .. } = request else { return Reply::Refused };
    let mut budget: ConnectionBudget = parse(body);
    budget.metadata.resource_version = Some(world.version.to_string());
    answer(&budget)
}

/// Carries out a call.
pub(super) fn serve(world: &mut World, call: &Call) -> Reply {
    world.served = call.process;
    match &call.request {
        Asked::Kube { method, path, query, body } => kube(world, method, path, query, body),
        Asked::Describe(name) => {
            let service = looked_at(world, name).map(|target| Box::new(described(&target, world)));
            Reply::Service(service)
        }
        Asked::List(name) => {
            let Some(target) = looked_at(world, name) else { return Reply::Refused };
            let count = |phases: &[Phase]| {
                let count: usize = phases.iter().map(|phase| target.counted(*phase)).sum();
                Replicas(u32::try_from(count).unwrap_or(u32::MAX))
            };
            let stopping =
                if world.omits(Omission::CountTerminating) { Replicas::ZERO } else { count(&[Phase::Leaving]) };
            Reply::Tasks(Listed { wanted: count(&[Phase::Starting, Phase::Ready]), stopping })
        }
        Asked::Update(name, count) => {
            let Some(at) = world.targets.iter().position(|target| target.name == name) else { return Reply::Refused };
            tell_target(world, at, *count);
            Reply::Updated
        }
    }
}

/// A service as one read shows it: as it was some time ago.
fn looked_at(world: &mut World, name: &str) -> Option<Target> {
    let at = world.targets.iter().position(|target| target.name == name)?;
    let then = world.now.saturating_sub(world.lag());
    let past = world.past[at].iter().rev().find(|(since, _)| *since <= then).or(world.past[at].first());
    past.map(|(_, target)| target.clone())
}

fn described(target: &Target, world: &World) -> Service {
    let count = |phase| i32::try_from(target.counted(phase)).unwrap_or(i32::MAX);
    let rolling = target.sets.len() > 1 || target.sets.iter().all(|set| set.revision != target.revision);
    let state = if rolling && !world.omits(Omission::AwaitSettled) {
        DeploymentRolloutState::InProgress
    } else {
        DeploymentRolloutState::Completed
    };
    Service::builder()
        .status("ACTIVE")
        .desired_count(i32::try_from(target.desired).unwrap_or(i32::MAX))
        .running_count(count(Phase::Ready))
        .pending_count(count(Phase::Starting))
        .deployments(Deployment::builder().rollout_state(state).build())
        .build()
}

fn kube(world: &mut World, method: &Method, path: &str, query: &str, body: &[u8]) -> Reply {
    let rest = path.rsplit("/orders/").next().unwrap_or_default();
    let words: Vec<&str> = rest.split('/').collect();
    match (method, words.as_slice()) {
        (&Method::GET, ["hybridscalers", name]) => found(world.scaler(name).map(|at| &world.scalers[at])),
        (&Method::GET, ["connectionbudgets", name]) => {
            found(world.budgets.iter().find(|budget| budget.metadata.name.as_deref() == Some(name)))
        }
        (&Method::PUT, ["hybridscalers", name, "status"]) => put_scaler(world, name, body),
        (&Method::PUT, ["connectionbudgets", name, "status"]) => put_budget(world, name, body),
        (&Method::PUT, ["deployments", name, "scale"]) => put_scale(world, name, body),
        (&Method::GET, ["deployments", name]) => workload::deployment(world, name),
        (&Method::GET, ["replicasets"]) => workload::replica_sets(world, query),
        (&Method::GET, ["pods"]) => workload::pods(world, query),
        _ => Reply::Kube(404, status(404)),
    }
}

fn found(object: Option<&impl Serialize>) -> Reply {
    object.map_or_else(|| Reply::Kube(404, status(404)), answer)
}

fn answer(object: &impl Serialize) -> Reply {
    Reply::Kube(200, serde_json::to_vec(object).unwrap())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).unwrap()
}

fn put_scaler(world: &mut World, name: &str, body: &[u8]) -> Reply {
    let put: HybridScaler = parse(body);
    let Some(at) = world.scaler(name) else { return Reply::Kube(404, status(404)) };
    if world.scalers[at].metadata.resource_version != put.metadata.resource_version {
        return Reply::Kube(409, status(409));
    }
    if world.scalers[at].status != put.status {
        world.version += 1;
        world.scalers[at].status = put.status;
        world.scalers[at].metadata.resource_version = Some(world.version.to_string());
        let changed = Changed::Scaler(Box::new(world.scalers[at].clone()));
        world.show(&changed);
    }
    answer(&world.scalers[at])
}

fn put_budget(world: &mut World, name: &str, body: &[u8]) -> Reply {
    let put: ConnectionBudget = parse(body);
    let Some(at) = world.budgets.iter().position(|budget| budget.metadata.name.as_deref() == Some(name)) else {
        return Reply::Kube(404, status(404));
    };
    let newest = world.budgets[at].metadata.resource_version == put.metadata.resource_version;
    if !newest && !world.omits(Omission::CompareAndSwap) {
        return Reply::Kube(409, status(409));
    }
    if world.budgets[at].status != put.status {
        world.version += 1;
        world.budgets[at].status = put.status;
        world.budgets[at].metadata.resource_version = Some(world.version.to_string());
        world.stored(at);
        let changed = Changed::Budget(Box::new(world.budgets[at].clone()));
        world.show(&changed);
    }
    answer(&world.budgets[at])
}

fn put_scale(world: &mut World, name: &str, body: &[u8]) -> Reply {
    let scale: Scale = parse(body);
    let Some(at) = world.targets.iter().position(|target| target.name == name) else {
        return Reply::Kube(404, status(404));
    };
    let newest = scale.metadata.resource_version == Some(world.targets[at].version.to_string());
    if !newest && !world.omits(Omission::TargetVersion) {
        return Reply::Kube(409, status(409));
    }
    let replicas = scale.spec.and_then(|spec| spec.replicas).and_then(|replicas| u32::try_from(replicas).ok());
    tell_target(world, at, replicas.unwrap_or_default());
    Reply::Kube(200, body.to_vec())
}

/// Tells a target what to run.
pub(super) fn tell_target(world: &mut World, at: usize, replicas: u32) {
    let version = world.targets[at].version + 1;
    world.targets[at].write(replicas, version);
    (world.writes, world.written_at) = (world.writes + 1, world.now);
    world.follow(at);
}
