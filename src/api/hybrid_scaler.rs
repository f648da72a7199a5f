//! The kind `HybridScaler`: how one workload is to be scaled.
#![expect(clippy::duplicated_attributes, reason = "columns of one type are no duplicates")]

mod rules;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    behavior::Behavior, connections::ConnectionUse, fallback::Fallback, schedule::Schedule, status::HybridScalerStatus,
    target_ref::TargetRef, trigger::Trigger,
};

/// How one workload is to be scaled: between which bounds, by which signals, and under which connection budget.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "hybridscaler.dev",
    version = "v1alpha1",
    kind = "HybridScaler",
    doc = "Scales one workload, on Kubernetes or ECS, to the load it carries, and never past the connections its database has left.",
    namespaced,
    status = "HybridScalerStatus",
    shortname = "hs",
    category = "autoscaling",
    derive = "PartialEq",
    printcolumn(
        name = "Current",
        type_ = "integer",
        json_path = ".status.currentReplicas",
        description = "replicas that carry load now"
    ),
    printcolumn(
        name = "Desired",
        type_ = "integer",
        json_path = ".status.desiredReplicas",
        description = "replicas that the target is told to run"
    ),
    printcolumn(
        name = "Wanted",
        type_ = "integer",
        json_path = ".status.wantedReplicas",
        description = "replicas that the load asks for, before the connection budget"
    ),
    printcolumn(
        name = "Limited by",
        type_ = "string",
        json_path = ".status.limitedBy",
        description = "what keeps it from running more or fewer replicas"
    ),
    printcolumn(
        name = "Since",
        type_ = "date",
        json_path = ".status.lastScaleTime",
        description = "when its replicas were last changed"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Workload", type_ = "string", json_path = ".spec.targetRef.name", priority = 1),
    printcolumn(name = "ECS service", type_ = "string", json_path = ".spec.targetRef.ecs.service", priority = 1),
    printcolumn(name = "Why", type_ = "string", json_path = ".status.headline", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::bounds_in_order(),
    validation = rules::idle_below_min(),
    validation = rules::idle_needs_somebody_to_tell(),
    validation = rules::zero_needs_somebody_to_wake(),
    validation = rules::no_target_without_formula(),
    validation = rules::formulas_read_triggers(),
    validation = rules::service_reads_utilization(),
    validation = rules::service_reads_no_more_than_it_reserves(),
    validation = rules::schedules_leave_room_for_min(),
    validation = rules::schedules_stay_below_max(),
    validation = rules::schedules_ask_for_no_more_than_max(),
    validation = rules::schedules_stay_above_idle(),
    validation = rules::fallback_within_bounds()
)]
pub struct HybridScalerSpec {
    /// What to scale: a Kubernetes workload by `apiVersion`, `kind` and `name`, or an ECS service by `ecs`. It cannot be changed.
    #[x_kube(validation = rules::target_stays())]
    pub target_ref: TargetRef,

    /// The fewest replicas to run. Default 1; 0 to 10000, at most `maxReplicas`. 0 scales to zero once no trigger sees work, which
    /// takes something that starts the first replica again: a trigger `sqs`, `external` or `formula`, or a schedule. Where only schedules do, it
    /// scales to zero a minute after the last that asks for replicas has closed, unless a trigger asks for more than one. Only the
    /// connection budget goes below it.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 10_000))]
    pub min_replicas: i32,

    /// Replicas to run while there is no work, that is, while no trigger `sqs`, `external` or `formula` is active; 0 to 9999, below
    /// `minReplicas`. Default: `minReplicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9999))]
    pub idle_replicas: Option<i32>,

    /// The most replicas to run; 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_replicas: i32,

    /// How often the signals are read and a decision is made, in seconds. Default 15; 1 to 300.
    #[serde(default = "fifteen")]
    #[schemars(range(min = 1, max = 300))]
    pub poll_interval_seconds: i32,

    /// How long a new replica takes until it carries load, in seconds. Default 0; 0 to 3600. What a queue's trigger asks for looks
    /// so far ahead along the measured growth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub startup_seconds: Option<i32>,

    /// The signals to scale on, 1 to 10, each with a name of its own. Each proposes a number of replicas; the largest wins.
    #[schemars(length(min = 1, max = 10))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub triggers: Vec<Trigger>,

    /// Windows of time with bounds of their own, at most 20, each with a name of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub schedules: Vec<Schedule>,

    /// How fast to follow the load, in each direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,

    /// What to run when no trigger can be read. Default: what ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,

    /// The databases that the replicas connect to; at most 4, each once, such as a writer and a reader, or a proxy and the database behind
    /// it. Every one of them must have room. Without it, no connection is counted and no budget applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    #[x_kube(merge_strategy = ListMerge::Atomic, validation = rules::each_budget_once())]
    pub connections: Vec<ConnectionUse>,

    /// What to do with a decision: `Active` carries it out, `DryRun` only reports it, `Paused` leaves the target alone and keeps
    /// its share of the budget, `ScaleUpOnly` and `ScaleDownOnly` carry out one direction. Default `Active`.
    #[serde(default)]
    pub mode: Mode,

    /// Run exactly so many replicas, whatever the triggers say; 0 to 10000. Bounds, schedules and behavior do not apply; the
    /// connection budget does. Default: not pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub pinned_replicas: Option<i32>,
}

/// What is done with a decision.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is carried out.
    #[default]
    Active,
    /// It is reported in status and events; the target is not written.
    DryRun,
    /// Nothing is decided; the target is not written and keeps its share of the budget.
    Paused,
    /// It is carried out when it runs more replicas.
    ScaleUpOnly,
    /// It is carried out when it runs fewer replicas.
    ScaleDownOnly,
}

impl Mode {
    /// Whether a decision is carried out, as far as it goes in a direction that is not paused.
    pub const fn acts(self) -> bool {
        matches!(self, Self::Active | Self::ScaleUpOnly | Self::ScaleDownOnly)
    }
}

impl HybridScalerSpec {
    /// Whether a scaler in namespace `own` takes connections from budget `name` in `namespace`.
    pub fn refers_to(&self, own: &str, namespace: &str, name: &str) -> bool {
        let mut budgets = self.connections.iter().map(|connections| &connections.budget_ref);
        budgets.any(|budget| budget.name == name && budget.namespace.as_deref().unwrap_or(own) == namespace)
    }
}

fn one() -> i32 {
    1
}

fn fifteen() -> i32 {
    15
}
