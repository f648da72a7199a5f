//! Whole lives of a workload: poll after poll, what is decided is done, and done at once.

use std::sync::Arc;

use hybridscaler_core::{
    Replicas,
    history::History,
    look,
    observation::{Observation, Workload},
    policy::{Mode, Policy, Target},
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Unread, Usage},
};
use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*};

use super::generate;
use crate::support::{at, at_rest};

/// Seconds between two looks.
pub(super) const POLL: i64 = 15;

/// A load that does not care how many replicas there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Queue {
        visible: u64,
        in_flight: u64,
    },
    /// Thousandths of a CPU, spread over what runs; a replica reserves 500.
    Mean(u64),
    /// The same, pod by pod.
    Pods(u64),
    /// An amount that all replicas share.
    Value(u64),
    Lost,
}

impl Work {
    /// What a poll reads of it at a time, with so many replicas.
    pub(super) fn read(self, replicas: u32, second: i64) -> Reading {
        let load = match self {
            Self::Queue { visible, in_flight } => Load::Queue { visible, in_flight, delayed: 0 },
            Self::Mean(_) | Self::Pods(_) if replicas == 0 => return Reading::unknown(Unknown::Empty, "nothing runs"),
            #[expect(clippy::cast_precision_loss, reason = "small")]
            Self::Mean(milli) => Load::Utilization { percent: milli as f64 / 5.0 / f64::from(replicas) },
            Self::Pods(milli) => {
                let (at, window) = (at(second), SignedDuration::from_secs(POLL));
                let pod = Pod {
                    phase: Phase::Running,
                    deleting: false,
                    started: Some(at - SignedDuration::from_hours(1)),
                    ready: Some(Ready { ready: true, since: at - SignedDuration::from_hours(1) }),
                    request_milli: Some(500),
                    usage: Some(Usage { milli: milli / u64::from(replicas), at, window }),
                };
                Load::Pods { resource: Resource::Cpu, pods: vec![pod; replicas as usize].into() }
            }
            Self::Value(milli) => Load::Value { milli },
            Self::Lost => {
                let failures = u32::try_from(second / POLL).unwrap() + 1;
                return Reading::Unknown(Unread { since: Some(at(0)), failures, ..Unread::new(Unknown::NotFound, "") });
            }
        };
        Reading::Known { load, at: at(second) }
    }
}

fn work(target: Target) -> BoxedStrategy<Work> {
    let work = match target {
        Target::Queue(_) => prop_oneof![
            4 => (0..4_000_u64, 0..2_000_u64).prop_map(|(visible, in_flight)| Work::Queue { visible, in_flight }),
            1 => Just(Work::Queue { visible: 0, in_flight: 0 }),
        ]
        .boxed(),
        Target::Utilization(_) => {
            prop_oneof![(0..20_000_u64).prop_map(Work::Mean), (0..20_000_u64).prop_map(Work::Pods)].boxed()
        }
        Target::AverageValue { .. } => {
            prop_oneof![(0..20_000_u64).prop_map(Work::Pods), (0..40_000_u64).prop_map(Work::Value)].boxed()
        }
        Target::Value { .. } => (0..400_000_u64).prop_map(Work::Value).boxed(),
    };
    prop_oneof![9 => work, 1 => Just(Work::Lost)].boxed()
}

/// A policy without a person's word, and a work for each of its triggers, as often changed as `times` says.
pub(super) fn lived(times: usize) -> BoxedStrategy<(Policy, Vec<Vec<Work>>)> {
    let signals = vec(
        (generate::target(), proptest::option::weighted(0.8, 1..50_u64))
            .prop_flat_map(move |(target, activation)| (Just((target, activation)), vec(work(target), times))),
        1..4,
    );
    (generate::policy(), signals, 0..5_u32, 5..60_u32)
        .prop_map(|(policy, signals, min, max)| {
            let (targets, works): (Vec<_>, _) = signals.into_iter().unzip();
            let trigger =
                |(i, (target, activation)): (usize, (Target, Option<u64>))| hybridscaler_core::policy::Trigger {
                    name: format!("t{i}").into(),
                    target,
                    activation: activation.filter(|_| !matches!(target, Target::Utilization(_))),
                    stale_after: SignedDuration::from_mins(5),
                };
            let triggers = targets.into_iter().enumerate().map(trigger).collect();
            let (min, max) = (Replicas(min), Replicas(max));
            let idle = policy.idle.filter(|idle| *idle < min);
            (Policy { min, max, idle, triggers, mode: Mode::Active, pinned: None, ..policy }, works)
        })
        .boxed()
}

/// A process and the workload it looks after.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) policy: Arc<Policy>,
    pub(super) history: History,
    pub(super) workload: Workload,
}

impl Life {
    pub(super) fn new(policy: Policy, replicas: u32) -> Self {
        Self { policy: Arc::new(policy), history: History::default(), workload: at_rest(replicas) }
    }

    /// What one look decides; it is done at once.
    pub(super) fn poll(&mut self, work: &[Work], second: i64) -> Replicas {
        let Self { policy, history, workload } = self;
        let readings = work.iter().map(|work| work.read(workload.desired.0, second)).collect();
        let seen = Observation { workload: *workload, readings, schedules: Vec::new() };
        let replicas = look(policy, &seen, history, at(second)).replicas;
        history.scaled(workload, replicas, policy, at(second));
        *workload = at_rest(replicas.0);
        replicas
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// No flap: on a load that stays, a number once left is never taken again. The bounds are finite, so it comes to rest.
    #[test]
    fn on_a_constant_load_no_number_comes_back((policy, works) in lived(1), replicas in 1..60_u32) {
        let works: Vec<_> = works.iter().map(|work| work[0]).collect();
        let mut life = Life::new(policy, replicas);
        let mut numbers = vec![replicas];
        for look in 0..160 {
            let now = life.poll(&works, look * POLL).0;
            if numbers.last() != Some(&now) {
                prop_assert!(!numbers.contains(&now), "{now} again, after {numbers:?}");
                numbers.push(now);
            }
        }
    }
}
