//! What a workload's object says: how many replicas, how it replaces them, which pods are its own, and whether its
//! controller has caught up. Pure.

use hybridscaler_core::{
    Replicas,
    budget::{Shape, Surge},
    observation::Rollout,
};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        autoscaling::v1::Scale,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::{ResourceExt as _, api::DynamicObject, core::Selector};

/// The strategy of a Deployment that does not set it, nor its `maxSurge`.
pub const DEPLOYMENT_SHAPE: Shape = Shape::RollingUpdate { max_surge: Surge::Percent(25) };

/// Where the Deployment controller counts the revisions that it has rolled out.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What an object says of its workload.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) desired: Replicas,
    pub(super) shape: Shape,
    /// The label selector of its pods, as a query has it.
    pub(super) selector: String,
    pub(super) rollout: Rollout,
    /// See [`Observed::revision`](crate::targets::Observed::revision).
    pub(super) revision: Option<String>,
}

/// Why an object cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("its selector is empty or cannot be read, so its pods cannot be counted")]
    Selector,
    #[error("its scale subresource names no selector (labelSelectorPath), so its pods cannot be counted")]
    ScaleSelector,
    #[error("its scale subresource has no spec.replicas")]
    ScaleReplicas,
}

/// The query for what `selector` selects. An empty selector would select every pod of the namespace.
pub(super) fn selector(selector: Option<&LabelSelector>) -> Result<String, Unusable> {
    let selector: Selector = selector.cloned().unwrap_or_default().try_into().map_err(|_| Unusable::Selector)?;
    Some(selector.to_string()).filter(|query| !query.is_empty()).ok_or(Unusable::Selector)
}

/// `replica_sets`: what `selector` selects; those of other owners are left out here.
pub(super) fn deployment(deployment: &Deployment, replica_sets: &[ReplicaSet], selector: String) -> Told {
    let spec = deployment.spec.as_ref();
    let status = deployment.status.as_ref();
    let desired = replicas(spec.and_then(|spec| spec.replicas).or(Some(1)));
    let sets: Vec<_> = replica_sets.iter().filter(|set| owns(deployment, set)).map(Revision::of).collect();
    let observed = observed(deployment.metadata.generation, status.and_then(|status| status.observed_generation))
        && sets.iter().all(|set| set.observed);
    let in_use = sets.iter().filter(|set| set.told.max(set.there) > Replicas::ZERO).count();
    let told = sets.iter().map(|set| set.told).fold(Replicas::ZERO, Replicas::plus);
    // A change that waits for the end of a pause replaces nothing yet; a rollout that was paused half-way has two revisions.
    let paused = spec.and_then(|spec| spec.paused) == Some(true);
    let outdated = !paused && status.is_some_and(|status| status.replicas > status.updated_replicas);
    let rollout = if !observed {
        Rollout::NotObserved
    } else if in_use > 1 || told != desired || outdated {
        // Several revisions have pods, or (Recreate) none has been told yet to make them, or those that live are old.
        Rollout::InProgress
    } else {
        Rollout::Settled
    };
    let shape = deployment_shape(deployment).unwrap_or(Shape::Other);
    let revision = deployment.annotations().get(REVISION).cloned();
    Told { desired, shape, selector, rollout, revision }
}

/// The `ReplicaSet` of one revision of a Deployment.
struct Revision {
    told: Replicas,
    there: Replicas,
    observed: bool,
}

impl Revision {
    fn of(set: &ReplicaSet) -> Self {
        let status = set.status.as_ref();
        Self {
            told: replicas(set.spec.as_ref().and_then(|spec| spec.replicas)),
            there: replicas(status.map(|status| status.replicas)),
            observed: observed(set.metadata.generation, status.and_then(|status| status.observed_generation)),
        }
    }
}

fn owns(deployment: &Deployment, set: &ReplicaSet) -> bool {
    let mut owners = set.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && Some(&owner.uid) == deployment.metadata.uid.as_ref())
}

/// How a Deployment replaces its replicas; `None` when its `maxSurge` is neither a count nor a percentage, which no API server stores.
pub fn deployment_shape(deployment: &Deployment) -> Option<Shape> {
    let strategy = deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
        return Some(Shape::Recreate);
    }
    match strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.max_surge.as_ref()) {
        None => Some(DEPLOYMENT_SHAPE),
        Some(surge) => surge_of(surge).map(|max_surge| Shape::RollingUpdate { max_surge }),
    }
}

fn surge_of(surge: &IntOrString) -> Option<Surge> {
    match surge {
        IntOrString::Int(count) => u32::try_from(*count).ok().map(Surge::Count),
        IntOrString::String(percent) => percent.strip_suffix('%')?.parse().ok().map(Surge::Percent),
    }
}

pub(super) fn stateful_set(set: &StatefulSet) -> Result<Told, Unusable> {
    let spec = set.spec.as_ref();
    let status = set.status.as_ref();
    let desired = replicas(spec.and_then(|spec| spec.replicas).or(Some(1)));
    let strategy = spec.and_then(|spec| spec.update_strategy.as_ref());
    let on_delete = strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete"));
    let partition = strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.partition);
    let revisions =
        status.and_then(|status| Some((status.current_revision.as_ref()?, status.update_revision.as_ref()?)));
    let updated = replicas(status.and_then(|status| status.updated_replicas));
    // With OnDelete people replace the pods, in their own time.
    let rolling = !on_delete
        && revisions.is_some_and(|(current, update)| current != update)
        && updated < desired.minus(replicas(partition));
    let rollout = if !observed(set.metadata.generation, status.and_then(|status| status.observed_generation)) {
        Rollout::NotObserved
    } else if rolling {
        Rollout::InProgress
    } else {
        Rollout::Settled
    };
    let selector = selector(spec.map(|spec| &spec.selector))?;
    // The current one becomes the updated one when every pod has been replaced.
    let revision = revisions.map(|(current, _)| current.clone());
    Ok(Told { desired, shape: Shape::StatefulSet, selector, rollout, revision })
}

/// A kind that we know only by its scale subresource. `scale` was read after `object`.
pub(super) fn other(object: &DynamicObject, scale: &Scale) -> Result<Told, Unusable> {
    let desired = scale.spec.as_ref().and_then(|spec| spec.replicas).ok_or(Unusable::ScaleReplicas)?;
    let status = scale.status.as_ref();
    let selector = status.and_then(|status| status.selector.clone()).filter(|selector| !selector.is_empty());
    let same = scale.metadata.resource_version == object.metadata.resource_version;
    let caught_up = match observed_generation(object) {
        Some(generation) => observed(object.metadata.generation, Some(generation)),
        // Kinds that do not say it have caught up when they have as many replicas as they were told.
        None => status.is_some_and(|status| status.replicas == desired),
    };
    Ok(Told {
        desired: replicas(Some(desired)),
        shape: Shape::Other,
        selector: selector.ok_or(Unusable::ScaleSelector)?,
        rollout: if same && caught_up { Rollout::Settled } else { Rollout::NotObserved },
        revision: None,
    })
}

/// `status.observedGeneration`: a number by convention, a string in Argo Rollouts.
fn observed_generation(object: &DynamicObject) -> Option<i64> {
    let value = object.data.get("status")?.get("observedGeneration")?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// An object without a generation was never changed; one that was never observed says nothing.
fn observed(generation: Option<i64>, observed: Option<i64>) -> bool {
    observed.unwrap_or_default() >= generation.unwrap_or_default()
}

/// Counts are never negative in a stored object.
fn replicas(count: Option<i32>) -> Replicas {
    Replicas(count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
