//! What keeps a number of replicas from being another one.

use alloc::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BudgetStep, Explanation, Step};
use crate::{
    budget::Waiting,
    history::{Cooling, Run},
    policy::RatePolicy,
    units::Replicas,
};

/// A rule that changed or kept a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all_fields = "camelCase")]
pub enum Cause {
    /// Signals are unknown, so nothing is scaled in.
    UnknownSignal,
    /// A smaller number was recommended within the stabilization window of scale-up.
    ScaleUpStabilized {
        /// The recommendation that is followed.
        run: Run,
        /// Until when it counts; none while it still is recommended.
        until: Option<Timestamp>,
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// A larger number was recommended within the stabilization window of scale-down.
    ScaleDownStabilized {
        /// The recommendation that is followed.
        run: Run,
        /// Until when it counts; none while it still is recommended.
        until: Option<Timestamp>,
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// A rate policy of scale-up allows no larger change now.
    ScaleUpLimit {
        /// The policy.
        policy: RatePolicy,
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// A rate policy of scale-down allows no larger change now.
    ScaleDownLimit {
        /// The policy.
        policy: RatePolicy,
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// `selectPolicy: Disabled` of scale-up.
    ScaleUpDisabled {
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// `selectPolicy: Disabled` of scale-down.
    ScaleDownDisabled {
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// The demand is below the fewest replicas.
    MinReplicas(Bound),
    /// The demand is below the replicas of a workload without work.
    IdleReplicas,
    /// The demand is zero, and there is work, or no evidence that there is none.
    LastReplica,
    /// The demand is above the most replicas.
    MaxReplicas(Bound),
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
    /// `mode: Paused`.
    Paused {
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// `mode: ScaleDownOnly`.
    ScaleUpPaused {
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// `mode: ScaleUpOnly`.
    ScaleDownPaused {
        /// The number that would be followed without it.
        then: Replicas,
    },
    /// `pinnedReplicas`.
    Pinned {
        /// The number that would be followed without it.
        then: Replicas,
    },
}

/// Where a bound comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// The schedule whose open window sets it; none: the policy itself.
    pub schedule: Option<Arc<str>>,
}

/// Defines the words for what limits a scaler, each with the one name that it has everywhere.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What keeps a number of replicas from being another one. The names are stable: they stand in a column, in conditions and
        /// metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        pub enum Limit {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Limit {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The reason as it stands in columns, conditions and metric labels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

limits! {
    /// Nothing: it is what the signals ask for.
    None = "DesiredWithinRange",
    /// `minReplicas`, or a schedule's; `idleReplicas` of a workload without work; the last replica of one that may have work.
    MinReplicas = "MinReplicas",
    /// `maxReplicas`, or a schedule's.
    MaxReplicas = "MaxReplicas",
    /// The stabilization window of scale-up.
    ScaleUpStabilized = "ScaleUpStabilized",
    /// The stabilization window of scale-down.
    ScaleDownStabilized = "ScaleDownStabilized",
    /// A rate policy of scale-up.
    ScaleUpLimit = "ScaleUpLimit",
    /// A rate policy of scale-down.
    ScaleDownLimit = "ScaleDownLimit",
    /// `selectPolicy: Disabled` of scale-up.
    ScaleUpDisabled = "ScaleUpDisabled",
    /// `selectPolicy: Disabled` of scale-down.
    ScaleDownDisabled = "ScaleDownDisabled",
    /// The cooldown after a scale-up.
    ScaleUpCooldown = "ScaleUpCooldown",
    /// The cooldown after a scale-down.
    ScaleDownCooldown = "ScaleDownCooldown",
    /// A signal that cannot be read.
    UnknownSignal = "UnknownSignal",
    /// A rollout under way, or a change not observed yet.
    RolloutInProgress = "RolloutInProgress",
    /// A person who set 0 replicas.
    PausedByHand = "PausedByHand",
    /// `mode: Paused`.
    Paused = "Paused",
    /// `mode: ScaleDownOnly`.
    ScaleUpPaused = "ScaleUpPaused",
    /// `mode: ScaleUpOnly`.
    ScaleDownPaused = "ScaleDownPaused",
    /// `pinnedReplicas`.
    Pinned = "Pinned",
    /// The connections that the database accepts.
    ConnectionBudget = "ConnectionBudget",
}

impl Cause {
    /// Since when it has been there, where that began before the decision.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        match self {
            Self::ScaleUpStabilized { run, .. } | Self::ScaleDownStabilized { run, .. } => Some(run.from),
            _ => None,
        }
    }

    /// Until when it lasts at the latest, where that is known.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::ScaleUpStabilized { until, .. } | Self::ScaleDownStabilized { until, .. } => *until,
            Self::ScaleUpCooldown { cooling, .. } | Self::ScaleDownCooldown { cooling, .. } => match cooling {
                Cooling::Over => None,
                Cooling::Settling { latest } => Some(*latest),
                Cooling::Until { end, .. } => Some(*end),
            },
            _ => None,
        }
    }

    /// The number that would be followed without it, where it says.
    #[must_use]
    pub const fn then(&self) -> Option<Replicas> {
        match self {
            Self::ScaleUpStabilized { then, .. }
            | Self::ScaleDownStabilized { then, .. }
            | Self::ScaleUpLimit { then, .. }
            | Self::ScaleDownLimit { then, .. }
            | Self::ScaleUpDisabled { then }
            | Self::ScaleDownDisabled { then }
            | Self::ScaleUpCooldown { then, .. }
            | Self::ScaleDownCooldown { then, .. }
            | Self::Paused { then }
            | Self::ScaleUpPaused { then }
            | Self::ScaleDownPaused { then }
            | Self::Pinned { then } => Some(*then),
            _ => None,
        }
    }

    /// The schedule that sets a bound, if one does.
    #[must_use]
    pub fn schedule(&self) -> Option<&str> {
        match self {
            Self::MinReplicas(bound) | Self::MaxReplicas(bound) => bound.schedule.as_deref(),
            _ => None,
        }
    }

    /// What it is called in columns, conditions and metric labels.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        match self {
            Self::UnknownSignal => Limit::UnknownSignal,
            Self::ScaleUpStabilized { .. } => Limit::ScaleUpStabilized,
            Self::ScaleDownStabilized { .. } => Limit::ScaleDownStabilized,
            Self::ScaleUpLimit { .. } => Limit::ScaleUpLimit,
            Self::ScaleDownLimit { .. } => Limit::ScaleDownLimit,
            Self::ScaleUpDisabled { .. } => Limit::ScaleUpDisabled,
            Self::ScaleDownDisabled { .. } => Limit::ScaleDownDisabled,
            Self::MinReplicas(_) | Self::IdleReplicas | Self::LastReplica => Limit::MinReplicas,
            Self::MaxReplicas(_) => Limit::MaxReplicas,
            Self::RolloutInProgress => Limit::RolloutInProgress,
            Self::ScaleUpCooldown { .. } => Limit::ScaleUpCooldown,
            Self::ScaleDownCooldown { .. } => Limit::ScaleDownCooldown,
            Self::PausedByHand => Limit::PausedByHand,
            Self::Paused { .. } => Limit::Paused,
            Self::ScaleUpPaused { .. } => Limit::ScaleUpPaused,
            Self::ScaleDownPaused { .. } => Limit::ScaleDownPaused,
            Self::Pinned { .. } => Limit::Pinned,
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
            None => self.last_step().map_or(Limit::None, |step| step.cause.limit()),
        }
    }

    /// What the budget step waits for before it allows what is wanted; a scaler that only watches waits for nothing.
    pub(super) fn shortfall(&self) -> Option<(&BudgetStep, &Waiting)> {
        let step = self.budget.as_ref().filter(|step| step.to < step.from)?;
        let waiting = step.waiting.as_ref()?;
        (!matches!(waiting, Waiting::DryRun | Waiting::Paused)).then_some((step, waiting))
    }

    /// The last step before the budget.
    pub(super) fn last_step(&self) -> Option<&Step> {
        self.steps.last()
    }
}
