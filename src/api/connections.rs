//! What a scaler's replicas take from a database.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The connections of each replica, charged to one budget.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionUse {
    /// The budget of the database that the replicas connect to.
    pub budget_ref: BudgetRef,

    /// The most connections that one replica opens; 1 to 10000: the maximum of its pool times its processes, not what it uses on
    /// average.
    #[schemars(range(min = 1, max = 10_000))]
    pub per_replica: i32,

    /// What is kept free for replicas that run twice while a rollout replaces them. `Full` covers one whole rollout, `Surge` only
    /// the replicas that `maxSurge` or `maximumPercent` allow above the desired count, `None` nothing. Default `Full`.
    #[serde(default)]
    pub rollout_reserve: RolloutReserve,
}

/// A `ConnectionBudget` by name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BudgetRef {
    /// Name of the ConnectionBudget.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,

    /// Namespace of the ConnectionBudget. Default: the scaler's; another one must be allowed by the budget's `allowedNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// How much of a budget is kept for rollouts.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RolloutReserve {
    /// One whole rollout: a replacement beside every replica.
    #[default]
    Full,
    /// The replicas above the desired count that the rollout settings allow.
    Surge,
    /// Nothing.
    None,
}
