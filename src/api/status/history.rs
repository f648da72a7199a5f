//! What later decisions depend on.
//!
//! Changes are kept to the nanosecond, so that a cooldown survives a restart exactly; recommendations to the second.

use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// What later decisions depend on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ScaleHistory {
    /// When the scaler was first looked at. No scale-in happens before one full window after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub since: Option<Timestamp>,

    /// Replicas that the target was told to run when it was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub desired: Option<u32>,

    /// The newest change to more replicas whose cooldown was not cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<ScaleActivity>,

    /// The newest change to fewer replicas whose cooldown was not cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<ScaleActivity>,

    /// What was recommended within the stabilization windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommendations: Option<Recommendations>,

    /// Changes within the periods of the policies, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub events: Vec<ScaleEvent>,
}

/// What was recommended within the stabilization windows, oldest first, each run of one number as one entry, as far as a window may still
/// look at it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Recommendations {
    /// For the window of scale-up, which follows the least: each number is larger than the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub scale_up: Vec<Recommendation>,

    /// For the window of scale-down, which follows the largest: each number is smaller than the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub scale_down: Vec<Recommendation>,
}

/// A number of replicas that was recommended for a time.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// The number.
    #[schemars(schema_with = "schema::count")]
    pub replicas: u32,

    /// When it was first recommended.
    #[schemars(schema_with = "schema::instant")]
    pub from: Timestamp,

    /// When it was last recommended. Missing while it still is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub until: Option<Timestamp>,
}

/// One change of the target's replicas, as policies count it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ScaleEvent {
    /// Replicas more, or fewer when negative.
    #[schemars(schema_with = "schema::change")]
    pub change: i64,

    /// When the target accepted it; the first, when several count as one.
    #[schemars(schema_with = "schema::instant")]
    pub at: Timestamp,

    /// When the target accepted the last, when several count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub until: Option<Timestamp>,
}

/// One change of the target's replicas.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ScaleActivity {
    /// Replicas before the first change of this cooldown.
    #[schemars(schema_with = "schema::count")]
    pub base: u32,

    /// Replicas asked for.
    #[schemars(schema_with = "schema::count")]
    pub to: u32,

    /// When the target accepted the change. To the nanosecond, so that a cooldown survives a restart exactly.
    #[schemars(schema_with = "schema::instant")]
    pub at: Timestamp,

    /// When the change settled; the cooldown counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::instant")]
    pub settled: Option<Timestamp>,
}
