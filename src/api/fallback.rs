//! What to run when no signal can be read.

use std::time::Duration;

use kube::{KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    rule::rule,
    spec_error::{SpecError, in_range},
};

/// What to run when no trigger can be read. It ends with the first good reading.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = replicas_are_given(), validation = replicas_are_used())]
pub struct Fallback {
    /// `Hold` runs what ran last, `Static` runs `replicas`, `OnlyIfHigher` runs `replicas` if that is more than run now,
    /// `OnlyIfLower` if it is fewer. Default `Hold`.
    #[serde(default)]
    pub behavior: FallbackBehavior,

    /// Replicas to run; 0 to 10000, at most `maxReplicas`. For every behavior but `Hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub replicas: Option<i32>,

    /// So many polls of every trigger must have failed in a row. Default 3; 1 to 100.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub after_failures: i32,

    /// And they must have failed for so long, in seconds. Default 0; 0 to 86400.
    #[serde(default)]
    #[schemars(range(min = 0, max = 86_400))]
    pub after_seconds: i32,
}

/// What to do without signals.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FallbackBehavior {
    /// Run what ran last.
    #[default]
    Hold,
    /// Run so many.
    Static,
    /// Run so many, if that is more than run now.
    OnlyIfHigher,
    /// Run so many, if that is fewer than run now.
    OnlyIfLower,
}

/// What a [`Fallback`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackReplicas {
    /// What ran last.
    Hold,
    /// So many.
    Static(u32),
    /// So many, if that is more than run now.
    OnlyIfHigher(u32),
    /// So many, if that is fewer than run now.
    OnlyIfLower(u32),
}

impl Fallback {
    /// What it runs.
    ///
    /// # Errors
    /// The behavior needs a number and has none, or the number is above `max`.
    pub fn replicas(&self, max: u32) -> Result<FallbackReplicas, SpecError> {
        let replicas = || {
            let field = "spec.fallback.replicas";
            let missing = || SpecError::new(field, "", "is missing: set it, or behavior to Hold");
            in_range(field, self.replicas.ok_or_else(missing)?, 0, max)
        };
        Ok(match self.behavior {
            FallbackBehavior::Hold => FallbackReplicas::Hold,
            FallbackBehavior::Static => FallbackReplicas::Static(replicas()?),
            FallbackBehavior::OnlyIfHigher => FallbackReplicas::OnlyIfHigher(replicas()?),
            FallbackBehavior::OnlyIfLower => FallbackReplicas::OnlyIfLower(replicas()?),
        })
    }

    /// Polls of every trigger that must have failed in a row, at least 1.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn after_failures(&self) -> Result<u32, SpecError> {
        in_range("spec.fallback.afterFailures", self.after_failures, 1, 100)
    }

    /// How long they must have failed.
    ///
    /// # Errors
    /// The time is out of range.
    pub fn after(&self) -> Result<Duration, SpecError> {
        let seconds = in_range("spec.fallback.afterSeconds", self.after_seconds, 0, 86_400)?;
        Ok(Duration::from_secs(seconds.into()))
    }
}

fn three() -> i32 {
    3
}

fn replicas_are_given() -> Rule {
    rule(
        "self.behavior == 'Hold' || has(self.replicas)",
        "behavior %s needs a number: set replicas",
        &["self.behavior"],
    )
    .field_path(".replicas")
}

fn replicas_are_used() -> Rule {
    rule(
        "self.behavior != 'Hold' || !has(self.replicas)",
        "replicas %s has no effect with behavior Hold: set behavior to Static, OnlyIfHigher or OnlyIfLower, or leave replicas out",
        &["self.replicas"],
    )
    .field_path(".replicas")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn fallback(fields: Value) -> Fallback {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn what_is_left_out_gets_the_documented_default() {
        let bare = fallback(json!({}));
        assert_eq!(bare.replicas(50).unwrap(), FallbackReplicas::Hold);
        assert_eq!((bare.after_failures().unwrap(), bare.after().unwrap()), (3, Duration::ZERO));
    }

    #[test]
    fn every_behavior_but_holding_needs_a_number_within_the_bounds() {
        for (behavior, expected) in [
            ("Static", FallbackReplicas::Static(6)),
            ("OnlyIfHigher", FallbackReplicas::OnlyIfHigher(6)),
            ("OnlyIfLower", FallbackReplicas::OnlyIfLower(6)),
        ] {
            let with = |replicas: Value| fallback(json!({"behavior": behavior, "replicas": replicas})).replicas(6);
            assert_eq!(with(json!(6)), Ok(expected));
            assert_eq!(
                with(json!(7)).unwrap_err().to_string(),
                "spec.fallback.replicas: `7` is out of range: set 0 to 6"
            );
            assert_eq!(
                with(Value::Null).unwrap_err().to_string(),
                "spec.fallback.replicas: `` is missing: set it, or behavior to Hold"
            );
        }
    }

    #[test]
    fn a_number_that_no_schema_would_admit_is_an_error() {
        assert!(fallback(json!({"afterFailures": 0})).after_failures().is_err());
        assert!(fallback(json!({"afterSeconds": -1})).after().is_err());
    }
}
