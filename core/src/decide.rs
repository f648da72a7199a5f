//! The decision: one step a line, one report a step.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    behavior::{self, Stand, Way},
    bounds::Bounds,
    demand,
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
    /// What later decisions remember as recommended: what the signals ask for, before windows, rates, bounds and cooldowns. None when
    /// the number only stays because a signal is unknown.
    pub recommendation: Option<Replicas>,
    /// Every step that led here.
    pub explanation: Explanation,
}

/// One look at a workload: brings `history` up to date, decides, and remembers what was recommended.
///
/// After the target accepted a change, record it with [`History::scaled`].
pub fn look(policy: &Policy, seen: &Observation, history: &mut History, now: Timestamp) -> Decision {
    history.observed(policy, seen, now);
    let decision = decide(policy, seen, history, now);
    // As in the HPA, a window holds what the signals asked for. If it held what they could not ask for, one failed poll in every
    // window of scale-up would keep a workload from growing for ever.
    match decision.recommendation {
        Some(recommendation) => history.recommended(recommendation, policy, now),
        None => history.untold(&seen.workload, policy, now),
    }
    decision
}

/// Decides how many replicas one workload should run. Pure: the same arguments give the same decision, byte for byte.
///
/// Pass a `history` that has seen the observation ([`History::observed`]), or call [`look`].
pub fn decide(policy: &Policy, seen: &Observation, history: &History, now: Timestamp) -> Decision {
    let bounds = Bounds::of(policy, seen);
    let demand = demand::largest(policy, seen, &bounds, history, now);
    let stand = Stand::of(bounds, seen, &demand);
    let mut way = Way::from(demand.replicas);
    way.step(|number| behavior::keep_while_unknown(&stand, number, &demand));
    let recommendation = way.steps.is_empty().then_some(way.number);
    way.step(|number| behavior::stabilize(&stand, number, policy, history, now));
    way.step(|number| behavior::limit_rate(&stand, number, policy, history, now));
    way.step(|number| behavior::bound(&stand, number));
    way.step(|number| behavior::keep_during_rollout(&stand, number, seen.workload.rollout));
    way.step(|number| behavior::cool_down(&stand, number, &demand, policy, history, now));
    way.step(|number| behavior::respect_person(&stand, number, policy, history));
    let Way { number: replicas, steps } = way;
    let explanation = Explanation { at: now, workload: seen.workload, demand, steps, replicas, budget: None };
    Decision { replicas, limited_by: explanation.limited_by(), recommendation, explanation }
}
