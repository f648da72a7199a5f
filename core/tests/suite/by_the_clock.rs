//! Where no trigger can tell work from its absence, the schedules that start the replicas do.

use hybridscaler_core::{
    Replicas,
    explanation::Limit,
    policy::{Schedule, Target},
    reading::Unknown,
};

use crate::{
    life::Life,
    support::{at, messages, policy, queue, unhurried, unknown, utilization},
};

/// A CPU alone, and one schedule.
fn cpu(min: u32, [floor, least]: [Option<u32>; 2]) -> Life {
    let mut policy = policy(min, 50, &[("cpu", Target::Utilization(65))]);
    policy.behavior.scale_up = unhurried();
    policy.behavior.scale_down = unhurried();
    let [floor, least] = [floor, least].map(|number| number.map(Replicas));
    policy.schedules = vec![Schedule { name: "office".into(), floor, min: least, max: None }];
    Life::new(policy, 0)
}

#[test]
fn the_last_replica_goes_a_minute_after_the_window_and_the_next_window_starts_the_first() {
    for asks in [[Some(5), None], [None, Some(5)]] {
        let mut life = cpu(0, asks);
        life.workload.desired = Replicas(5);
        for _day in 0..2 {
            life.schedules = vec![Some(at(600))];
            assert_eq!(life.turn(0, &[utilization(1.0)]).0, 5, "{asks:?}");
            assert_eq!(life.turn(585, &[utilization(1.0)]).0, 5, "{asks:?}");
            life.schedules = vec![None];
            assert_eq!(life.turn(600, &[utilization(1.0)]).0, 1, "{asks:?}: two looks a minute apart");
            assert_eq!(life.turn(659, &[utilization(1.0)]).0, 1, "{asks:?}");
            assert_eq!(life.turn(660, &[utilization(1.0)]), (0, Limit::None), "{asks:?}");
            assert_eq!(life.turn(675, &[unknown(Unknown::Empty)]).0, 0, "{asks:?}: nothing to measure wakes nothing");
        }
    }
}

#[test]
fn a_window_with_a_minimum_of_zero_brings_it_there_and_its_end_brings_it_back() {
    let mut life = cpu(2, [None, Some(0)]);
    life.workload.desired = Replicas(2);
    life.schedules = vec![Some(at(600))];
    assert_eq!(life.turn(0, &[utilization(1.0)]).0, 1);
    assert_eq!(life.turn(60, &[utilization(1.0)]).0, 0);
    life.schedules = vec![None];
    assert_eq!(life.turn(600, &[unknown(Unknown::Empty)]), (2, Limit::MinReplicas));
}

#[test]
fn load_that_needs_more_than_one_replica_or_is_not_known_keeps_it_from_zero() {
    let mut life = cpu(0, [Some(5), None]);
    life.workload.desired = Replicas(2);
    for seconds in [0, 60, 120] {
        assert_eq!(life.turn(seconds, &[utilization(64.0)]).0, 2, "after {seconds} s");
    }
    assert_eq!(life.turn(180, &[unknown(Unknown::Throttled)]), (2, Limit::UnknownSignal));
    assert_eq!(life.turn(195, &[utilization(1.0)]).0, 0);
}

#[test]
fn a_schedule_that_starts_nothing_is_no_evidence() {
    for asks in [[None, None], [None, Some(0)]] {
        let mut life = cpu(0, asks);
        life.workload.desired = Replicas(1);
        for seconds in [0, 60, 600] {
            assert_eq!(life.turn(seconds, &[utilization(1.0)]).0, 1, "{asks:?} after {seconds} s");
        }
    }
}

#[test]
fn a_trigger_that_can_tell_keeps_the_word() {
    let mut life = cpu(0, [Some(5), None]);
    life.policy.triggers.extend(policy(0, 50, &[("backlog", messages(60))]).triggers);
    life.workload.desired = Replicas(1);
    for seconds in [0, 60, 120] {
        assert_eq!(life.turn(seconds, &[utilization(1.0), queue(1)]).0, 1, "after {seconds} s");
    }
}
