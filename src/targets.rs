//! What is scaled: a Kubernetes workload through its scale subresource, or an ECS service. Each is observed, and
//! written on condition that it still is what was observed.

mod ecs;
mod errors;
mod scale;

use std::fmt;

use hybridscaler_core::{Replicas, budget::Shape, observation::Workload};

#[cfg(test)]
pub(crate) use self::ecs::{Listed, Modelled};
pub use self::{
    ecs::{EcsTarget, EcsTargets, LONGEST_IN_FLIGHT},
    errors::{TargetError, WriteError},
    scale::{DEPLOYMENT_SHAPE, KubernetesTargets, ScaleTarget, deployment_shape},
};

/// One thing that is scaled.
#[derive(Clone, Debug)]
pub enum Target {
    /// A Kubernetes workload of any kind that has a scale subresource.
    Scale(ScaleTarget),
    /// An ECS service.
    Ecs(EcsTarget),
}

/// What was seen of a target at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its replicas.
    pub workload: Workload,
    /// How it replaces them.
    pub shape: Shape,
    /// What its replicas are made of, by a name that changes with every rollout: once the rollout has settled, all of them are of it.
    /// None for kinds that do not tell.
    pub revision: Option<String>,
    /// What a write is conditional on.
    pub version: Version,
    /// Another autoscaler that scales it: two would undo each other's changes, so only one may write.
    pub rival: Option<Rival>,
    /// What the observation could not tell, for the status.
    pub notes: Vec<Note>,
}

/// Another autoscaler that scales the same target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name:?} scales this target too: {mend}")]
pub struct Rival {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What to do.
    pub mend: String,
}

/// The state of a target that was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// Kubernetes compares it itself, at the write.
    Kubernetes {
        /// `metadata.resourceVersion` of the object.
        resource_version: String,
        /// `metadata.uid` of the object: another object of the same name is not what was observed.
        uid: String,
    },
    /// ECS has no conditional write: the count is read again right before it, which makes a race unlikely, not
    /// impossible.
    Ecs,
}

/// Something that an observation could not tell, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Nobody may tell us whether another autoscaler owns the target.
    OwnersHidden {
        /// The kind that may not be listed.
        kind: &'static str,
        /// What the API server said.
        message: String,
    },
}

impl Target {
    /// Reads the target. What is counted is counted now: no cache is asked.
    pub async fn observe(&self) -> Result<Observed, TargetError> {
        match self {
            Self::Scale(target) => target.observe().await,
            Self::Ecs(target) => target.observe().await,
        }
    }

    /// What still lives of a target that does not exist any more, told by who owned it; `desired` is what may yet be made. `None` for
    /// kinds whose replicas cannot be told without it.
    ///
    /// # Errors
    /// As [`Target::observe`]: then nothing is known.
    pub async fn left_behind(&self) -> Result<Option<Workload>, TargetError> {
        match self {
            Self::Scale(target) => target.left_behind().await,
            Self::Ecs(_) => Ok(None),
        }
    }

    /// Tells the target to run `replicas`, if it still is what was `seen`. Tries once.
    pub async fn write(&self, seen: &Observed, replicas: Replicas) -> Result<(), WriteError> {
        match self {
            Self::Scale(target) => target.write(seen, replicas).await,
            Self::Ecs(target) => target.write(seen, replicas).await,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scale(target) => target.fmt(f),
            Self::Ecs(target) => target.fmt(f),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnersHidden { kind, message } => write!(
                f,
                "cannot tell whether a {kind} scales this target too: {message}; allow the operator to list that kind"
            ),
        }
    }
}
