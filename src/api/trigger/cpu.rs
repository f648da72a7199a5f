//! CPU use of the target's replicas.

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::super::{
    quantity::{QUANTITY_BYTES, QuantityRange},
    rule::rule,
    spec_error::{SpecError, in_range},
};

const AVERAGE: QuantityRange =
    QuantityRange { field: "targetAverageValue", least: "1m", most: "1k", example: "500m or 2" };

/// Mean CPU use of the target's replicas. At most one target, `targetUtilization` or `targetAverageValue`;
/// without one it is only read, for formulas: of pods then, every container needs a CPU request.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_target())]
pub struct CpuTrigger {
    /// The CPU use to aim at, in percent of what the replicas reserve (an ECS service: at most 100) or request (pods: every
    /// container needs a CPU request); 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_utilization: Option<i32>,

    /// The CPU use to aim at, in CPUs a pod, such as `500m`; 1m to 1k. Not for an ECS service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = AVERAGE.rule())]
    pub target_average_value: Option<String>,
}

/// What a CPU trigger aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuTarget {
    /// Percent of what is reserved or requested, 1 to 1000.
    Utilization(u32),
    /// Thousandths of a CPU a pod, at least 1.
    AverageMilli(u64),
}

impl CpuTrigger {
    /// The one target that it aims at; none when it is only read, for formulas.
    ///
    /// # Errors
    /// It has two, or the value is out of range.
    pub fn target(&self) -> Result<Option<CpuTarget>, SpecError> {
        match (self.target_utilization, &self.target_average_value) {
            (None, None) => Ok(None),
            (Some(percent), None) => {
                in_range("cpu.targetUtilization", percent, 1, 1000).map(|percent| Some(CpuTarget::Utilization(percent)))
            }
            (None, Some(average)) => {
                AVERAGE.milli("cpu.targetAverageValue", average).map(|milli| Some(CpuTarget::AverageMilli(milli)))
            }
            (Some(percent), Some(average)) => Err(SpecError::new(
                "cpu",
                format!("{percent}, {average}"),
                "is not one target: set exactly one of targetUtilization and targetAverageValue",
            )),
        }
    }
}

fn one_target() -> Rule {
    rule(
        "!has(self.targetUtilization) || !has(self.targetAverageValue)",
        "cpu has two targets, targetUtilization %s and targetAverageValue %s: set exactly one of targetUtilization and targetAverageValue",
        &["self.targetUtilization", "self.targetAverageValue"],
    )
}
