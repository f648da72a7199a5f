//! What an ECS service says of itself: whether it can be scaled, how it replaces its tasks, and whether it is doing so.
//! Pure.

use aws_sdk_ecs::types::{
    DeploymentControllerType, DeploymentRolloutState, DeploymentStrategy, SchedulingStrategy, Service,
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
    let controller = service.deployment_controller.as_ref().map(|controller| &controller.r#type);
    let configuration = service.deployment_configuration.as_ref();
    let strategy = configuration.and_then(|configuration| configuration.strategy.as_ref());
    match (controller, strategy) {
        (None | Some(DeploymentControllerType::Ecs), None | Some(DeploymentStrategy::Rolling)) => {
            let percent = configuration.and_then(|configuration| configuration.maximum_percent);
            let maximum_percent = percent.and_then(|percent| u32::try_from(percent).ok());
            Shape::EcsRolling { maximum_percent: maximum_percent.unwrap_or(DEFAULT_MAXIMUM_PERCENT) }
        }
        // Blue/green, linear, canary, CodeDeploy, external, and what is invented after us: old and new tasks side by
        // side.
        _ => Shape::EcsReplacing,
    }
}

/// A deployment that failed replaces nothing any more, so it is settled.
pub(super) fn rollout(service: &Service) -> Rollout {
    let deployments = service.deployments();
    let under_way =
        deployments.iter().any(|deployment| deployment.rollout_state == Some(DeploymentRolloutState::InProgress));
    if under_way || deployments.len() > 1 || service.task_sets().len() > 1 {
        Rollout::InProgress
    } else {
        Rollout::Settled
    }
}

/// The id of the deployment that ECS is to bring about.
pub(super) fn revision(service: &Service) -> Option<String> {
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    primary.and_then(|deployment| deployment.id()).map(str::to_owned)
}

/// ECS never gives a negative count.
pub(super) fn replicas(count: i32) -> Replicas {
    Replicas(u32::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{
        Deployment, DeploymentConfiguration, DeploymentController, TaskSet, builders::ServiceBuilder,
    };

    use super::*;

    fn service() -> ServiceBuilder {
        Service::builder().status("ACTIVE")
    }

    fn with_controller(controller: DeploymentControllerType) -> ServiceBuilder {
        service().set_deployment_controller(DeploymentController::builder().r#type(controller).build().ok())
    }

    fn with_strategy(strategy: DeploymentStrategy) -> Service {
        let configuration = DeploymentConfiguration::builder().strategy(strategy).maximum_percent(150).build();
        with_controller(DeploymentControllerType::Ecs).deployment_configuration(configuration).build()
    }

    #[test]
    fn only_an_active_replica_service_can_be_scaled() {
        assert_eq!(check(&service().build()), Ok(()));
        assert_eq!(check(&service().scheduling_strategy(SchedulingStrategy::Replica).build()), Ok(()));
        assert_eq!(check(&service().scheduling_strategy(SchedulingStrategy::Daemon).build()), Err(Unscalable::Daemon));
        for status in ["DRAINING", "INACTIVE", ""] {
            let refused = check(&service().status(status).build());
            assert_eq!(refused, Err(Unscalable::NotActive(status.to_owned())));
        }
    }

    #[test]
    fn a_rolling_service_is_bound_by_its_maximum_percent() {
        let bound = |maximum_percent| Shape::EcsRolling { maximum_percent };
        assert_eq!(shape(&service().build()), bound(200));
        assert_eq!(shape(&with_controller(DeploymentControllerType::Ecs).build()), bound(200));
        assert_eq!(shape(&with_strategy(DeploymentStrategy::Rolling)), bound(150));
    }

    #[test]
    fn every_other_way_runs_old_and_new_tasks_side_by_side() {
        for strategy in ["BLUE_GREEN", "LINEAR", "CANARY", "INVENTED_LATER"] {
            assert_eq!(shape(&with_strategy(DeploymentStrategy::from(strategy))), Shape::EcsReplacing, "{strategy}");
        }
        for controller in [DeploymentControllerType::CodeDeploy, DeploymentControllerType::External] {
            assert_eq!(shape(&with_controller(controller).build()), Shape::EcsReplacing);
        }
    }

    #[test]
    fn a_rollout_is_in_progress_while_a_deployment_says_so_or_there_are_several() {
        let deployment = |state: &str| Deployment::builder().rollout_state(state.into()).build();
        let of = |states: &[&str]| {
            let deployments = states.iter().map(|state| deployment(state)).collect();
            rollout(&service().set_deployments(Some(deployments)).build())
        };
        assert_eq!(of(&["COMPLETED"]), Rollout::Settled);
        assert_eq!(of(&["FAILED"]), Rollout::Settled);
        assert_eq!(of(&["IN_PROGRESS"]), Rollout::InProgress);
        assert_eq!(of(&["COMPLETED", "COMPLETED"]), Rollout::InProgress);
        let external = with_controller(DeploymentControllerType::External).task_sets(TaskSet::builder().build());
        assert_eq!(rollout(&external.clone().build()), Rollout::Settled);
        assert_eq!(rollout(&external.task_sets(TaskSet::builder().build()).build()), Rollout::InProgress);
    }
}
