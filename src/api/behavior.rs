//! How fast a scaler follows the load.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Rules for each direction.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Rules for running more replicas. Default: cooldown 0 s, tolerance 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<ScalingRules>,

    /// Rules for running fewer replicas. Default: cooldown 300 s, tolerance 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<ScalingRules>,
}

/// Rules for one direction.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRules {
    /// How long the next change in this direction waits after a change has settled, in seconds, with the meaning of
    /// Application Auto Scaling: while a scale-up cools down, only a larger scale-up acts; a scale-up ends the cooldown of a
    /// scale-down. Default 0 for scaleUp, 300 for scaleDown; 0 to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub cooldown_seconds: Option<i32>,

    /// How far the load may be from its target before it changes anything in this direction, as a fraction of the target.
    /// Default 0.1 (10 %), as that of a `HorizontalPodAutoscaler`; 0 to 1, in steps of 0.001.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub tolerance: Option<f64>,
}
