//! A number computed of what other triggers read.

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::{
    super::{quantity::QUANTITY_BYTES, rule::rule, spec_error::SpecError},
    external::{ACTIVATION, ACTIVATION_MILLI, AVERAGE, ExternalTarget, VALUE, one_target_of},
};

/// An expression in CEL over what other triggers read, treated as an external metric is. Exactly one target: `targetValue` or
/// `targetAverageValue`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_target())]
pub struct FormulaTrigger {
    /// The expression, such as `backlog.visible / 4.0 + (cpu.utilization > 80.0 ? 10.0 : 0.0)`; 1 to 1024 characters. A trigger is named
    /// with `_` for each `-`. A queue has `visible`, `inFlight` and `delayed`; a CPU `utilization` in percent and, of pods, `averageValue`
    /// in CPUs; an external metric `value`. All numbers are doubles: write 4.0, not 4. Besides `+ - * /`, comparisons, `&& || !` and
    /// `?:` there are `math.ceil`, `floor`, `abs`, `greatest` and `least`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = characters())]
    pub expression: String,

    /// The result to aim at, as `Value` of a `HorizontalPodAutoscaler`: replicas = replicas now x result / this; 1m to 1P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = VALUE.rule())]
    pub target_value: Option<String>,

    /// The share of a replica to aim at, as `AverageValue` of a `HorizontalPodAutoscaler`: replicas = result / this, rounded up;
    /// 1m to 1P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = AVERAGE.rule())]
    pub target_average_value: Option<String>,

    /// The trigger is active from this result on. While none is active, the scaler runs its `idleReplicas`. Default: active above 0;
    /// 1m to 1P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = ACTIVATION.rule())]
    pub activation_value: Option<String>,
}

impl FormulaTrigger {
    /// The one target that it aims at.
    ///
    /// # Errors
    /// It has none, or two, or the value is not a quantity in its range.
    pub fn target(&self) -> Result<ExternalTarget, SpecError> {
        one_target_of("formula", self.target_value.as_deref(), self.target_average_value.as_deref())?.ok_or_else(|| {
            let problem = "has no target: set exactly one of targetValue and targetAverageValue";
            SpecError::new("formula.expression", self.in_short(), problem)
        })
    }

    /// The result, in thousandths, from which the trigger is active; at least 1.
    ///
    /// # Errors
    /// The value is not a quantity in its range.
    pub fn activation_milli(&self) -> Result<u64, SpecError> {
        self.activation_value
            .as_deref()
            .map_or(Ok(ACTIVATION_MILLI), |value| ACTIVATION.milli("formula.activationValue", value))
    }

    /// The expression in one line of at most 60 characters, for messages.
    pub fn in_short(&self) -> String {
        let line = self.expression.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut short: String = line.chars().take(60).collect();
        if short.len() < line.len() {
            short.push('…');
        }
        short
    }
}

/// What belongs to no number, name or operator is refused before anything is parsed: text, lists, maps and comments among it.
fn characters() -> Rule {
    rule(
        r"self.matches('^[A-Za-z0-9_.()+*/<>=!&|?:, \\t\\r\\n-]*$')",
        "expression %s has a character that no formula has: write numbers, inputs such as backlog.visible, operators and brackets",
        &["self"],
    )
}

fn one_target() -> Rule {
    rule(
        "has(self.targetValue) != has(self.targetAverageValue)",
        "formula has %s: set exactly one of targetValue and targetAverageValue",
        &["has(self.targetValue) ? 'two targets, targetValue and targetAverageValue' : 'no target'"],
    )
}
