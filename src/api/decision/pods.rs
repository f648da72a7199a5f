//! Pods and their CPU use, as people write them.

use hybridscaler_core::reading::{self, Phase, Ready, Usage};
use jiff::{SignedDuration, Timestamp};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::reading::read_quantity;
use crate::api::{
    quantity::{QUANTITY_BYTES, thousandths},
    spec_error::SpecError,
};

/// One pod of a workload with its CPU use, or several that are alike.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// So many pods that are alike. Default 1; 1 to 10000.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub count: u32,

    /// Its phase. Default `Running`.
    #[serde(default = "running")]
    pub phase: Phase,

    /// Whether it has a deletion timestamp. Default false.
    #[serde(default)]
    pub deleting: bool,

    /// When the kubelet acknowledged it (`status.startTime`). Default: it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,

    /// Whether its condition `Ready` is true. Default: it has no such condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,

    /// Since when that condition is what it is. Default: since it `started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_since: Option<Timestamp>,

    /// CPU that its containers request together, such as `500m`. Default: not every one requests any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = read_quantity("request", "500m").rule())]
    pub request: Option<String>,

    /// CPU that it uses, such as `320m`. Default: the metrics API does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = QUANTITY_BYTES))]
    #[x_kube(validation = read_quantity("usage", "320m").rule())]
    pub usage: Option<String>,

    /// End of the time that its use was measured over. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,

    /// How long that time was, in seconds. Default 30; 0 to 86400.
    #[serde(default = "half_a_minute")]
    #[schemars(range(min = 0, max = 86_400))]
    pub window_seconds: f64,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

fn running() -> Phase {
    Phase::Running
}

fn half_a_minute() -> f64 {
    30.0
}

impl Pod {
    /// The same in the core's terms; an error names the pod.
    pub(super) fn all_to_core(pods: &[Self], now: Timestamp) -> Result<Vec<reading::Pod>, SpecError> {
        let mut all = Vec::new();
        for (at, pod) in pods.iter().enumerate() {
            let one = pod.to_core(now).map_err(|error| error.within(&format!("pods[{at}]")))?;
            all.extend((0..pod.count).map(|_| one.clone()));
        }
        Ok(all)
    }

    fn to_core(&self, now: Timestamp) -> Result<reading::Pod, SpecError> {
        let Self { count: _, phase, deleting, started, ready, ready_since, request, usage, measured, window_seconds } =
            self;
        let quantity = |field, example, written: &Option<String>| {
            written.as_ref().map(|written| read_quantity(field, example).milli(field, written)).transpose()
        };
        let usage = quantity("usage", "320m", usage)?.map(|milli| Usage {
            milli,
            at: measured.unwrap_or(now),
            window: SignedDuration::try_from_secs_f64(*window_seconds).unwrap_or(SignedDuration::ZERO),
        });
        let since = ready_since.or(*started).unwrap_or(now);
        Ok(reading::Pod {
            phase: *phase,
            deleting: *deleting,
            started: *started,
            ready: ready.map(|ready| Ready { ready, since }),
            request_milli: quantity("request", "500m", request)?,
            usage,
        })
    }

    /// What the core was told.
    pub(super) fn of(pod: &reading::Pod) -> Self {
        let reading::Pod { phase, deleting, started, ready, request_milli, usage } = pod;
        Self {
            count: 1,
            phase: *phase,
            deleting: *deleting,
            started: *started,
            ready: ready.map(|ready| ready.ready),
            ready_since: ready.map(|ready| ready.since),
            request: request_milli.map(thousandths),
            usage: usage.map(|usage| thousandths(usage.milli)),
            measured: usage.map(|usage| usage.at),
            window_seconds: usage.map_or_else(half_a_minute, |usage| usage.window.as_secs_f64()),
        }
    }
}
