//! How fast a scaler follows the load.

use kube::{KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::rule;

/// Rules for each direction.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Whose defaults hold for what is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,

    /// Rules for running more replicas. Default: no cooldown, no window, no policies, tolerance 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<ScalingRules>,

    /// Rules for running fewer replicas. Default: no cooldown, a window of 300 s, no policies, tolerance 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<ScalingRules>,
}

/// Whose defaults hold for what is not written. `HPA`: those of a `HorizontalPodAutoscaler`, which are for scaleUp no window and
/// the larger of 4 pods and 100 % in 15 s, for scaleDown a window of 300 s and 100 % in 15 s, and no cooldown; and after an outage of
/// the signals that outlasts the window of scaleDown, the first reading may scale in at once. Default: those of the fields, and a
/// whole window of readings after such an outage.
// The schema of an optional enum takes its description from here, not from the field.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Those of a `HorizontalPodAutoscaler`.
    #[serde(rename = "HPA")]
    Hpa,
}

/// Rules for one direction.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRules {
    /// How long the next change in this direction waits after a change has settled, in seconds, with the meaning of
    /// Application Auto Scaling: while a scale-up cools down, only a larger scale-up acts; a scale-up ends the cooldown of a
    /// scale-down. Default 0; 0 to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub cooldown_seconds: Option<i32>,

    /// How far back to look, in seconds, with the meaning of a `HorizontalPodAutoscaler`: of all recommendations of this time
    /// scaleUp follows the smallest and scaleDown the largest. Default 0 for scaleUp; for scaleDown 300, or 0 where
    /// `cooldownSeconds` is set; 0 to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub stabilization_window_seconds: Option<i32>,

    /// How many replicas may change in how long, 1 to 8 policies. Default: any number, at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub policies: Option<Vec<ScalingPolicy>>,

    /// Which policy counts when there are several: `Max` the one that allows the largest change, `Min` the smallest; `Disabled`
    /// allows no change in this direction. Default `Max`.
    #[serde(default)]
    pub select_policy: SelectPolicy,

    /// How far the load may be from its target before it changes anything in this direction, as a fraction of the target.
    /// Default 0.1 (10 %), as that of a `HorizontalPodAutoscaler`; 0 to 1, in steps of 0.001.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub tolerance: Option<f64>,
}

/// How many replicas may change in how long.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = pods_within_bounds())]
pub struct ScalingPolicy {
    /// What `value` counts: `Pods` is a number of replicas, of an ECS service its tasks; `Percent` is a share of the replicas at the
    /// start of the period.
    #[serde(rename = "type")]
    pub unit: PolicyUnit,

    /// The most that may change within the period; 1 to 100000, as `Pods` at most 10000.
    #[schemars(range(min = 1, max = 100_000))]
    pub value: i32,

    /// The period, in seconds; 1 to 1800.
    #[schemars(range(min = 1, max = 1800))]
    pub period_seconds: i32,
}

/// What a policy counts.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyUnit {
    /// Replicas.
    Pods,
    /// A share of the replicas at the start of the period.
    Percent,
}

/// Which of several policies counts.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: this direction is closed.
    Disabled,
}

fn pods_within_bounds() -> Rule {
    rule(
        "self.type != 'Pods' || self.value <= 10000",
        "value %s is above the 10000 that a policy of type Pods may have: lower value",
        &["self.value"],
    )
    .field_path(".value")
}
