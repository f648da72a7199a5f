//! Stabilization windows. Which slots of its log the HPA uses again (`expected_log_after`) says nothing about numbers; ours has none.

use hybridscaler_core::{Replicas, history::History, look, policy::Policy};
use serde::Deserialize;

use crate::{
    dial::{MOST, dial, dialled, window},
    support::{at, now},
};

#[derive(Clone, Copy, Deserialize)]
struct Recommended {
    recommendation: u32,
    age_s: i64,
}

/// A history in which so much was recommended.
fn history(policy: &Policy, mut recommended: Vec<Recommended>, current: u32) -> History {
    recommended.sort_by_key(|recommended| -recommended.age_s);
    let (since, looked) = (Some(at(-10_000)), Some(at(-10_000)));
    let mut history = History { since, looked, desired: Some(Replicas(current)), ..History::default() };
    for Recommended { recommendation, age_s } in recommended {
        history.recommended(Replicas(recommendation), policy, at(-age_s));
    }
    history
}

#[derive(Deserialize)]
pub(super) struct WithoutBehavior {
    window_s: i64,
    recommendations: Vec<Recommended>,
    desired_replicas: u32,
    expected_stabilized: u32,
}

/// The window of scale-down alone: where there are more replicas than it ever recommended.
pub(super) fn without_behavior(case: &WithoutBehavior) {
    let policy = dialled(1, MOST, window(0), window(case.window_s));
    let mut history = history(&policy, case.recommendations.clone(), 100);
    let decision = look(&policy, &dial(100, case.desired_replicas, now()), &mut history, now());
    assert_eq!(decision.replicas.0, case.expected_stabilized);
}

#[derive(Deserialize)]
pub(super) struct WithBehaviors {
    recommendations: Vec<Recommended>,
    current_replicas: u32,
    desired_replicas: u32,
    scale_up_window_s: i64,
    scale_down_window_s: i64,
    expected_stabilized: u32,
}

pub(super) fn with_behaviors(case: &WithBehaviors) {
    let policy = dialled(1, MOST, window(case.scale_up_window_s), window(case.scale_down_window_s));
    let mut history = history(&policy, case.recommendations.clone(), case.current_replicas);
    let decision = look(&policy, &dial(case.current_replicas, case.desired_replicas, now()), &mut history, now());
    assert_eq!(decision.replicas.0, case.expected_stabilized);
}
