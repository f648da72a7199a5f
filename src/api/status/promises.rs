//! What a budget says of its promises.

use hybridscaler_core::budget::{Evidence, Finding, Promise, Standing};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{conditions::cut, schema};

/// The longest message of a promise or an assumption, in bytes.
const MESSAGE: usize = 1024;

/// Connections seen open: a lower bound of what is taken, never a basis for a grant.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ObservedConnections {
    /// Connections that were open, the operator's own included.
    #[schemars(schema_with = "schema::count")]
    pub connections: u32,

    /// How they were counted, as one stable word.
    #[schemars(length(max = 64))]
    pub method: String,
}

/// The two promises of a budget, and what the second rests on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PromisesStatus {
    /// No workload can take a connection from another one.
    pub isolation: PromiseStatus,

    /// Every replica that was started can open its whole pool.
    pub whole_pools: PromiseStatus,

    /// What `wholePools` rests on, and what was seen against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub assumptions: Vec<AssumptionStatus>,
}

/// Whether one promise holds now.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PromiseStatus {
    /// Whether it holds.
    pub state: PromiseState,

    /// Why, in words, with what would change it.
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// Whether a promise holds.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromiseState {
    /// It does, on its assumptions.
    Holds,
    /// It does not.
    DoesNotHold,
    /// It cannot be told.
    Unknown,
    /// Nobody keeps it.
    NotEnforced,
}

/// What a promise rests on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AssumptionStatus {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// What was seen against it. An observation can contradict an assumption, never prove it.
    pub evidence: EvidenceState,

    /// The assumption, and what was seen, in words.
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// What was seen against an assumption.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceState {
    /// Nobody looked, or could.
    NotObserved,
    /// Nothing.
    NotContradicted,
    /// Something that it may be to blame for, among others.
    InDoubt,
    /// It does not hold, alone or with others of which the same is said.
    Contradicted,
}

impl From<&Promise> for PromisesStatus {
    fn from(Promise { standing, findings }: &Promise) -> Self {
        let isolation = PromiseStatus {
            state: PromiseState::NotEnforced,
            message: "only the database can enforce it: it would need one login role for each workload, with a CONNECTION LIMIT of its \
                      grant, and all limits together within the capacity"
                .to_owned(),
        };
        Self { isolation, whole_pools: standing.into(), assumptions: findings.iter().map(Into::into).collect() }
    }
}

impl From<&Standing> for PromiseStatus {
    fn from(standing: &Standing) -> Self {
        let state = match standing.holds() {
            Some(true) => PromiseState::Holds,
            Some(false) => PromiseState::DoesNotHold,
            None => PromiseState::Unknown,
        };
        Self { state, message: cut(standing.to_string(), MESSAGE) }
    }
}

impl From<&Finding> for AssumptionStatus {
    fn from(Finding { assumption, evidence, message }: &Finding) -> Self {
        let evidence = match evidence {
            Evidence::NotObserved => EvidenceState::NotObserved,
            Evidence::NotContradicted => EvidenceState::NotContradicted,
            Evidence::InDoubt => EvidenceState::InDoubt,
            Evidence::Contradicted => EvidenceState::Contradicted,
        };
        Self { name: assumption.as_str().to_owned(), evidence, message: cut(message.clone(), MESSAGE) }
    }
}
