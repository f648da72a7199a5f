//! The bounds in force: the policy's own, or those of open schedules.

use alloc::sync::Arc;

use crate::{
    observation::Observation,
    policy::{Policy, Schedule},
    units::Replicas,
};

/// The bounds in force, and the schedules they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The fewest replicas; with 0 at least one is kept while there is work.
    pub(crate) min: Replicas,
    /// The most replicas; counts more than `min`.
    pub(crate) max: Replicas,
    /// The replicas of a workload without work: the idle number, or the minimum.
    pub(crate) rest: Replicas,
    /// The schedule that sets `min`.
    pub(crate) min_of: Option<Arc<str>>,
    /// The schedule that sets `max`.
    pub(crate) max_of: Option<Arc<str>>,
}

impl Bounds {
    /// An open schedule's bounds stand in place of the policy's, as if they were written there; of several the largest minimum and
    /// the smallest maximum.
    pub(crate) fn of(policy: &Policy, seen: &Observation) -> Self {
        let open = || open(policy, seen);
        let min = open().filter_map(|schedule| Some((schedule.min?, schedule))).max_by_key(|(min, _)| *min);
        let max = open().filter_map(|schedule| Some((schedule.max?, schedule))).min_by_key(|(max, _)| *max);
        let (most, max_of) = max.map_or((policy.max, None), |(max, schedule)| (max, Some(Arc::clone(&schedule.name))));
        let (least, min_of) = min.map_or((policy.min, None), |(min, schedule)| (min, Some(Arc::clone(&schedule.name))));
        Self { min: least, max: most, rest: policy.idle.unwrap_or(least).min(least), min_of, max_of }
    }

    /// The fewest replicas of a workload with work.
    pub(crate) fn work(&self) -> Replicas {
        self.min.max(Replicas(1))
    }

    /// Whether there are fewer replicas for a workload without work than for one with it.
    pub(crate) fn may_rest(&self) -> bool {
        self.rest < self.work()
    }
}

/// The schedules whose windows are open.
pub(crate) fn open<'a>(policy: &'a Policy, seen: &'a Observation) -> impl Iterator<Item = &'a Schedule> {
    policy.schedules.iter().zip(&seen.schedules).filter(|(_, until)| until.is_some()).map(|(schedule, _)| schedule)
}
