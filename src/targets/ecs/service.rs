//! What an ECS service says of itself: whether it can be scaled, how it replaces its tasks, and whether it is doing so. Pure.

use aws_sdk_ecs::types::{
    DeploymentControllerType, DeploymentRolloutState, DeploymentStrategy, SchedulingStrategy,
    Service,
};
use hybridscaler_core::{Replicas, budget::Shape, observation::Rollout};

/// `maximumPercent` of a service that does not set it.
const DEFAULT_MAXIMUM_PERCENT: u32 = 200;

/// Why a service cannot be scaled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unscalable {
    #[error("its status is {0:?}, not ACTIVE: it is deleted or being deleted")]
    NotActive(String),
    #[error("its scheduling strategy is DAEMON: ECS itself runs one task on each instance")]
    Daemon,
}

pub(super) fn check(service: &Service) -> Result<(), Unscalable> {
    match service.status.as_deref() {
        Some("ACTIVE") => {}
        status => return Err(Unscalable::NotActive(status.unwrap_or_default().to_owned())),
    }
    match service.scheduling_strategy {
        Some(SchedulingStrategy::Daemon) => Err(Unscalable::Daemon),
        _ => Ok(()),
    }
}

pub(super) fn shape(service: &Service) -> Shape {
    let controller = service
        .deployment_controller
        .as_ref()
        .map(|controller| &controller.r#type);
    let configuration = service.deployment_configuration.as_ref();
    let strategy = configuration.and_then(|configuration| configuration.strategy.as_ref());
    match (controller, strategy) {
        (None | Some(DeploymentControllerType::Ecs), None | Some(DeploymentStrategy::Rolling)) => {
            let percent = configuration.and_then(|configuration| configuration.maximum_percent);
            let maximum_percent = percent.and_then(|percent| u32::try_from(percent).ok());
            Shape::EcsRolling {
                maximum_percent: maximum_percent.unwrap_or(DEFAULT_MAXIMUM_PERCENT),
            }
        }
        // Blue/green, linear, canary, CodeDeploy, external, and what is invented after us: old and new tasks side by side.
        _ => Shape::EcsReplacing,
    }
}

/// A deployment that failed replaces nothing any more, so it is settled.
pub(super) fn rollout(service: &Service) -> Rollout {
    let deployments = service.deployments();
    let under_way = deployments
        .iter()
        .any(|deployment| deployment.rollout_state == Some(DeploymentRolloutState::InProgress));
    if under_way || deployments.len() > 1 || service.task_sets().len() > 1 {
        Rollout::InProgress
    } else {
        Rollout::Settled
    }
}

/// ECS never gives a negative count.
pub(super) fn replicas(count: i32) -> Replicas {
    Replicas(u32::try_from(count).unwrap_or_default())
}
