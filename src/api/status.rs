//! What the operator reports about both kinds.

mod decision;
mod history;
mod promises;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    decision::{DecisionStatus, MeasureStatus, ProposalStatus, StepStatus, WinnerStatus},
    history::{Recommendation, Recommendations, ScaleActivity, ScaleEvent, ScaleHistory},
    promises::{AssumptionStatus, EvidenceState, ObservedConnections, PromiseState, PromiseStatus, PromisesStatus},
};
use super::{ledger::StoredLedger, schema};

/// What is true of one scaler. Values are those of the last decision; live ones are in the operator's metrics.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HybridScalerStatus {
    /// The `metadata.generation` that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub observed_generation: Option<i64>,

    /// Replicas that carry load: ready pods, or tasks in RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub current_replicas: Option<u32>,

    /// Replicas that the target is told to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub desired_replicas: Option<u32>,

    /// Replicas that the load asks for, after bounds and cooldowns and before the connection budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub wanted_replicas: Option<u32>,

    /// The most replicas that the connection budget lets run now. Missing without a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub allowed_replicas: Option<u32>,

    /// What keeps it from running more or fewer replicas, as one stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub limited_by: Option<String>,

    /// When the target's replicas were last changed by this scaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub last_scale_time: Option<Time>,

    /// The last decision in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub headline: Option<String>,

    /// The last decision in full: each signal, each step that changed the number, and what would have to change for the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub explanation: Option<String>,

    /// The same for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionStatus>,

    /// One entry for each trigger of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub triggers: Vec<TriggerStatus>,

    /// One entry for each budget of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["budget".into()]))]
    pub connections: Vec<ConnectionStatus>,

    /// What later decisions depend on; kept here so that a restart of the operator forgets nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<ScaleHistory>,

    /// `Ready`, `AbleToScale`, `ScalingActive` and `ScalingLimited`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// What one trigger said.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TriggerStatus {
    /// Name of the trigger.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// Known when its signal answered in time, Unknown otherwise. An unknown trigger blocks scale-in.
    pub state: SignalState,

    /// Why it is unknown, as one stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub reason: Option<String>,

    /// What it said, or the cause of its silence, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub value: Option<String>,

    /// Replicas that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub proposal: Option<u32>,

    /// When the value was true at its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub read_at: Option<Time>,
}

/// Whether a signal is known.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalState {
    /// It answered, and recently enough.
    Known,
    /// It did not.
    Unknown,
}

/// What a scaler holds of one budget.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStatus {
    /// The budget, as `namespace/name`.
    #[schemars(length(min = 1, max = 317))]
    pub budget: String,

    /// Connections granted to this scaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub granted_connections: Option<u32>,

    /// The most replicas that the budget lets run now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub allowed_replicas: Option<u32>,

    /// What the rollout reserve covers, what it does not, and which setting would free it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub covers: Option<String>,
}

/// What is true of one budget.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionBudgetStatus {
    /// The `metadata.generation` that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub observed_generation: Option<i64>,

    /// Connections that the database accepts from its users. Missing until it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub capacity: Option<u32>,

    /// Connections kept for everything that is not scaled here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub reserve: Option<u32>,

    /// Connections granted to all scalers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub granted: Option<u32>,

    /// Connections that may still be granted. Missing while the capacity is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub available: Option<u32>,

    /// Scalers that hold a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub consumers: Option<u32>,

    /// The grants themselves. The operator writes them by compare-and-swap; do not edit them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::ledger")]
    pub ledger: Option<StoredLedger>,

    /// When the database was last read; at most a minute behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub last_read_time: Option<Time>,

    /// Connections seen open then. Missing for a static capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedConnections>,

    /// What is promised, whether it holds now, on what assumptions, and what was seen against each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promises: Option<PromisesStatus>,

    /// `Ready`, `CapacityKnown`, `OverBudget`, `SharedDatabase`, `PoolsGuaranteed` and `LedgerHasRoom`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}
