//! What the user asked for: a validated `HybridScaler` spec, free of Kubernetes and AWS types.

use alloc::{string::String, vec::Vec};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::units::Replicas;

/// How one workload is to be scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The fewest replicas; at least 1.
    pub min: Replicas,
    /// The most replicas; at least `min`.
    pub max: Replicas,
    /// At least one; the largest proposal wins.
    pub triggers: Vec<Trigger>,
    /// How fast to follow demand.
    pub behavior: Behavior,
}

/// One signal and the load a replica should carry of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// Unique within the policy.
    pub name: String,
    /// What a replica should carry.
    pub target: Target,
    /// A value older than this is unknown.
    pub stale_after: SignedDuration,
}

/// The load that one replica should carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Messages a replica; at least 1.
    MessagesPerReplica(u32),
    /// Percent of the reserved amount, 1 to 100.
    Utilization(u32),
}

/// How fast demand is followed, in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Rules for more replicas.
    pub scale_up: Pace,
    /// Rules for fewer replicas.
    pub scale_down: Pace,
}

/// The rules of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pace {
    /// After a change in this direction has settled, this long passes before the next (Application Auto Scaling's meaning).
    pub cooldown: SignedDuration,
    /// A ratio of load to target within this fraction of 1 changes nothing in this direction; 0 to 1, in thousandths.
    pub tolerance_permille: u32,
}
