//! Rules for each direction, with the defaults of what is not written.

use hybridscaler_core::policy;
use jiff::SignedDuration;

use crate::api::{
    behavior::{Behavior, PolicyUnit, Preset, ScalingPolicy, ScalingRules, SelectPolicy},
    spec_error::{SpecError, in_range},
};

/// The HPA's stabilization window of scale-down, in seconds (`--horizontal-pod-autoscaler-downscale-stabilization`).
const SCALE_DOWN_WINDOW: i32 = 300;

/// Tolerance of a direction that sets none, as that of a `HorizontalPodAutoscaler`.
const TOLERANCE: f64 = 0.1;

/// The HPA's own policies, where the preset asks for them: 4 pods or 100 % in 15 s up, 100 % in 15 s down.
const HPA_SCALE_UP: [ScalingPolicy; 2] = [
    ScalingPolicy { unit: PolicyUnit::Pods, value: 4, period_seconds: 15 },
    ScalingPolicy { unit: PolicyUnit::Percent, value: 100, period_seconds: 15 },
];
const HPA_SCALE_DOWN: [ScalingPolicy; 1] =
    [ScalingPolicy { unit: PolicyUnit::Percent, value: 100, period_seconds: 15 }];

pub(super) fn into_core(behavior: Option<&Behavior>) -> Result<policy::Behavior, SpecError> {
    let Behavior { preset, scale_up, scale_down } = behavior.cloned().unwrap_or_default();
    let of_preset = |policies: &[ScalingPolicy]| match preset {
        Some(Preset::Hpa) => policies.to_vec(),
        None => Vec::new(),
    };
    Ok(policy::Behavior {
        scale_up: pace("spec.behavior.scaleUp", scale_up, 0, &of_preset(&HPA_SCALE_UP))?,
        scale_down: pace("spec.behavior.scaleDown", scale_down, SCALE_DOWN_WINDOW, &of_preset(&HPA_SCALE_DOWN))?,
        outage: match preset {
            Some(Preset::Hpa) => policy::Outage::PassOver,
            None => policy::Outage::Hold,
        },
    })
}

/// `window` and `policies` are those of a direction that writes none. A cooldown without a window has window 0, or the window would
/// swallow it.
fn pace(
    path: &str,
    rules: Option<ScalingRules>,
    window: i32,
    policies: &[ScalingPolicy],
) -> Result<policy::Pace, SpecError> {
    let ScalingRules { cooldown_seconds, stabilization_window_seconds, policies: own, select_policy, tolerance } =
        rules.unwrap_or_default();
    let window = if cooldown_seconds.is_some() { 0 } else { window };
    let seconds = |field: &str, value| {
        let seconds = in_range(&format!("{path}.{field}"), value, 0, 3600)?;
        Ok(SignedDuration::from_secs(seconds.into()))
    };
    Ok(policy::Pace {
        cooldown: seconds("cooldownSeconds", cooldown_seconds.unwrap_or(0))?,
        window: seconds("stabilizationWindowSeconds", stabilization_window_seconds.unwrap_or(window))?,
        tolerance_permille: permille(&format!("{path}.tolerance"), tolerance.unwrap_or(TOLERANCE))?,
        policies: super::each(&format!("{path}.policies"), own.as_deref().unwrap_or(policies), rate)?,
        select: match select_policy {
            SelectPolicy::Max => policy::SelectPolicy::Max,
            SelectPolicy::Min => policy::SelectPolicy::Min,
            SelectPolicy::Disabled => policy::SelectPolicy::Disabled,
        },
    })
}

fn rate(&ScalingPolicy { unit, value, period_seconds }: &ScalingPolicy) -> Result<policy::RatePolicy, SpecError> {
    let (kind, most) = match unit {
        PolicyUnit::Pods => (policy::RateKind::Pods, 10_000),
        PolicyUnit::Percent => (policy::RateKind::Percent, 100_000),
    };
    let period = in_range("periodSeconds", period_seconds, 1, 1800)?;
    let period = SignedDuration::from_secs(period.into());
    Ok(policy::RatePolicy { kind, value: in_range("value", value, 1, most)?, period })
}

fn permille(field: &str, fraction: f64) -> Result<u32, SpecError> {
    if !(0.0..=1.0).contains(&fraction) {
        return Err(SpecError::new(field, fraction, "is out of range: set 0 to 1"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000, as checked above")]
    Ok((fraction * 1000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn behavior(written: Value) -> policy::Behavior {
        into_core(serde_json::from_value::<Option<Behavior>>(written).unwrap().as_ref()).unwrap()
    }

    /// Cooldown, window and policies of a direction, in seconds.
    fn pace(pace: &policy::Pace) -> (i64, i64, Vec<(policy::RateKind, u32, i64)>) {
        let rates = pace.policies.iter().map(|rate| (rate.kind, rate.value, rate.period.as_secs()));
        (pace.cooldown.as_secs(), pace.window.as_secs(), rates.collect())
    }

    #[test]
    fn without_a_preset_scale_up_is_free_and_scale_down_waits_for_a_window() {
        for written in [json!(null), json!({}), json!({"scaleUp": {}, "scaleDown": {"tolerance": 0.1}})] {
            let behavior = behavior(written);
            assert_eq!(pace(&behavior.scale_up), (0, 0, vec![]));
            assert_eq!(pace(&behavior.scale_down), (0, 300, vec![]));
            assert_eq!((behavior.scale_up.tolerance_permille, behavior.scale_down.tolerance_permille), (100, 100));
        }
    }

    #[test]
    fn a_cooldown_without_a_window_has_none_and_one_with_a_window_keeps_it() {
        let cooled = behavior(json!({"scaleDown": {"cooldownSeconds": 180}}));
        assert_eq!(pace(&cooled.scale_down), (180, 0, vec![]));
        let both = behavior(json!({"scaleDown": {"cooldownSeconds": 180, "stabilizationWindowSeconds": 60}}));
        assert_eq!(pace(&both.scale_down), (180, 60, vec![]));
    }

    #[test]
    fn the_preset_fills_in_what_is_not_written_and_nothing_else() {
        use policy::RateKind::{Percent, Pods};
        let hpa = behavior(json!({"preset": "HPA"}));
        assert_eq!(pace(&hpa.scale_up), (0, 0, vec![(Pods, 4, 15), (Percent, 100, 15)]));
        assert_eq!(pace(&hpa.scale_down), (0, 300, vec![(Percent, 100, 15)]));
        assert_eq!(hpa.scale_up.select, policy::SelectPolicy::Max);
        assert_eq!((hpa.outage, behavior(json!({})).outage), (policy::Outage::PassOver, policy::Outage::Hold));
        let own = behavior(json!({
            "preset": "HPA",
            "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}], "selectPolicy": "Min"},
            "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Disabled"},
        }));
        assert_eq!(pace(&own.scale_up), (0, 0, vec![(Pods, 1, 60)]));
        assert_eq!(pace(&own.scale_down), (0, 0, vec![(Percent, 100, 15)]));
        let selected = (own.scale_up.select, own.scale_down.select);
        assert_eq!(selected, (policy::SelectPolicy::Min, policy::SelectPolicy::Disabled));
    }

    #[test]
    fn a_tolerance_is_kept_in_thousandths_and_within_one() {
        for (written, expected) in [
            (0.0, Some(0)),
            (0.05, Some(50)),
            (0.0005, Some(1)),
            (1.0, Some(1000)),
            (1.001, None),
            (-0.1, None),
            (f64::NAN, None),
        ] {
            assert_eq!(permille("tolerance", written).ok(), expected, "{written}");
        }
    }
}
