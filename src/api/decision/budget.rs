//! What a connection budget answers to a decision.

use hybridscaler_core::{Connections, Decision, Replicas, budget::Waiting, explanation::BudgetStep};
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::{hybrid_scaler::HybridScalerSpec, spec_error::SpecError, yaml::likely};

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
    ///
    /// # Errors
    /// The scaler takes no connections from such a budget.
    pub(super) fn step(&self, decision: &Decision, scaler: &HybridScalerSpec) -> Result<BudgetStep, SpecError> {
        let Self { name, allowed_replicas: allowed, told_replicas, waiting } = self.clone();
        let known: Vec<&str> = scaler.connections.iter().map(|own| own.budget_ref.name.as_str()).collect();
        if let Some(error) = Self::stranger(&name, &known) {
            return Err(error);
        }
        let (from, desired) = (decision.replicas, decision.explanation.workload.desired);
        // Nobody is drained for the budget's sake.
        let to = told_replicas.unwrap_or_else(|| from.min(allowed.max(desired)));
        let short = || {
            let own = scaler.connections.iter().find(|own| own.budget_ref.name == last(&name))?;
            let needed = from.minus(to).connections(Connections(u32::try_from(own.per_replica).ok()?));
            Some(Waiting::Room { needed, available: Connections::ZERO, holders: Vec::new() })
        };
        let waiting = match told_replicas {
            None if to < from => waiting.or_else(short),
            _ => waiting,
        };
        Ok(BudgetStep { name, from, to, allowed, waiting })
    }

    /// What is wrong with the name of a budget that is none of those that a scaler takes connections from.
    pub(super) fn stranger(name: &str, known: &[&str]) -> Option<SpecError> {
        let mend = match known {
            [] => "set scaler.connections, or leave budget out".into(),
            known if known.contains(&last(name)) => return None,
            known => likely(last(name), known),
        };
        Some(SpecError::new(
            "budget.name",
            name,
            format!("is no budget that the scaler takes connections from: {mend}"),
        ))
    }
}

/// The name in `namespace/name`.
fn last(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

impl From<&BudgetStep> for BudgetAnswer {
    fn from(step: &BudgetStep) -> Self {
        let BudgetStep { name, from: _, to, allowed, waiting } = step.clone();
        Self { name, allowed_replicas: allowed, told_replicas: Some(to), waiting }
    }
}
