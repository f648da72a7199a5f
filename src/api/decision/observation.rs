//! What is seen of a target and its signals, by the names that people gave.

use std::collections::BTreeMap;

use hybridscaler_core::{
    Replicas,
    observation::{self, Rollout, Workload},
    policy::Policy,
};
use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::reading::Reading;
use crate::api::{
    formulas::{Formulas, Readings},
    spec_error::SpecError,
};

/// What is seen of a target and its signals.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The target's replicas.
    pub replicas: ReplicasSeen,

    /// What each trigger's signal said, by the trigger's name. A trigger that is left out has not been read yet; that of a formula is
    /// computed from the others.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub readings: BTreeMap<String, Reading>,

    /// Until when each schedule is open, by its name; one that is left out is closed. Default: as the scaler's schedules are at `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub open_schedules: Option<BTreeMap<String, Timestamp>>,
}

/// The replicas of a target.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ReplicasSeen {
    /// What the target is told to run: `spec.replicas` of a scale, `desiredCount` of an ECS service.
    pub desired: Replicas,

    /// Replicas that carry load: ready pods, tasks in RUNNING. Default: `desired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Replicas>,

    /// Replicas on their way up: pods not ready, tasks before RUNNING. Default 0.
    #[serde(default)]
    pub starting: Replicas,

    /// Replicas on their way out that still live. Default 0.
    #[serde(default)]
    pub terminating: Replicas,

    /// Whether the target's own controller has caught up. Default `settled`.
    #[serde(default = "settled")]
    pub rollout: Rollout,
}

fn settled() -> Rollout {
    Rollout::Settled
}

impl Observation {
    /// The same at `now`, in the core's terms: by the policy's order, with what the `formulas` come to. `windows` says until when each
    /// schedule is open, if this does not.
    ///
    /// # Errors
    /// A reading that is not one answer, or has a quantity that cannot be read; whatever `windows` fails with.
    pub fn to_core(
        &self,
        policy: &Policy,
        formulas: &Formulas,
        now: Timestamp,
        windows: impl FnOnce() -> Result<Vec<Option<Timestamp>>, SpecError>,
    ) -> Result<observation::Observation, SpecError> {
        let Self { replicas, readings, open_schedules } = self;
        let schedules = match open_schedules {
            None => windows()?,
            Some(open) => policy.schedules.iter().map(|schedule| open.get(&*schedule.name).copied()).collect(),
        };
        let read = |(name, reading): (&String, &Reading)| {
            let read = reading.to_core(now).map_err(|error| error.within(&format!("observation.readings.{name}")));
            Ok((name.clone(), read?))
        };
        let read: Readings = readings.iter().map(read).collect::<Result<_, SpecError>>()?;
        let workload = replicas.to_core();
        let readings = formulas.readings(&read, policy, &workload, now);
        Ok(observation::Observation { workload, readings, schedules })
    }

    /// What was seen by a scaler with this policy, whose signals said what was `read`.
    pub fn of(seen: &observation::Observation, read: &Readings, policy: &Policy) -> Self {
        let observation::Observation { workload, readings: _, schedules } = seen;
        let open = policy.schedules.iter().zip(schedules);
        Self {
            replicas: ReplicasSeen::of(workload),
            readings: read.iter().map(|(name, reading)| (name.clone(), Reading::of(reading))).collect(),
            open_schedules: Some(open.filter_map(|(own, until)| Some((own.name.to_string(), (*until)?))).collect()),
        }
    }
}

impl ReplicasSeen {
    fn to_core(self) -> Workload {
        let Self { desired, running, starting, terminating, rollout } = self;
        Workload { desired, running: running.unwrap_or(desired), starting, terminating, rollout }
    }

    fn of(workload: &Workload) -> Self {
        let Workload { desired, running, starting, terminating, rollout } = *workload;
        Self { desired, running: Some(running), starting, terminating, rollout }
    }
}
