//! The signals that a scaler follows.

mod cpu;
mod external;
mod formula;
mod sqs;

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

pub use self::{
    cpu::{CpuTarget, CpuTrigger},
    external::{ExternalTarget, ExternalTrigger, SeriesSelector},
    formula::FormulaTrigger,
    sqs::{QueueTarget, SqsTrigger},
};
use super::{rule::rule, spec_error::SpecError};

/// One signal and the load that a replica should carry of it. Exactly one source: `sqs`, `cpu`, `external` or `formula`. A signal
/// without a target asks for nothing by itself: formulas read it.
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

    /// A number computed of what the other triggers read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<FormulaTrigger>,

    /// A value older than this many seconds counts as unknown, which blocks scale-in. Default: for the CPU of an ECS service 300,
    /// of a formula only those of what it
    /// reads, otherwise 3 x `pollIntervalSeconds` but at least 60, for the CPU of pods at least 180; 10 to 3600.
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
    /// What others read.
    Formula(&'a FormulaTrigger),
}

impl Trigger {
    /// Whether it asks for replicas by itself: a signal without a target is only read, for formulas.
    pub fn proposes(&self) -> bool {
        let sqs = |sqs: &SqsTrigger| sqs.messages_per_replica.is_some() || sqs.target_latency_seconds.is_some();
        let cpu = |cpu: &CpuTrigger| cpu.target_utilization.is_some() || cpu.target_average_value.is_some();
        let external =
            |external: &ExternalTrigger| external.target_value.is_some() || external.target_average_value.is_some();
        self.formula.is_some()
            || self.sqs.as_ref().is_some_and(sqs)
            || self.cpu.as_ref().is_some_and(cpu)
            || self.external.as_ref().is_some_and(external)
    }

    /// The one source that it reads.
    ///
    /// # Errors
    /// It has none, or more than one.
    pub fn source(&self) -> Result<Source<'_>, SpecError> {
        match (&self.sqs, &self.cpu, &self.external, &self.formula) {
            (Some(sqs), None, None, None) => Ok(Source::Sqs(sqs)),
            (None, Some(cpu), None, None) => Ok(Source::Cpu(cpu)),
            (None, None, Some(external), None) => Ok(Source::External(external)),
            (None, None, None, Some(formula)) => Ok(Source::Formula(formula)),
            _ => {
                let problem = "is not one source: set exactly one of sqs, cpu, external and formula";
                Err(SpecError::new("name", &self.name, problem))
            }
        }
    }
}

fn one_source() -> Rule {
    rule(
        "[has(self.sqs), has(self.cpu), has(self.external), has(self.formula)].filter(x, x).size() == 1",
        "trigger %s has the sources %s: set exactly one of sqs, cpu, external and formula",
        &[
            "self.name",
            "(has(self.sqs) ? ['sqs'] : []) + (has(self.cpu) ? ['cpu'] : []) + (has(self.external) ? ['external'] : []) + (has(self.formula) ? ['formula'] : [])",
        ],
    )
}

#[cfg(test)]
mod tests;
