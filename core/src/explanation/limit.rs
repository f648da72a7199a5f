//! What keeps a number of replicas from being another one.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{BudgetStep, Explanation, Step};
use crate::{budget::Waiting, history::Cooling, units::Replicas};

/// A rule that changed or kept a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum Cause {
    /// Signals are unknown, so nothing is scaled in.
    UnknownSignal {
        /// The triggers that cannot be read.
        triggers: Vec<String>,
    },
    /// The demand is below the fewest replicas.
    MinReplicas,
    /// The demand is above the most replicas.
    MaxReplicas,
    /// No scale-in while a rollout replaces replicas, or before the newest change is observed.
    RolloutInProgress,
    /// The cooldown after a scale-up lasts.
    ScaleUpCooldown {
        /// Until when.
        cooling: Cooling,
        /// The number that the same readings lead to afterwards.
        then: Replicas,
    },
    /// The cooldown after a scale-down lasts.
    ScaleDownCooldown {
        /// Until when.
        cooling: Cooling,
        /// The number that the same readings lead to afterwards.
        then: Replicas,
    },
    /// A person set 0 replicas.
    PausedByHand,
}

/// What keeps a number of replicas from being another one. The names are stable: they stand in a column, in conditions and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Limit {
    /// Nothing: it is what the signals ask for.
    #[serde(rename = "DesiredWithinRange")]
    None,
    /// `minReplicas`.
    MinReplicas,
    /// `maxReplicas`.
    MaxReplicas,
    /// The cooldown after a scale-up.
    ScaleUpCooldown,
    /// The cooldown after a scale-down.
    ScaleDownCooldown,
    /// A signal that cannot be read.
    UnknownSignal,
    /// A rollout under way, or a change not observed yet.
    RolloutInProgress,
    /// A person who set 0 replicas.
    PausedByHand,
    /// The connections that the database accepts.
    ConnectionBudget,
}

impl Limit {
    /// The reason as it stands in columns, conditions and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "DesiredWithinRange",
            Self::MinReplicas => "MinReplicas",
            Self::MaxReplicas => "MaxReplicas",
            Self::ScaleUpCooldown => "ScaleUpCooldown",
            Self::ScaleDownCooldown => "ScaleDownCooldown",
            Self::UnknownSignal => "UnknownSignal",
            Self::RolloutInProgress => "RolloutInProgress",
            Self::PausedByHand => "PausedByHand",
            Self::ConnectionBudget => "ConnectionBudget",
        }
    }
}

impl Cause {
    const fn limit(&self) -> Limit {
        match self {
            Self::UnknownSignal { .. } => Limit::UnknownSignal,
            Self::MinReplicas => Limit::MinReplicas,
            Self::MaxReplicas => Limit::MaxReplicas,
            Self::RolloutInProgress => Limit::RolloutInProgress,
            Self::ScaleUpCooldown { .. } => Limit::ScaleUpCooldown,
            Self::ScaleDownCooldown { .. } => Limit::ScaleDownCooldown,
            Self::PausedByHand => Limit::PausedByHand,
        }
    }
}

impl Explanation {
    /// What keeps the number from being another one.
    #[must_use]
    pub fn limited_by(&self) -> Limit {
        match self.shortfall().map(|(_, waiting)| waiting) {
            Some(Waiting::NotObserved | Waiting::NotSettled { .. }) => Limit::RolloutInProgress,
            Some(_) => Limit::ConnectionBudget,
            None => self.last_rule().map_or(Limit::None, |(_, cause)| cause.limit()),
        }
    }

    /// What the budget step waits for before it allows what is wanted; a scaler that only watches waits for nothing.
    pub(super) fn shortfall(&self) -> Option<(&BudgetStep, &Waiting)> {
        let step = self.budget.as_ref().filter(|step| step.to < step.from)?;
        let waiting = step.waiting.as_ref()?;
        (!matches!(waiting, Waiting::DryRun | Waiting::Paused)).then_some((step, waiting))
    }

    /// The last step before the budget that had something to say, and what.
    pub(super) fn last_rule(&self) -> Option<(&Step, &Cause)> {
        let Self { at: _, workload: _, demand: _, certainty, bounds, rollout, cooldown, pause, budget: _ } = self;
        let last_first = [pause, cooldown, rollout, bounds, certainty];
        last_first.into_iter().find_map(|step| Some((step, step.cause.as_ref()?)))
    }
}
