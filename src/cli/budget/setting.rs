//! How a target replaces its replicas, and how it could instead.

use hybridscaler_core::budget::{Shape, Surge};
use k8s_openapi::api::apps::v1::Deployment;

use crate::{
    api::target_ref::Target,
    cli::manifest::{Finding, Found, Manifests},
    targets::{DEPLOYMENT_SHAPE, deployment_shape},
};

/// One way to replace replicas.
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) shape: Shape,
}

impl Setting {
    fn new(shape: Shape) -> Self {
        let name = match shape {
            Shape::RollingUpdate { max_surge: Surge::Count(count) } => format!("maxSurge: {count}"),
            Shape::RollingUpdate { max_surge: Surge::Percent(percent) } => format!("maxSurge: {percent}%"),
            Shape::Recreate => "strategy: Recreate".into(),
            Shape::StatefulSet => "StatefulSet".into(),
            Shape::Other => "rollouts of unknown kind".into(),
            Shape::EcsRolling { maximum_percent } => format!("maximumPercent: {maximum_percent}"),
            Shape::EcsReplacing => "new tasks beside the old".into(),
        };
        Self { name, shape }
    }

    /// The target's own setting first, then those that would let more replicas run.
    ///
    /// # Errors
    /// A Deployment's `maxSurge` is neither a count nor a percentage.
    pub(super) fn all(
        target: Target<'_>,
        namespace: &str,
        manifests: &Manifests,
        maximum_percent: u32,
    ) -> Result<Vec<Self>, Box<Finding>> {
        let own = own_shape(target, namespace, manifests, maximum_percent)?;
        let no_surge = Shape::RollingUpdate { max_surge: Surge::Count(0) };
        let others = match target {
            Target::Ecs(_) => vec![Shape::EcsRolling { maximum_percent: 100 }],
            Target::Workload { kind: "Deployment", .. } => vec![no_surge, Shape::Recreate],
            Target::Workload { .. } => Vec::new(),
        };
        let mut settings: Vec<Self> = Vec::new();
        for shape in [own].into_iter().chain(others) {
            if !settings.iter().any(|setting| setting.shape == shape) {
                settings.push(Self::new(shape));
            }
        }
        Ok(settings)
    }
}

/// How a target replaces its replicas: as its Deployment says where that is in the files, else as one that says nothing.
///
/// # Errors
/// The Deployment's `maxSurge` is neither a count nor a percentage.
pub(in crate::cli) fn own_shape(
    target: Target<'_>,
    namespace: &str,
    manifests: &Manifests,
    maximum_percent: u32,
) -> Result<Shape, Box<Finding>> {
    match target {
        Target::Ecs(_) => Ok(Shape::EcsRolling { maximum_percent }),
        Target::Workload { kind: "StatefulSet", .. } => Ok(Shape::StatefulSet),
        Target::Workload { kind: "Deployment", name, .. } => {
            let deployment = manifests.deployments.iter().find(|deployment| deployment.is(namespace, name));
            deployment.map_or(Ok(DEPLOYMENT_SHAPE), shape)
        }
        Target::Workload { .. } => Ok(Shape::Other),
    }
}

fn shape(deployment: &Found<Deployment>) -> Result<Shape, Box<Finding>> {
    let field = "spec.strategy.rollingUpdate.maxSurge";
    let problem = || deployment.error(field, format_args!("{field} is neither a count nor a percentage"), "write 25%");
    Ok(deployment_shape(&deployment.object).ok_or_else(problem)?)
}
