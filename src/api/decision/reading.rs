//! What a signal said, as people write it.

use hybridscaler_core::reading::{self, Load, Resource, Unknown, Unread};
use jiff::Timestamp;
use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::pods::Pod;
use crate::api::{
    quantity::{QUANTITY_BYTES, QuantityRange, thousandths},
    rule::rule,
    spec_error::SpecError,
};

/// An amount that was read: at most what 64 bits hold in thousandths.
pub(super) const fn read_quantity(field: &'static str, example: &'static str) -> QuantityRange {
    QuantityRange { field, least: "0", most: "16P", example }
}

/// What one signal said. Exactly one of `queue`, `utilization`, `pods`, `value` and `unknown`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_answer())]
pub struct Reading {
    /// Messages of an SQS queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Messages>,

    /// Mean CPU use of an ECS service's tasks, in percent of what they reserved; 0 to 1000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,

    /// The pods of a Kubernetes workload with their CPU use; at most 100000 together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100_000))]
    pub pods: Option<Vec<Pod>>,

    /// The sum of an external metric's series, as a quantity such as `12.5` or `500m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = read_quantity("value", "12.5").rule())]
    pub value: Option<String>,

    /// Why nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Unknown>,

    /// When the value was true at its source. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,

    /// Beside `unknown`: the cause in words. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub message: Option<String>,

    /// Beside `unknown`: when the present row of failed polls began. Default: no poll has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,

    /// Beside `unknown`: failed polls in that row. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
}

/// Messages of an SQS queue.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// Messages that may be received now (`ApproximateNumberOfMessages`).
    pub visible: u64,

    /// Messages that consumers hold (`ApproximateNumberOfMessagesNotVisible`). Default 0.
    #[serde(default)]
    pub in_flight: u64,

    /// Messages that become visible later (`ApproximateNumberOfMessagesDelayed`). Default 0.
    #[serde(default)]
    pub delayed: u64,
}

fn one_answer() -> Rule {
    let answers = "[has(self.queue), has(self.utilization), has(self.pods), has(self.value), has(self.unknown)]";
    rule(
        &format!("{answers}.filter(x, x).size() == 1"),
        "a reading has %s answers: give exactly one of queue, utilization, pods, value and unknown",
        &[&format!("{answers}.filter(x, x).size()")],
    )
}

impl Reading {
    /// The same in the core's terms; `now` is when a value was true that does not say.
    ///
    /// # Errors
    /// It has not exactly one answer, or a quantity cannot be read.
    pub(super) fn to_core(&self, now: Timestamp) -> Result<reading::Reading, SpecError> {
        let Self { queue, utilization, pods, value, unknown, at, message, since, failures } = self;
        let load = match (queue, utilization, pods, value, unknown) {
            (Some(queue), None, None, None, None) => {
                let Messages { visible, in_flight, delayed } = *queue;
                Load::Queue { visible, in_flight, delayed }
            }
            (None, Some(percent), None, None, None) => Load::Utilization { percent: *percent },
            (None, None, Some(pods), None, None) => {
                Load::Pods { resource: Resource::Cpu, pods: Pod::all_to_core(pods, now)?.into() }
            }
            (None, None, None, Some(value), None) => {
                Load::Value { milli: read_quantity("value", "12.5").milli("value", value)? }
            }
            (None, None, None, None, Some(why)) => {
                let message = message.as_deref().unwrap_or_default();
                return Ok(reading::Reading::Unknown(Unread {
                    why: *why,
                    message: message.into(),
                    since: *since,
                    failures: failures.unwrap_or(0),
                }));
            }
            _ => {
                let problem = "is not one answer: give exactly one of queue, utilization, pods, value and unknown";
                return Err(SpecError::new("", "", problem));
            }
        };
        Ok(reading::Reading::Known { load, at: at.unwrap_or(now) })
    }

    /// What the core was told.
    pub(super) fn of(reading: &reading::Reading) -> Self {
        match reading {
            reading::Reading::Known { load, at } => Self { at: Some(*at), ..Self::of_load(load) },
            reading::Reading::Unknown(Unread { why, message, since, failures }) => Self {
                unknown: Some(*why),
                message: Some(message.to_string()),
                since: *since,
                failures: Some(*failures),
                ..Self::default()
            },
        }
    }

    fn of_load(load: &Load) -> Self {
        match load {
            &Load::Queue { visible, in_flight, delayed } => {
                Self { queue: Some(Messages { visible, in_flight, delayed }), ..Self::default() }
            }
            &Load::Utilization { percent } => Self { utilization: Some(percent), ..Self::default() },
            Load::Pods { resource: _, pods } => {
                Self { pods: Some(pods.iter().map(Pod::of).collect()), ..Self::default() }
            }
            &Load::Value { milli } => Self { value: Some(thousandths(milli)), ..Self::default() },
        }
    }
}
