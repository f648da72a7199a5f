//! What was seen of one target and its signals at one moment.

use alloc::vec::Vec;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{reading::Reading, units::Replicas};

/// Everything that a decision may look at, apart from the user's policy and the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The target's replicas.
    pub workload: Workload,
    /// One reading a trigger, in the policy's order.
    pub readings: Vec<Reading>,
    /// Until when each schedule's window is open, in the policy's order; none when it is closed.
    pub schedules: Vec<Option<Timestamp>>,
}

/// The replicas of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// What the target is told to run (`spec.replicas` of a scale, `desiredCount` of a service).
    pub desired: Replicas,
    /// Replicas that carry load (ready pods; tasks in RUNNING).
    pub running: Replicas,
    /// Replicas on their way up (pods not ready; tasks before RUNNING).
    pub starting: Replicas,
    /// Replicas on their way out that still live, and may still hold connections.
    pub terminating: Replicas,
    /// Whether the target's own controller has caught up.
    pub rollout: Rollout,
}

/// Whether the target's own controller has carried out what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Rollout {
    /// Its newest generation is observed and no replacement of replicas is under way.
    Settled,
    /// The newest generation is not observed yet, so its counts may be of the past.
    NotObserved,
    /// A deployment or rollout replaces replicas now: they may be counted twice.
    InProgress,
}

impl Workload {
    /// Every replica that may hold connections now.
    #[must_use]
    pub fn live(&self) -> Replicas {
        self.running.plus(self.starting).plus(self.terminating)
    }

    /// Whether the last change has arrived: observed, as many running as desired, none on its way.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.rollout == Rollout::Settled && self.running == self.desired && self.starting == Replicas::ZERO
    }
}
