//! The kind `HybridScaler`: how one workload is to be scaled.
#![expect(clippy::duplicated_attributes, reason = "columns of one type are no duplicates")]

use kube::{CustomResource, KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::{
    behavior::Behavior, connections::ConnectionUse, rule::rule, status::HybridScalerStatus, target_ref::TargetRef,
    trigger::Trigger,
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
#[x_kube(validation = bounds_in_order(), validation = cpu_needs_an_ecs_service())]
pub struct HybridScalerSpec {
    /// What to scale: a Kubernetes workload by `apiVersion`, `kind` and `name`, or an ECS service by `ecs`. It cannot be changed.
    #[x_kube(validation = target_stays())]
    pub target_ref: TargetRef,

    /// The fewest replicas to run. Default 1; 1 to 10000, at most `maxReplicas`. Only the connection budget goes below it.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub min_replicas: i32,

    /// The most replicas to run; 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_replicas: i32,

    /// How often the signals are read and a decision is made, in seconds. Default 15; 1 to 300.
    #[serde(default = "fifteen")]
    #[schemars(range(min = 1, max = 300))]
    pub poll_interval_seconds: i32,

    /// The signals to scale on, 1 to 10, each with a name of its own. Each proposes a number of replicas; the largest wins.
    #[schemars(length(min = 1, max = 10))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub triggers: Vec<Trigger>,

    /// How fast to follow the load, in each direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,

    /// The databases that the replicas connect to; at most 1 so far. Without it, no connection is counted and no budget applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub connections: Vec<ConnectionUse>,

    /// What to do with a decision: `Active` carries it out, `DryRun` only reports it, `Paused` leaves the target alone and
    /// keeps its share of the budget. Default `Active`.
    #[serde(default)]
    pub mode: Mode,
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

fn bounds_in_order() -> Rule {
    rule(
        "self.minReplicas <= self.maxReplicas",
        "minReplicas %s is above maxReplicas %s: lower minReplicas or raise maxReplicas",
        &["self.minReplicas", "self.maxReplicas"],
    )
    .field_path(".minReplicas")
}

fn cpu_needs_an_ecs_service() -> Rule {
    rule(
        "has(self.targetRef.ecs) || !self.triggers.exists(t, has(t.cpu))",
        "triggers %s read cpu, which works for an ECS service only so far, and targetRef is a Kubernetes workload: use sqs instead",
        &["self.triggers.filter(t, has(t.cpu)).map(t, t.name)"],
    )
    .field_path(".triggers")
}

fn target_stays() -> Rule {
    let name = |of: &str| {
        format!(
            "has({of}.ecs) ? 'ECS service ' + {of}.ecs.region + '/' + {of}.ecs.cluster + '/' + {of}.ecs.service
                           : {of}.apiVersion + ' ' + {of}.kind + ' ' + {of}.name"
        )
    };
    rule(
        "self == oldSelf",
        "targetRef cannot change from %s to %s: make a new HybridScaler for the new target and delete this one",
        &[&name("oldSelf"), &name("self")],
    )
}
