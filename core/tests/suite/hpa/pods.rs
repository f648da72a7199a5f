//! The use of pods.

use hybridscaler_core::{
    Replicas,
    demand::{
        PodsUse,
        pods::{Group, Rules},
    },
    policy::Behavior,
    reading::{Phase, Pod, Ready, Resource, Usage},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Tolerance;
use crate::support::{at, now};

#[derive(Deserialize)]
struct PodOf {
    name: String,
    phase: Phase,
    deleting: bool,
    start_age_s: Option<i64>,
    ready_condition: Option<Condition>,
    metric: Option<u64>,
    metric_age_s: i64,
    metric_window_s: i64,
    request: Option<u64>,
}

#[derive(Deserialize)]
struct Condition {
    status: bool,
    transition_age_s: i64,
}

impl PodOf {
    fn pod(&self) -> Pod {
        let ago = |seconds: i64| -> Timestamp { at(-seconds) };
        let usage = |milli| Usage {
            milli,
            at: ago(self.metric_age_s),
            window: SignedDuration::from_secs(self.metric_window_s),
        };
        Pod {
            phase: self.phase,
            deleting: self.deleting,
            started: self.start_age_s.map(ago),
            ready: self
                .ready_condition
                .as_ref()
                .map(|condition| Ready { ready: condition.status, since: ago(condition.transition_age_s) }),
            request_milli: self.request,
            usage: self.metric.map(usage),
        }
    }
}

/// With the constants of Kubernetes' own tests.
fn rules(resource: Resource, behavior: &Behavior, desired: u32) -> Rules<'_> {
    Rules {
        desired: Replicas(desired),
        now: now(),
        cpu_initialization: SignedDuration::from_secs(120),
        readiness_delay: SignedDuration::from_secs(10),
        ..Rules::of(resource, behavior)
    }
}

fn pods(of: &[PodOf]) -> Vec<Pod> {
    of.iter().map(PodOf::pod).collect()
}

#[derive(Deserialize)]
pub(super) struct Utilization {
    current_replicas: u32,
    target_utilization_percent: u32,
    tolerance: Tolerance,
    pods: Vec<PodOf>,
    expected_replicas: Option<u32>,
    expected_utilization_percent: Option<u64>,
    expected_error_contains: Option<String>,
}

pub(super) fn utilization(case: &Utilization) {
    let behavior = case.tolerance.behavior();
    let rules = rules(Resource::Cpu, &behavior, case.current_replicas);
    let answer = rules.utilization(&pods(&case.pods), case.target_utilization_percent);
    assert_eq!(answer.is_err(), case.expected_error_contains.is_some());
    let Ok(answer) = answer else { return };
    assert_eq!(Some(answer.replicas.0), case.expected_replicas);
    assert_eq!(answer.seen.usage, PodsUse::Percent(case.expected_utilization_percent.unwrap()));
}

#[derive(Deserialize)]
pub(super) struct AverageValue {
    current_replicas: u32,
    pods: Vec<PodOf>,
    target_average_milli: u64,
    tolerance: Tolerance,
    expected_replicas: u32,
    expected_usage_milli: u64,
}

pub(super) fn average_value(case: &AverageValue) {
    let behavior = case.tolerance.behavior();
    let rules = rules(Resource::Other, &behavior, case.current_replicas);
    let answer = rules.average_value(&pods(&case.pods), case.target_average_milli).unwrap();
    assert_eq!(answer.replicas.0, case.expected_replicas);
    assert_eq!(answer.seen.usage, PodsUse::AverageMilli(case.expected_usage_milli));
}

#[derive(Deserialize)]
pub(super) struct Groups {
    resource: Resource,
    pods: Vec<PodOf>,
    expected_ready_count: usize,
    expected_unready: Vec<String>,
    expected_missing: Vec<String>,
    expected_ignored: Vec<String>,
}

pub(super) fn groups(case: &Groups) {
    let behavior = Tolerance { up: 0.1, down: 0.1 }.behavior();
    let rules = rules(case.resource, &behavior, 0);
    let of = |group: fn(&Group) -> bool| -> Vec<&str> {
        case.pods.iter().filter(|pod| group(&rules.group(&pod.pod()))).map(|pod| &*pod.name).collect()
    };
    assert_eq!(of(|group| matches!(group, Group::Ready(_))).len(), case.expected_ready_count);
    assert_eq!(of(|group| matches!(group, Group::Unready)), case.expected_unready);
    assert_eq!(of(|group| matches!(group, Group::Missing)), case.expected_missing);
    assert_eq!(of(|group| matches!(group, Group::Ignored)), case.expected_ignored);
}
