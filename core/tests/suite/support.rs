//! Policies, workloads and readings in few words.

use hybridscaler_core::{
    Replicas,
    history::History,
    observation::{Observation, Rollout, Workload},
    policy::{Behavior, Enough, Fallback, Mode, Outage, Pace, Policy, Queue, SelectPolicy, Target, Trigger},
    reading::{Load, Reading, Unknown},
};
use jiff::{SignedDuration, Timestamp};

/// 2027-01-15T08:00:00Z, when every test begins.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// So many seconds after [`now`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// A policy with cooldowns of 30 s up and 180 s down and the HPA's tolerance of a tenth.
pub(crate) fn policy(min: u32, max: u32, triggers: &[(&str, Target)]) -> Policy {
    let pace = |seconds| Pace { cooldown: SignedDuration::from_secs(seconds), ..unhurried() };
    let trigger = |(name, target): &(&str, Target)| Trigger {
        name: (*name).into(),
        target: *target,
        activation: matches!(target, Target::Queue(_)).then_some(1),
        stale_after: SignedDuration::from_mins(5),
    };
    Policy {
        min: Replicas(min),
        max: Replicas(max),
        triggers: triggers.iter().map(trigger).collect(),
        behavior: Behavior { scale_up: pace(30), scale_down: pace(180), outage: Outage::Hold },
        idle: None,
        startup: SignedDuration::ZERO,
        schedules: Vec::new(),
        fallback: Fallback::default(),
        mode: Mode::Active,
        pinned: None,
    }
}

/// No rules but the HPA's tolerance of a tenth.
pub(crate) fn unhurried() -> Pace {
    Pace {
        cooldown: SignedDuration::ZERO,
        window: SignedDuration::ZERO,
        tolerance_permille: 100,
        policies: Vec::new(),
        select: SelectPolicy::Max,
    }
}

/// So many messages a replica.
pub(crate) fn messages(enough: u32) -> Target {
    Target::Queue(Queue { enough: Enough::Messages(enough), concurrency: None, message_groups: None })
}

/// The history of a workload that was first looked at long ago, and has not changed since.
pub(crate) fn long_known() -> History {
    History { since: Some(at(-100_000)), ..History::default() }
}

/// As many replicas running as desired, nothing on its way.
pub(crate) fn at_rest(replicas: u32) -> Workload {
    Workload {
        desired: Replicas(replicas),
        running: Replicas(replicas),
        starting: Replicas::ZERO,
        terminating: Replicas::ZERO,
        rollout: Rollout::Settled,
    }
}

/// What was seen of one target.
pub(crate) fn seen(workload: Workload, readings: &[Reading]) -> Observation {
    Observation { workload, readings: readings.to_vec(), schedules: Vec::new() }
}

/// A queue read three seconds ago.
pub(crate) fn queue_of(visible: u64, in_flight: u64, delayed: u64) -> Reading {
    Reading::Known { load: Load::Queue { visible, in_flight, delayed }, at: at(-3) }
}

/// A queue whose messages all wait.
pub(crate) fn queue(visible: u64) -> Reading {
    queue_of(visible, 0, 0)
}

/// A utilization of a minute that ended 40 seconds ago.
pub(crate) fn utilization(percent: f64) -> Reading {
    Reading::Known { load: Load::Utilization { percent }, at: at(-40) }
}

/// A signal that could not be read.
pub(crate) fn unknown(why: Unknown) -> Reading {
    Reading::unknown(why, "the source did not answer")
}
