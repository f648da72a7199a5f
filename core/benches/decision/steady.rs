//! The usual look: three triggers, a full hour of history behind it, and nothing changes.

use hybridscaler_core::{
    Decision, Replicas,
    history::History,
    look,
    observation::{Observation, Rollout, Workload},
    policy::{
        Behavior, Enough, Fallback, Mode, Outage, Pace, Policy, Queue, RateKind, RatePolicy, SelectPolicy, Target,
        Trigger,
    },
    reading::{Load, Reading},
};
use jiff::{SignedDuration, Timestamp};

/// Between two looks of the hour.
const POLL: SignedDuration = SignedDuration::from_secs(15);

/// Between two steady looks: so short that thousands of them find the hour as it was.
const INSTANT: SignedDuration = SignedDuration::from_millis(1);

/// A workload and all that is known of it.
#[derive(Clone)]
pub(crate) struct Steady {
    policy: Policy,
    seen: Observation,
    pub(crate) history: History,
    now: Timestamp,
}

impl Steady {
    /// After an hour in which all that is remembered has come together: the load swings, less and less, so that both stabilization
    /// windows hold as many runs as they can, and somebody else changes the replicas every minute, which counts for the rate policies.
    pub(crate) fn after_an_hour() -> Self {
        let workload = Workload {
            desired: Replicas(10),
            running: Replicas(10),
            starting: Replicas::ZERO,
            terminating: Replicas::ZERO,
            rollout: Rollout::Settled,
        };
        let seen = Observation { workload, readings: Vec::new(), schedules: Vec::new() };
        let mut steady = Self { policy: policy(), seen, history: History::default(), now: Timestamp::UNIX_EPOCH };
        for poll in 0..240_u64 {
            let swing = (240 - poll) * 2;
            let visible = if poll / 5 % 2 == 0 { 600 + swing } else { 600 - swing };
            let replicas = Replicas(if poll / 4 % 2 == 0 { 10 } else { 11 });
            (steady.seen.workload.desired, steady.seen.workload.running) = (replicas, replicas);
            steady.read(visible, POLL);
            let _ = steady.decide();
        }
        steady
    }

    /// One more look, at readings that are new and say the same.
    pub(crate) fn look(&mut self) -> Decision {
        self.now += INSTANT;
        for reading in &mut self.seen.readings {
            if let Reading::Known { at, .. } = reading {
                *at = self.now;
            }
        }
        self.decide()
    }

    fn read(&mut self, visible: u64, later: SignedDuration) {
        self.now += later;
        let loads = [
            Load::Queue { visible, in_flight: 40, delayed: 0 },
            Load::Utilization { percent: 62.5 },
            Load::Value { milli: 950_000 },
        ];
        self.seen.readings = loads.map(|load| Reading::Known { load, at: self.now }).into();
    }

    fn decide(&mut self) -> Decision {
        look(&self.policy, &self.seen, &mut self.history, self.now)
    }
}

fn policy() -> Policy {
    let rate = |kind, value| RatePolicy { kind, value, period: SignedDuration::from_mins(30) };
    let pace = Pace {
        cooldown: SignedDuration::from_mins(5),
        window: SignedDuration::from_hours(1),
        tolerance_permille: 100,
        policies: vec![rate(RateKind::Pods, 4), rate(RateKind::Percent, 100)],
        select: SelectPolicy::Max,
    };
    let enough = Enough::Latency { target: 15_000, per_message: 250 };
    let queue = Queue { enough, concurrency: Some(1), message_groups: None };
    let trigger = |name: &str, target, activation| Trigger {
        name: name.into(),
        target,
        activation,
        stale_after: SignedDuration::from_mins(5),
    };
    Policy {
        min: Replicas(0),
        max: Replicas(50),
        idle: None,
        startup: SignedDuration::from_secs(40),
        triggers: vec![
            trigger("backlog", Target::Queue(queue), Some(1)),
            trigger("cpu", Target::Utilization(65), None),
            trigger("requests", Target::AverageValue { milli: 100_000 }, Some(1_000)),
        ],
        schedules: Vec::new(),
        behavior: Behavior { scale_up: pace.clone(), scale_down: pace, outage: Outage::Hold },
        fallback: Fallback::default(),
        mode: Mode::Active,
        pinned: None,
    }
}
