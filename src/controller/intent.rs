//! What a scaler asks for, in the terms of the core and the adapters, and what the operator's configuration says to it.

use std::time::Duration;

use hybridscaler_core::policy::Policy;

use super::{target_id::TargetId, trouble::Trouble};
use crate::{
    api::{
        HybridScaler, Mode,
        conditions::{ConditionType, reasons},
        config::{Identity, OperatorConfig, Resource},
        into_core::ConnectionDemand,
        spec_error::SpecError,
        trigger,
    },
    aws::{Access, Queue},
    signals::Source,
};

/// A valid scaler's wishes.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    /// How to decide.
    pub(super) policy: Policy,
    /// Where each trigger of the policy is read, in its order.
    pub(super) sources: Vec<Source>,
    /// How often they are read.
    pub(super) interval: Duration,
    /// What is scaled.
    pub(super) target: TargetId,
    /// What its replicas take from a database; nothing when the scaler names no budget.
    pub(super) connections: Option<ConnectionDemand>,
    /// Whether decisions are carried out.
    pub(super) mode: Mode,
}

impl Intent {
    /// Reads `scaler`, which lives in `namespace`.
    pub(super) fn of(scaler: &HybridScaler, namespace: &str) -> Result<Self, SpecError> {
        let spec = &scaler.spec;
        let target = TargetId::of(spec.target_ref.target()?, namespace);
        let source = |trigger: &trigger::Trigger| match (trigger.source()?, &target) {
            (trigger::Source::Sqs(sqs), _) => {
                let access = Access {
                    region: sqs.region()?.to_owned(),
                    role_arn: sqs.role_arn.clone(),
                };
                Ok(Source::Sqs(Queue {
                    url: sqs.queue_url.clone(),
                    access,
                }))
            }
            (trigger::Source::Cpu(_), TargetId::Ecs(service)) => Ok(Source::EcsCpu(service.clone())),
            (trigger::Source::Cpu(_), TargetId::Workload(_)) => Err(SpecError::new(
                "cpu",
                &trigger.name,
                "works for an ECS service only so far: use sqs",
            )),
        };
        Ok(Self {
            policy: spec.policy()?,
            sources: spec.triggers.iter().map(source).collect::<Result<_, _>>()?,
            interval: spec.poll_interval()?,
            connections: spec.connection_demands(namespace)?.into_iter().next(),
            mode: spec.mode,
            target,
        })
    }

    /// Whether the operator's configuration lets `namespace` use all of it: default deny.
    pub(super) fn check_trust(&self, namespace: &str, config: &OperatorConfig) -> Result<(), Trouble> {
        let refuse = |message: String| Trouble::new(ConditionType::AbleToScale, reasons::NOT_TRUSTED, message);
        match &self.target {
            TargetId::Workload(workload) => config
                .scalable_kinds
                .allows(&workload.api_version, &workload.kind)
                .map_err(|refusal| refuse(refusal.to_string()))?,
            TargetId::Ecs(service) => {
                let resource = Resource::EcsService {
                    region: service.access.region.clone(),
                    cluster: service.cluster_name().to_owned(),
                    service: service.short_name().to_owned(),
                    identity: Identity::of(service.access.role_arn.as_deref()),
                };
                config
                    .trust
                    .allows(namespace, &resource)
                    .map_err(|refusal| refuse(refusal.to_string()))?;
            }
        }
        for source in &self.sources {
            // A service's CPU is read as whoever scales the service, which was checked above.
            if let Source::Sqs(queue) = source {
                let identity = Identity::of(queue.access.role_arn.as_deref());
                let resource = Resource::Queue {
                    arn: queue.arn(),
                    identity,
                };
                config
                    .trust
                    .allows(namespace, &resource)
                    .map_err(|refusal| refuse(refusal.to_string()))?;
            }
        }
        Ok(())
    }
}
