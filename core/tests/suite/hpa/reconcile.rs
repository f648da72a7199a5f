//! Whole decisions, without a `behavior`: growth up to a factor, scale-in held back for five minutes.

use hybridscaler_core::{
    Decision, Replicas,
    explanation::{Cause, Limit},
    history::History,
    look,
    observation::{Observation, Workload},
    policy::{Behavior, Outage, Target},
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Usage},
};
use jiff::SignedDuration;
use serde::Deserialize;

use super::{rates::legacy_growth, scaling_limited};
use crate::{
    dial::window,
    support::{at, at_rest, now, policy, unknown},
};

#[derive(Deserialize)]
pub(super) struct Whole {
    min_replicas: u32,
    max_replicas: u32,
    spec_replicas: u32,
    status_replicas: u32,
    metrics: Vec<Metric>,
    recommendation_history: serde_json::Value,
    scale_up_limit_factor: f64,
    expected_desired_replicas: u32,
    expected_conditions: Vec<(String, bool, String)>,
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Metric {
    #[serde(rename = "Resource/cpu utilization")]
    Cpu {
        target_percent: u32,
        pod_usage_milli: Vec<u64>,
        pod_request_milli: Vec<u64>,
        pod_ready: Vec<bool>,
        pod_start_age_s: Vec<i64>,
        pod_phase: Vec<Phase>,
        pod_deleting: Vec<bool>,
    },
    #[serde(rename = "External value")]
    External { target_milli: u64, values_milli: Vec<u64> },
    #[serde(rename = "invalid type")]
    Invalid,
}

impl Metric {
    fn target(&self) -> Target {
        match *self {
            Self::Cpu { target_percent, .. } => Target::Utilization(target_percent),
            Self::External { target_milli, .. } => Target::Value { milli: target_milli },
            Self::Invalid => Target::Utilization(50),
        }
    }

    fn reading(&self) -> Reading {
        let load = match self {
            Self::Cpu {
                pod_usage_milli: usage,
                pod_request_milli: requests,
                pod_ready,
                pod_start_age_s,
                pod_phase,
                pod_deleting,
                ..
            } => {
                let pod = |i: usize| Pod {
                    phase: pod_phase[i],
                    deleting: pod_deleting[i],
                    started: Some(at(-pod_start_age_s[i])),
                    ready: Some(Ready { ready: pod_ready[i], since: at(-pod_start_age_s[i]) }),
                    request_milli: Some(requests[i]),
                    usage: usage.get(i).map(|&milli| Usage { milli, at: now(), window: SignedDuration::from_mins(1) }),
                };
                // Whoever joins pods with metrics drops those without a pod.
                Load::Pods { resource: Resource::Cpu, pods: (0..requests.len()).map(pod).collect() }
            }
            Self::External { values_milli, .. } => Load::Value { milli: values_milli.iter().sum() },
            Self::Invalid => return unknown(Unknown::Invalid),
        };
        Reading::Known { load, at: now() }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the factor is 8")]
pub(super) fn whole(case: &Whole) {
    let targets: Vec<_> = case.metrics.iter().map(|metric| ("metric", metric.target())).collect();
    let mut policy = policy(case.min_replicas, case.max_replicas, &targets);
    policy.behavior = Behavior {
        scale_up: legacy_growth(case.spec_replicas, case.scale_up_limit_factor as u32),
        scale_down: window(300),
        outage: Outage::PassOver,
    };
    let workload = Workload { running: Replicas(case.status_replicas), ..at_rest(case.spec_replicas) };
    let readings = case.metrics.iter().map(Metric::reading).collect();
    let seen = Observation { workload, readings, schedules: Vec::new() };
    let mut history = match case.recommendation_history.as_str() {
        Some("initial") => History::default(),
        _ => History { since: Some(at(-10_000)), looked: Some(at(-10_000)), ..History::default() },
    };
    let decision = look(&policy, &seen, &mut history, now());
    assert_eq!(decision.replicas.0, case.expected_desired_replicas);
    for (condition, status, reason) in &case.expected_conditions {
        assert!(holds(&decision, case.spec_replicas, condition, *status, reason), "{condition} {reason}: {decision:?}");
    }
}

/// Whether what a decision says of itself is what a condition of the HPA says.
fn holds(decision: &Decision, spec: u32, condition: &str, status: bool, reason: &str) -> bool {
    let changed = decision.replicas.0 != spec;
    let stabilized =
        decision.explanation.steps.iter().any(|step| matches!(step.cause, Cause::ScaleDownStabilized { .. }));
    let blind = decision.limited_by == Limit::UnknownSignal;
    match (condition, reason) {
        ("AbleToScale", "SucceededRescale") => changed,
        ("AbleToScale", "ReadyForNewScale") => !changed && !stabilized,
        ("AbleToScale", "ScaleDownStabilized") => !changed && stabilized,
        ("AbleToScale", "SucceededGetScale") => !changed && blind,
        ("ScalingActive", _) => blind != status,
        ("ScalingLimited", _) => {
            let limited = scaling_limited(decision.limited_by);
            limited == reason && (limited != "DesiredWithinRange") == status
        }
        _ => false,
    }
}
