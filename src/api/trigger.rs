//! The signals that a scaler follows.

mod cpu;
mod external;
mod sqs;

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

pub use self::{
    cpu::{CpuTarget, CpuTrigger},
    external::{ExternalTarget, ExternalTrigger, SeriesSelector},
    sqs::{QueueTarget, SqsTrigger},
};
use super::{rule::rule, spec_error::SpecError};

/// One signal and the load that a replica should carry of it. Exactly one source: `sqs`, `cpu` or `external`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_source())]
pub struct Trigger {
    /// A name for this trigger, unique in the scaler: a DNS label of at most 63 characters. Status, events and metrics use it.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,

    /// Messages of an SQS queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqs: Option<SqsTrigger>,

    /// CPU use of the replicas: of pods from `metrics.k8s.io`, of an ECS service from CloudWatch (`AWS/ECS` `CPUUtilization`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuTrigger>,

    /// A metric that an adapter serves under `external.metrics.k8s.io`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalTrigger>,

    /// A value older than this many seconds counts as unknown, which blocks scale-in. Default: for the CPU of an ECS service 300,
    /// otherwise 3 x `pollIntervalSeconds` but at least 60, for the CPU of pods at least 180; 10 to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 3600))]
    pub stale_after_seconds: Option<i32>,
}

/// The source that a [`Trigger`] reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    /// A queue.
    Sqs(&'a SqsTrigger),
    /// The target's CPU use.
    Cpu(&'a CpuTrigger),
    /// A metric from outside the cluster.
    External(&'a ExternalTrigger),
}

impl Trigger {
    /// The one source that it reads.
    ///
    /// # Errors
    /// It has none, or more than one.
    pub fn source(&self) -> Result<Source<'_>, SpecError> {
        match (&self.sqs, &self.cpu, &self.external) {
            (Some(sqs), None, None) => Ok(Source::Sqs(sqs)),
            (None, Some(cpu), None) => Ok(Source::Cpu(cpu)),
            (None, None, Some(external)) => Ok(Source::External(external)),
            _ => Err(SpecError::new("name", &self.name, "is not one source: set exactly one of sqs, cpu and external")),
        }
    }
}

fn one_source() -> Rule {
    rule(
        "[has(self.sqs), has(self.cpu), has(self.external)].filter(x, x).size() == 1",
        "trigger %s has the sources %s: set exactly one of sqs, cpu and external",
        &[
            "self.name",
            "(has(self.sqs) ? ['sqs'] : []) + (has(self.cpu) ? ['cpu'] : []) + (has(self.external) ? ['external'] : [])",
        ],
    )
}

#[cfg(test)]
mod tests;
