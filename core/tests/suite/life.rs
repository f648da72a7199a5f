//! One workload over time: a turn looks, decides and writes, as the controller does.

use hybridscaler_core::{
    Decision,
    explanation::Limit,
    history::History,
    look,
    observation::{Observation, Workload},
    policy::Policy,
    reading::Reading,
};
use jiff::Timestamp;

use crate::support::{at, at_rest};

pub(crate) struct Life {
    pub(crate) policy: Policy,
    pub(crate) workload: Workload,
    pub(crate) history: History,
    /// The history as it was last stored.
    pub(crate) stored: History,
    /// Until when each schedule is open.
    pub(crate) schedules: Vec<Option<Timestamp>>,
}

impl Life {
    pub(crate) fn new(policy: Policy, replicas: u32) -> Self {
        let schedules = vec![None; policy.schedules.len()];
        Self {
            policy,
            workload: at_rest(replicas),
            history: crate::support::long_known(),
            stored: History::default(),
            schedules,
        }
    }

    pub(crate) fn look(&mut self, seconds: i64, readings: &[Reading]) -> Decision {
        let seen =
            Observation { workload: self.workload, readings: readings.to_vec(), schedules: self.schedules.clone() };
        look(&self.policy, &seen, &mut self.history, at(seconds))
    }

    /// One turn with readings as old as they are. The outcome is what is desired then, and what limits it.
    pub(crate) fn turn_as_read(&mut self, seconds: i64, readings: &[Reading]) -> (u32, Limit) {
        let decision = self.look(seconds, readings);
        self.history.scaled(&self.workload, decision.replicas, &self.policy, at(seconds));
        self.workload.desired = decision.replicas;
        self.store(seconds);
        (decision.replicas.0, decision.limited_by)
    }

    /// One turn with readings of this moment; everything asked for earlier runs.
    pub(crate) fn turn(&mut self, seconds: i64, readings: &[Reading]) -> (u32, Limit) {
        self.workload = Workload { rollout: self.workload.rollout, ..at_rest(self.workload.desired.0) };
        self.turn_as_read(seconds, &new(seconds, readings))
    }

    /// Stores the history, if a restart without it might matter.
    pub(crate) fn store(&mut self, seconds: i64) {
        if self.history.outgrew(&self.stored) {
            self.stored = self.history.to_store(at(seconds));
        }
    }

    /// Another process takes over with what is stored.
    pub(crate) fn restart(&mut self) {
        self.history = self.stored.clone().resumed();
    }
}

/// The readings as of a moment.
pub(crate) fn new(seconds: i64, readings: &[Reading]) -> Vec<Reading> {
    let of_now = |reading: &Reading| match reading {
        Reading::Known { load, .. } => Reading::Known { load: load.clone(), at: at(seconds) },
        unknown @ Reading::Unknown(_) => unknown.clone(),
    };
    readings.iter().map(of_now).collect()
}
