//! The last decision for programs: the same that `explanation` says in words, in numbers and stable words.

use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// The last decision: what each trigger asks for and why, whose number is followed, and each rule that changed or kept it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionStatus {
    /// When it was decided.
    #[schemars(schema_with = "schema::instant")]
    pub at: Timestamp,

    /// What each trigger that can be read asks for, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub proposals: Vec<ProposalStatus>,

    /// Whose number is followed. Missing when no trigger can be read and nothing takes their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<WinnerStatus>,

    /// The number that the rules start from.
    #[schemars(schema_with = "schema::count")]
    pub demand: u32,

    /// Each rule that changed or kept the number, in their order; the connection budget is the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub steps: Vec<StepStatus>,
}

/// What one trigger asks for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ProposalStatus {
    /// Name of the trigger.
    #[schemars(length(min = 1, max = 63))]
    pub trigger: String,

    /// What was read and reckoned with.
    pub read: MeasureStatus,

    /// The replicas that it is multiplied by, or divided among. Missing for a queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub base: Option<u32>,

    /// The replicas asked for.
    #[schemars(schema_with = "schema::count")]
    pub replicas: u32,

    /// Why it is this number, as one stable word.
    #[schemars(length(max = 64))]
    pub ruling: String,

    /// Above this it asks for more: messages that are visible, or percent. Missing where one number does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub more_above: Option<String>,

    /// Below this it asks for fewer: messages, or percent. Missing where one number does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub fewer_below: Option<String>,
}

/// What was read of a signal: messages of a queue, pods, or one quantity.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MeasureStatus {
    /// Messages that may be received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub visible: Option<u64>,

    /// Messages that consumers hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub in_flight: Option<u64>,

    /// Messages expected to be visible when a replica started now carries load, where that is another number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub ahead: Option<u64>,

    /// Messages that arrive in a second, as a quantity; where a latency is the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub arrivals: Option<String>,

    /// Pods whose use counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub ready_pods: Option<u32>,

    /// Pods that have not started to carry load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub unready_pods: Option<u32>,

    /// Pods whose use is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub missing_pods: Option<u32>,

    /// Use in percent of what is requested or reserved, as a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub percent: Option<String>,

    /// A metric's value, or the mean use of the pods in CPUs, as a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub value: Option<String>,
}

/// Whose number is followed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WinnerStatus {
    /// Which sort it is, as one stable word, such as `Trigger`.
    #[schemars(length(max = 64))]
    pub reason: String,

    /// Name of the trigger or schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub name: Option<String>,

    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub since: Option<Timestamp>,

    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub until: Option<Timestamp>,
}

/// What one rule made of the number that reached it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// The rule, as `limitedBy` names it.
    #[schemars(length(max = 64))]
    pub reason: String,

    /// The number that reached it.
    #[schemars(schema_with = "schema::count")]
    pub from: u32,

    /// The number that left it.
    #[schemars(schema_with = "schema::count")]
    pub to: u32,

    /// Since when it has had its cause, where that began before this decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub since: Option<Timestamp>,

    /// Until when it holds the number at the latest, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub until: Option<Timestamp>,

    /// The number that the same readings lead to without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub then: Option<u32>,

    /// The schedule that sets the bound, or the budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 317))]
    pub name: Option<String>,

    /// What a budget's step waits for, as one stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub waiting: Option<String>,
}
