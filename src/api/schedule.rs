//! Windows of time with bounds of their own.

use std::time::Duration;

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::{
    rule::rule,
    spec_error::{SpecError, in_range},
};

/// A window that opens and closes by the clock, and what holds while it is open. At least one of `floorReplicas`, `minReplicas` and
/// `maxReplicas`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = has_an_effect(),
    validation = opens_before_it_closes(),
    validation = bounds_in_order(),
    validation = floor_below_max()
)]
pub struct Schedule {
    /// A name for this window, unique in the scaler: a DNS label of at most 63 characters.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,

    /// When it opens, as a cron pattern of five fields: minute, hour, day of month, month, day of week.
    #[schemars(length(max = 128))]
    #[x_kube(validation = five_fields("start"))]
    pub start: String,

    /// When it closes, as a cron pattern of five fields.
    #[schemars(length(max = 128))]
    #[x_kube(validation = five_fields("end"))]
    pub end: String,

    /// Time zone of both patterns, by its IANA name such as `Europe/Berlin`. Default `UTC`.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"))]
    pub time_zone: String,

    /// How much earlier it opens, in seconds, so that replicas are ready at `start`. Default 0; 0 to 86400.
    #[serde(default)]
    #[schemars(range(min = 0, max = 86_400))]
    pub lead_seconds: i32,

    /// Replicas that it asks for while it is open, as a trigger does: the largest proposal wins; 1 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub floor_replicas: Option<i32>,

    /// The fewest replicas while it is open, in place of the scaler's; 0 to 10000. Of several open windows the largest counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub min_replicas: Option<i32>,

    /// The most replicas while it is open, in place of the scaler's; 1 to 10000. Of several open windows the smallest counts, and
    /// it counts more than any `minReplicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_replicas: Option<i32>,
}

impl Schedule {
    /// How much earlier it opens.
    ///
    /// # Errors
    /// The time is out of range.
    pub fn lead(&self) -> Result<Duration, SpecError> {
        in_range("leadSeconds", self.lead_seconds, 0, 86_400).map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Replicas that it asks for while it is open.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn floor(&self) -> Result<Option<u32>, SpecError> {
        self.floor_replicas.map(|floor| in_range("floorReplicas", floor, 1, 10_000)).transpose()
    }

    /// The fewest replicas while it is open, where it sets them.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn min(&self) -> Result<Option<u32>, SpecError> {
        self.min_replicas.map(|min| in_range("minReplicas", min, 0, 10_000)).transpose()
    }

    /// The most replicas while it is open, where it sets them.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn max(&self) -> Result<Option<u32>, SpecError> {
        self.max_replicas.map(|max| in_range("maxReplicas", max, 1, 10_000)).transpose()
    }
}

fn utc() -> String {
    "UTC".into()
}

/// What each field may hold, and which windows ever open, the operator and `hybridscaler check` find out.
fn five_fields(field: &str) -> Rule {
    rule(
        r"self.matches('^[0-9A-Za-z*/,?#-]+( +[0-9A-Za-z*/,?#-]+){4}$')",
        &format!(
            "{field} %s is not a cron pattern of five fields: write minute, hour, day of month, month and day of week, such as 0 8 * * 1-5"
        ),
        &["self"],
    )
}

fn has_an_effect() -> Rule {
    rule(
        "has(self.floorReplicas) || has(self.minReplicas) || has(self.maxReplicas)",
        "schedule %s changes nothing: set floorReplicas, minReplicas or maxReplicas",
        &["self.name"],
    )
}

fn opens_before_it_closes() -> Rule {
    rule(
        "self.start != self.end",
        "schedule %s starts and ends at %s: set an end of its own",
        &["self.name", "self.end"],
    )
    .field_path(".end")
}

fn bounds_in_order() -> Rule {
    rule(
        "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
        "minReplicas %s is above maxReplicas %s: lower minReplicas or raise maxReplicas",
        &["self.minReplicas", "self.maxReplicas"],
    )
    .field_path(".minReplicas")
}

fn floor_below_max() -> Rule {
    rule(
        "!has(self.floorReplicas) || !has(self.maxReplicas) || self.floorReplicas <= self.maxReplicas",
        "floorReplicas %s is above maxReplicas %s: lower floorReplicas or raise maxReplicas",
        &["self.floorReplicas", "self.maxReplicas"],
    )
    .field_path(".floorReplicas")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn schedule(fields: Value) -> Schedule {
        let mut schedule = json!({"name": "day", "start": "0 8 * * *", "end": "0 18 * * *"});
        schedule.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(schedule).unwrap()
    }

    #[test]
    fn what_is_left_out_gets_the_documented_default() {
        let bare = schedule(json!({}));
        assert_eq!((bare.time_zone.as_str(), bare.lead().unwrap()), ("UTC", Duration::ZERO));
        assert_eq!((bare.floor().unwrap(), bare.min().unwrap(), bare.max().unwrap()), (None, None, None));
    }

    #[test]
    fn a_number_that_no_schema_would_admit_is_an_error() {
        let least = schedule(json!({"leadSeconds": 300, "floorReplicas": 1, "minReplicas": 0, "maxReplicas": 1}));
        assert_eq!(least.lead().unwrap().as_secs(), 300);
        assert_eq!((least.floor().unwrap(), least.min().unwrap(), least.max().unwrap()), (Some(1), Some(0), Some(1)));
        let below = schedule(json!({"leadSeconds": -1, "floorReplicas": 0, "minReplicas": -1, "maxReplicas": 0}));
        assert!(below.lead().is_err() && below.floor().is_err() && below.min().is_err() && below.max().is_err());
    }
}
