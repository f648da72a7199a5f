//! Whether Application Auto Scaling scales a service too.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use aws_sdk_applicationautoscaling::{
    Client,
    types::{ScalableDimension, ScalableTarget, ServiceNamespace, SuspendedState},
};
use tokio::{sync::Mutex, time::Instant};

use super::calls::Calls;
use crate::{
    aws::{Access, Failure, Permission, Service},
    targets::{Note, Rival},
};

/// How long a list of scalable targets is believed: all services of a region and role share it, and AWS limits these calls for the
/// account as a whole.
const BELIEVED: Duration = Duration::from_mins(1);

const SCALABLE_TARGET: &str = "ScalableTarget";

/// The scalable targets of each region and role, as last listed.
#[derive(Debug, Default)]
pub(super) struct Owners(std::sync::Mutex<HashMap<Access, Arc<Mutex<Listed>>>>);

#[derive(Debug, Default)]
struct Listed {
    at: Option<Instant>,
    /// `service/CLUSTER/SERVICE`, sorted.
    services: Vec<String>,
    /// Why the last list failed. The services are those of the one before then.
    failed: Option<Failure>,
}

impl Owners {
    /// The scalable target that `service` is registered as, and what could not be found out. That Application Auto Scaling cannot be
    /// asked holds nothing up: it is another service than ECS, and rights to it are optional.
    pub(super) async fn rival(&self, calls: &Calls, service: &Service) -> (Option<Rival>, Vec<Note>) {
        let listed = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(service.access.clone()).or_default())
        };
        let mut listed = listed.lock().await;
        if listed.at.is_none_or(|at| at.elapsed() >= BELIEVED) {
            let found = calls.scalable_targets(&service.access).await;
            listed.at = Some(Instant::now());
            match found {
                Ok(mut services) => {
                    services.sort_unstable();
                    *listed = Listed { services, failed: None, ..*listed };
                }
                Err(failure) => listed.failed = Some(failure),
            }
        }
        let resource = format!("service/{}/{}", service.cluster_name(), service.short_name());
        let rival = listed.services.binary_search(&resource).is_ok().then(|| Rival {
            kind: SCALABLE_TARGET,
            mend: format!(
                "deregister or suspend it in Application Auto Scaling, or delete this HybridScaler: aws application-autoscaling \
                 deregister-scalable-target --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id {resource}"
            ),
            name: resource,
        });
        let hidden = |failure: &Failure| Note::OwnersHidden { kind: SCALABLE_TARGET, message: failure.message.clone() };
        (rival, listed.failed.iter().map(hidden).collect())
    }
}

/// The services of the region that it may scale: one whose scaling is suspended in every way is none of them.
pub(super) async fn list(client: &Client, access: &Access) -> Result<Vec<String>, Failure> {
    let targets = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .into_paginator()
        .items()
        .send();
    let targets = targets.collect::<Result<Vec<_>, _>>().await.map_err(|error| {
        let action = "application-autoscaling:DescribeScalableTargets";
        Failure::of(&error, &Permission { action, resource: "*".to_owned() }, access)
    })?;
    Ok(targets.iter().filter(|target| acts(target)).map(|target| target.resource_id().to_owned()).collect())
}

fn acts(target: &ScalableTarget) -> bool {
    let suspended = |state: &SuspendedState| {
        [
            state.dynamic_scaling_in_suspended(),
            state.dynamic_scaling_out_suspended(),
            state.scheduled_scaling_suspended(),
        ]
        .iter()
        .all(|suspended| *suspended == Some(true))
    };
    !target.suspended_state().is_some_and(suspended)
}
