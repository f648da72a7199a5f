//! What people write and read: the two kinds of `hybridscaler.dev/v1alpha1`, their conditions and their rules, and the operator's
//! own configuration.
//!
//! The doc comments of the wire types are the reference manual: they become the descriptions in `crds/`, which `kubectl explain`
//! prints. Rules that need more than one field are CEL, beside the type they guard, so the API server refuses bad input by itself.
//!
//! Wire types accept fields that they do not know: during a rollout the CRD may be newer than a running operator. What a person
//! types is held to the schema by the API server and by `kubectl`.
#![expect(unreachable_pub, reason = "the derive of `KubeSchema` copies each public type into a function")]

pub mod behavior;
pub mod conditions;
pub mod config;
pub mod connection_budget;
pub mod connections;
pub mod crds;
pub mod decision;
pub mod fallback;
pub mod formulas;
pub mod hybrid_scaler;
pub mod into_core;
pub mod ledger;
pub mod quantity;
pub mod rbac;
pub mod rule;
pub mod schedule;
pub mod schema;
pub mod spec_error;
pub mod status;
pub mod target_ref;
pub mod trigger;
pub mod yaml;

pub use behavior::{Behavior, Preset, ScalingPolicy, ScalingRules, SelectPolicy};
pub use connection_budget::{ConnectionBudget, ConnectionBudgetSpec};
pub use connections::{BudgetRef, ConnectionUse, RolloutReserve};
pub use fallback::Fallback;
pub use hybrid_scaler::{HybridScaler, HybridScalerSpec, Mode};
pub use ledger::StoredLedger;
pub use schedule::Schedule;
pub use status::{ConnectionBudgetStatus, HybridScalerStatus};
pub use target_ref::{EcsService, TargetRef};
pub use trigger::{CpuTrigger, ExternalTrigger, FormulaTrigger, SqsTrigger, Trigger};
