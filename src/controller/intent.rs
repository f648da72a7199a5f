//! What a scaler asks for, in the terms of the core and the adapters, and what the operator's configuration says to it.

use std::{collections::HashMap, time::Duration};

use hybridscaler_core::{
    policy::Policy,
    reading::{Reading, Unknown},
};

use jiff::Timestamp;

use super::{target_id::TargetId, trouble::Trouble};
use crate::{
    api::{
        HybridScaler, Mode,
        conditions::{ConditionType, reasons},
        config::{Identity, OperatorConfig, Resource},
        into_core::ConnectionDemand,
        schedule,
        spec_error::SpecError,
        trigger::{self, CpuTarget},
    },
    aws::{Access, Queue},
    kubernetes::WorkloadRef,
    signals::{Compared, ExternalMetric, PodCpu, Schedule, Source, Window},
};

/// The windows of a scaler's schedules at one moment.
pub(super) struct Windows {
    /// Until when each is open, in the policy's order; none when it is closed.
    pub(super) open_until: Vec<Option<Timestamp>>,
    /// When one of them opens or closes next.
    pub(super) next_change: Option<Timestamp>,
}

/// A valid scaler's wishes.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    /// How to decide.
    pub(super) policy: Policy,
    /// Where each signal is read, by the name of its trigger.
    pub(super) sources: Vec<(String, Source)>,
    /// When the policy's schedules are open, in its order.
    schedules: Vec<Schedule>,
    /// How often they are read.
    pub(super) interval: Duration,
    /// What is scaled.
    pub(super) target: TargetId,
    /// What its replicas take from each database; nothing when the scaler names no budget.
    pub(super) connections: Vec<ConnectionDemand>,
    /// Whether decisions are carried out.
    pub(super) mode: Mode,
}

impl Intent {
    /// Reads `scaler`, which lives in `namespace`.
    pub(super) fn of(scaler: &HybridScaler, namespace: &str) -> Result<Self, SpecError> {
        let spec = &scaler.spec;
        let target = TargetId::of(spec.target_ref.target()?, namespace);
        let source = |trigger: &trigger::Trigger| match (trigger.source()?, &target) {
            (trigger::Source::Formula(_), _) => Ok(None),
            (trigger::Source::Sqs(sqs), _) => {
                let access = Access { region: sqs.region()?.to_owned(), role_arn: sqs.role_arn.clone() };
                Ok(Some(Source::Sqs(Queue { url: sqs.queue_url.clone(), access })))
            }
            (trigger::Source::Cpu(_), TargetId::Ecs(service)) => Ok(Some(Source::EcsCpu(service.clone()))),
            (trigger::Source::Cpu(cpu), TargetId::Workload(workload)) => {
                let compared = match cpu.target()? {
                    Some(CpuTarget::Utilization(_)) | None => Compared::WithRequests,
                    Some(CpuTarget::AverageMilli(_)) => Compared::WithAmount,
                };
                Ok(Some(Source::PodCpu(PodCpu { workload: workload.clone(), compared })))
            }
            (trigger::Source::External(external), _) => {
                let labels = external.match_labels().map(|(name, value)| (name.to_owned(), value.to_owned()));
                Ok(Some(Source::External(ExternalMetric {
                    namespace: namespace.to_owned(),
                    name: external.metric_name.clone(),
                    match_labels: labels.collect(),
                })))
            }
        };
        let named = |trigger: &trigger::Trigger| {
            let source: Result<Option<Source>, SpecError> = source(trigger);
            source.map(|source| source.map(|source| (trigger.name.clone(), source))).transpose()
        };
        let schedule = |(at, schedule): (usize, &schedule::Schedule)| {
            Schedule::of(schedule).map_err(|error| error.within(&format!("spec.schedules[{at}]")))
        };
        Ok(Self {
            policy: spec.policy()?,
            sources: spec.triggers.iter().filter_map(named).collect::<Result<_, _>>()?,
            schedules: spec.schedules.iter().enumerate().map(schedule).collect::<Result<_, _>>()?,
            interval: spec.poll_interval()?,
            connections: spec.connection_demands(namespace)?,
            mode: spec.mode,
            target,
        })
    }

    /// Which schedules are open at `now`.
    pub(super) fn windows(&self, now: Timestamp) -> Windows {
        let windows: Vec<Window> = self.schedules.iter().map(|schedule| schedule.at(now)).collect();
        Windows {
            open_until: windows.iter().map(|window| window.open_until()).collect(),
            next_change: windows.iter().map(|window| window.next_change()).min(),
        }
    }

    /// Whether the operator's configuration lets `namespace` scale the target: default deny.
    pub(super) fn check_target(&self, namespace: &str, config: &OperatorConfig) -> Result<(), Trouble> {
        let refuse = |message: String| Trouble::new(ConditionType::AbleToScale, reasons::NOT_TRUSTED, message);
        match &self.target {
            TargetId::Workload(WorkloadRef { api_version, kind, .. }) => {
                config.scalable_kinds.allows(api_version, kind).map_err(|refusal| refuse(refusal.to_string()))
            }
            TargetId::Ecs(service) => {
                let resource = Resource::EcsService {
                    region: service.access.region.clone(),
                    cluster: service.cluster_name().to_owned(),
                    service: service.short_name().to_owned(),
                    identity: Identity::of(service.access.role_arn.as_deref()),
                };
                config.trust.allows(namespace, &resource).map_err(|refusal| refuse(refusal.to_string()))
            }
        }
    }

    /// The sources that `namespace` may not use, each with the refusal as its reading: default deny.
    pub(super) fn refused_sources(&self, namespace: &str, config: &OperatorConfig) -> HashMap<&Source, Reading> {
        let mut refused = HashMap::new();
        for (_, source) in &self.sources {
            // A service's CPU is read as whoever scales the service, who is checked above.
            let Source::Sqs(queue) = source else { continue };
            let identity = Identity::of(queue.access.role_arn.as_deref());
            if let Err(refusal) = config.trust.allows(namespace, &Resource::Queue { arn: queue.arn(), identity }) {
                refused.insert(source, Reading::unknown(Unknown::Forbidden, refusal.to_string()));
            }
        }
        refused
    }
}
