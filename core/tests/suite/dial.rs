//! A scaler whose signal is a dial: it asks for exactly the number of replicas that it is set to, so that what comes after demand can be
//! looked at alone.

use hybridscaler_core::{
    Replicas,
    observation::{Observation, Workload},
    policy::{Behavior, Outage, Pace, Policy, Target},
    reading::{Load, Reading},
};
use jiff::{SignedDuration, Timestamp};

use crate::support::{at_rest, policy, unhurried};

/// A policy that follows a dial.
pub(crate) fn dialled(min: u32, max: u32, scale_up: Pace, scale_down: Pace) -> Policy {
    let mut policy = policy(min, max, &[("dial", Target::AverageValue { milli: 1000 })]);
    let exact = |pace| Pace { tolerance_permille: 0, ..pace };
    policy.behavior = Behavior { scale_up: exact(scale_up), scale_down: exact(scale_down), outage: Outage::Hold };
    policy.triggers[0].activation = Some(1);
    policy
}

/// The dial set to a number, where so many replicas are desired and run.
pub(crate) fn dial(current: u32, wanted: u32, now: Timestamp) -> Observation {
    turned(at_rest(current), wanted, now)
}

/// The dial set to a number, for this workload.
pub(crate) fn turned(workload: Workload, wanted: u32, now: Timestamp) -> Observation {
    let load = Load::Value { milli: u64::from(wanted) * 1000 };
    Observation { workload, readings: vec![Reading::Known { load, at: now }], schedules: Vec::new() }
}

/// No cooldown, this window, no rates.
pub(crate) fn window(seconds: i64) -> Pace {
    Pace { window: SignedDuration::from_secs(seconds), ..unhurried() }
}

/// The most replicas that a policy can allow.
pub(crate) const MOST: u32 = Replicas::MOST.0;
