//! An ECS service.
//!
//! ECS differs from Kubernetes in two ways that matter. Its reads are of different moments and may lag, so they are
//! ordered such that a task is counted twice rather than missed, and callers believe a count only once it has been the
//! same for a while. And it has no conditional write: what arrives last wins, even if it was sent first.
//!
//! # Access control
//!
//! `ecs:DescribeServices` and `ecs:UpdateService` on the service; `ecs:ListTasks` and `ecs:DescribeTasks` on its tasks;
//! `application-autoscaling:DescribeScalableTargets`, to see that a service is scaled already: optional.

mod calls;
mod holds;
mod owner;
mod service;
mod tasks;

use std::{fmt, sync::Arc};

use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
};

pub use self::holds::LONGEST_IN_FLIGHT;
use self::{calls::Calls, holds::Holds, owner::Owners, service::Unscalable};
#[cfg(test)]
pub(crate) use self::{calls::Modelled, tasks::Listed};
use super::{Observed, TargetError, Version, WriteError};
use crate::aws::{Aws, Outcome, Service};

/// Makes targets of ECS services, which share what is known of writes without an answer. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct EcsTargets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    calls: Calls,
    holds: Holds,
    owners: Owners,
}

/// A service that is observed and written.
#[derive(Clone, Debug)]
pub struct EcsTarget {
    shared: Arc<Shared>,
    service: Service,
}

impl EcsTargets {
    /// All targets of a process must come from one, or a write that may still be carried out is forgotten.
    pub fn new(aws: Aws) -> Self {
        Self::calling(Calls::Aws(aws))
    }

    /// Targets of a simulation.
    #[cfg(test)]
    pub(crate) fn modelled(model: Arc<dyn Modelled>) -> Self {
        Self::calling(Calls::Modelled(model))
    }

    fn calling(calls: Calls) -> Self {
        Self(Arc::new(Shared { calls, holds: Holds::default(), owners: Owners::default() }))
    }

    /// Reads nothing yet.
    pub fn target(&self, service: Service) -> EcsTarget {
        EcsTarget { shared: Arc::clone(&self.0), service }
    }
}

impl EcsTarget {
    /// See [`Target::observe`](super::Target::observe).
    pub async fn observe(&self) -> Result<Observed, TargetError> {
        let Shared { calls, holds, owners } = &*self.shared;
        let (rival, notes) = owners.rival(calls, &self.service).await;
        // The service before its tasks: a task that moves on in between is counted twice rather than missed.
        let service = self.describe().await?;
        let listed = calls.list(&self.service).await?;
        let running = service::replicas(service.running_count);
        let starting = service::replicas(service.pending_count);
        // What is wanted but neither running nor pending was started in between, or is on its way out and not told
        // apart yet.
        let between = listed.wanted.minus(running.plus(starting));
        let workload = Workload {
            desired: service::replicas(service.desired_count),
            running,
            starting,
            terminating: listed.stopping.plus(between),
            // What is read while a write may still be carried out is of the past.
            rollout: match holds.remaining(&self.service) {
                Some(_) => Rollout::NotObserved,
                None => service::rollout(&service),
            },
        };
        Ok(Observed {
            workload,
            shape: service::shape(&service),
            revision: service::revision(&service),
            version: Version::Ecs,
            rival,
            notes,
        })
    }

    /// See [`Target::write`](super::Target::write).
    pub async fn write(&self, seen: &Observed, replicas: Replicas) -> Result<(), WriteError> {
        let Shared { calls, holds, .. } = &*self.shared;
        if let Some(remaining) = holds.remaining(&self.service) {
            return Err(WriteError::Held { remaining });
        }
        let count = i32::try_from(replicas.0)
            .map_err(|_| WriteError::Refused(format!("{replicas} tasks are more than ECS can count")))?;
        let service = self.describe().await?;
        if service::replicas(service.desired_count) != seen.workload.desired {
            return Err(WriteError::Conflict);
        }
        // Held from before the call, since whoever waits for it may give up: only an answer ends the doubt.
        holds.hold(&self.service);
        let answer = calls.update(&self.service, count).await;
        if answer.as_ref().err().is_none_or(|failure| failure.outcome == Outcome::NotCarriedOut) {
            holds.release(&self.service);
        }
        answer.map_err(WriteError::from)
    }

    async fn describe(&self) -> Result<aws_sdk_ecs::types::Service, TargetError> {
        let service = self.shared.calls.describe(&self.service).await?;
        let service = service.ok_or_else(|| TargetError::NotFound(format!("{self} does not exist")))?;
        match service::check(&service) {
            Ok(()) => Ok(service),
            Err(why @ Unscalable::NotActive(_)) => Err(TargetError::NotFound(format!("{self}: {why}"))),
            Err(why @ Unscalable::Daemon) => Err(TargetError::NotScalable(format!("{self}: {why}"))),
        }
    }
}

impl fmt::Display for EcsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ECS service {}/{}", self.service.cluster_name(), self.service.short_name())
    }
}

#[cfg(test)]
mod tests;
