//! What a connection budget answers to a decision.

use hybridscaler_core::{Connections, Decision, Replicas, budget::Waiting, explanation::BudgetStep};
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::hybrid_scaler::HybridScalerSpec;

/// What the connection budget answers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BudgetAnswer {
    /// Its name, or `namespace/name`.
    #[schemars(length(min = 1, max = 317))]
    pub name: String,

    /// The most replicas that it lets run now.
    pub allowed_replicas: Replicas,

    /// Replicas that the target is told to run. Default: as many as wanted, up to `allowedReplicas` where that is more than desired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_replicas: Option<Replicas>,

    /// What is waited for when that is fewer than wanted, as an explanation has it, such as `CapacityUnknown`. Default: room for the
    /// connections that are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "waiting")]
    pub waiting: Option<Waiting>,
}

/// A word or an object, which no structural schema tells apart.
fn waiting(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

impl BudgetAnswer {
    /// The step that it adds to a decision of `scaler`.
    pub(super) fn step(&self, decision: &Decision, scaler: &HybridScalerSpec) -> BudgetStep {
        let Self { name, allowed_replicas: allowed, told_replicas, waiting } = self.clone();
        let (from, desired) = (decision.replicas, decision.explanation.workload.desired);
        // Nobody is drained for the budget's sake.
        let to = told_replicas.unwrap_or_else(|| from.min(allowed.max(desired)));
        let short = || {
            let per_replica = scaler.connections.first().and_then(|use_| u32::try_from(use_.per_replica).ok());
            let needed = from.minus(to).connections(Connections(per_replica.unwrap_or(1)));
            Waiting::Room { needed, available: Connections::ZERO, holders: Vec::new() }
        };
        let waiting = match told_replicas {
            Some(_) => waiting,
            None => waiting.or_else(|| (to < from).then(short)),
        };
        BudgetStep { name, from, to, allowed, waiting }
    }
}

impl From<&BudgetStep> for BudgetAnswer {
    fn from(step: &BudgetStep) -> Self {
        let BudgetStep { name, from: _, to, allowed, waiting } = step.clone();
        Self { name, allowed_replicas: allowed, told_replicas: Some(to), waiting }
    }
}
