//! The decision: one step a line, one report a step.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    behavior, demand,
    explanation::{Explanation, Limit},
    history::History,
    observation::Observation,
    policy::Policy,
    units::Replicas,
};

/// What to run, before the connection budget, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[must_use = "a decision that nobody carries out scales nothing"]
pub struct Decision {
    /// Replicas wanted.
    pub replicas: Replicas,
    /// What keeps them from being another number; the budget, which comes after, is not among it.
    pub limited_by: Limit,
    /// Every step that led here.
    pub explanation: Explanation,
}

/// Decides how many replicas one workload should run. Pure: the same arguments give the same decision, byte for byte.
///
/// Pass a `history` that has seen the workload ([`History::observed`]); after the target accepted a change, record it with
/// [`History::scaled`].
pub fn decide(policy: &Policy, seen: &Observation, history: &History, now: Timestamp) -> Decision {
    let stand = behavior::Stand::of(policy, &seen.workload);
    let demand = demand::largest(policy, seen, history, now);
    let certainty = behavior::keep_while_unknown(&stand, &demand);
    let bounds = behavior::bound(&stand, certainty.to);
    let rollout = behavior::keep_during_rollout(&stand, bounds.to, seen.workload.rollout);
    let cooldown = behavior::cool_down(&stand, rollout.to, &demand, &policy.behavior, history, now);
    let pause = behavior::respect_pause(&stand, cooldown.to);
    let replicas = pause.to;
    let workload = seen.workload;
    let explanation =
        Explanation { at: now, workload, demand, certainty, bounds, rollout, cooldown, pause, budget: None };
    Decision { replicas, limited_by: explanation.limited_by(), explanation }
}
