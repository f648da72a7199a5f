//! From zero to the need in one write, and down to zero on evidence alone, at the pace of any other step.

use hybridscaler_core::{
    Replicas,
    demand::Winner,
    explanation::Limit,
    policy::{FallbackBehavior, Policy, RateKind, RatePolicy, Schedule, Target},
    reading::{Reading, Unknown, Unread},
};
use jiff::SignedDuration;

use crate::{
    life::Life,
    support::{at, messages, policy, queue, queue_of, unhurried, unknown, utilization},
};

/// 60 messages a replica, none to 50 replicas, no rule of pace.
fn to_zero() -> Policy {
    let mut policy = policy(0, 50, &[("backlog", messages(60))]);
    policy.behavior.scale_up = unhurried();
    policy.behavior.scale_down = unhurried();
    policy
}

fn with_cpu() -> Policy {
    let cpu = policy(0, 50, &[("cpu", Target::Utilization(65))]).triggers;
    let mut policy = to_zero();
    policy.triggers.extend(cpu);
    policy
}

fn idling(idle: u32, min: u32) -> Policy {
    Policy { idle: Some(Replicas(idle)), min: Replicas(min), ..to_zero() }
}

const EMPTY: [u64; 3] = [0, 0, 0];

fn read([visible, in_flight, delayed]: [u64; 3]) -> [Reading; 1] {
    [queue_of(visible, in_flight, delayed)]
}

#[test]
fn from_zero_it_goes_straight_to_the_need_in_one_write() {
    assert_eq!(Life::new(to_zero(), 0).turn(0, &[queue(1_440)]), (24, Limit::None));
}

#[test]
fn from_zero_no_cooldown_of_the_way_down_holds_it_back() {
    let mut policy = to_zero();
    policy.behavior.scale_down.cooldown = SignedDuration::from_mins(30);
    let mut life = Life::new(policy, 1);
    life.turn(0, &read(EMPTY));
    assert_eq!(life.turn(60, &read(EMPTY)).0, 0);
    assert_eq!(life.turn(75, &[queue(600)]), (10, Limit::None));
}

#[test]
fn at_zero_it_wakes_at_the_activation_threshold_and_not_below() {
    let mut policy = to_zero();
    policy.triggers[0].activation = Some(5);
    let mut life = Life::new(policy, 0);
    assert_eq!(life.turn(0, &[queue(4)]).0, 0);
    assert_eq!(life.turn(15, &[queue(5)]).0, 1);
}

#[test]
fn a_value_wakes_it_at_its_threshold() {
    let mut policy = policy(0, 50, &[("requests", Target::AverageValue { milli: 10_000 })]);
    policy.triggers[0].activation = Some(1);
    let requests = |milli| [Reading::Known { load: hybridscaler_core::reading::Load::Value { milli }, at: at(0) }];
    let mut life = Life::new(policy, 0);
    assert_eq!(life.turn(0, &requests(0)).0, 0);
    assert_eq!(life.turn(15, &requests(1)).0, 1);
}

#[test]
fn zero_needs_two_empty_readings_a_minute_apart() {
    let mut life = Life::new(to_zero(), 3);
    assert_eq!(life.turn(0, &read(EMPTY)), (1, Limit::None));
    assert_eq!(life.turn(59, &read(EMPTY)), (1, Limit::None));
    assert_eq!(life.turn(60, &read(EMPTY)), (0, Limit::None));
}

#[test]
fn one_reading_looked_at_for_long_is_one_reading() {
    let mut life = Life::new(to_zero(), 1);
    let once = [Reading::Known {
        load: hybridscaler_core::reading::Load::Queue { visible: 0, in_flight: 0, delayed: 0 },
        at: at(0),
    }];
    for seconds in [0, 60, 120, 300] {
        assert_eq!(life.turn_as_read(seconds, &once).0, 1, "after {seconds} s");
    }
}

#[test]
fn one_reading_of_a_source_whose_clock_is_ahead_is_one_reading() {
    let mut life = Life::new(to_zero(), 1);
    let ahead = [Reading::Known {
        load: hybridscaler_core::reading::Load::Queue { visible: 0, in_flight: 0, delayed: 0 },
        at: at(60),
    }];
    for seconds in [0, 30, 60, 120] {
        assert_eq!(life.turn_as_read(seconds, &ahead).0, 1, "after {seconds} s");
    }
}

#[test]
fn messages_in_flight_or_delayed_are_work() {
    for busy in [[0, 1, 0], [0, 0, 1], [1, 0, 0]] {
        let mut life = Life::new(to_zero(), 1);
        for seconds in [0, 60, 120, 600] {
            assert_eq!(life.turn(seconds, &read(busy)).0, 1, "{busy:?} after {seconds} s");
        }
    }
}

#[test]
fn one_reading_that_says_otherwise_begins_the_minute_anew() {
    for between in [queue(1), queue_of(0, 1, 0), queue_of(0, 0, 1), unknown(Unknown::Throttled)] {
        let mut life = Life::new(to_zero(), 1);
        life.turn(0, &read(EMPTY));
        life.turn(30, std::slice::from_ref(&between));
        assert_eq!(life.turn(45, &read(EMPTY)).0, 1, "{between:?}");
        assert_eq!(life.turn(104, &read(EMPTY)).0, 1, "{between:?}");
        assert_eq!(life.turn(105, &read(EMPTY)).0, 0, "{between:?}");
    }
}

#[test]
fn every_trigger_gives_two_readings_whatever_their_ages() {
    let mut policy = to_zero();
    let other = crate::support::policy(0, 50, &[("other", messages(60))]).triggers;
    policy.triggers.extend(other);
    let empty = |seconds| Reading::Known {
        load: hybridscaler_core::reading::Load::Queue { visible: 0, in_flight: 0, delayed: 0 },
        at: at(seconds),
    };
    let mut life = Life::new(policy, 1);
    assert_eq!(life.turn_as_read(0, &[empty(0), empty(-200)]).0, 1);
    assert_eq!(life.turn_as_read(60, &[empty(60), empty(-200)]).0, 1, "the other was read once");
    assert_eq!(life.turn_as_read(90, &[empty(90), empty(59)]).0, 1, "the other's newest is of a second too early");
    assert_eq!(life.turn_as_read(91, &[empty(90), empty(91)]).0, 0);
}

#[test]
fn a_restart_begins_the_minute_anew() {
    let mut life = Life::new(to_zero(), 1);
    life.turn(0, &read(EMPTY));
    life.restart();
    assert_eq!(life.turn(70, &read(EMPTY)).0, 1);
    assert_eq!(life.turn(130, &read(EMPTY)).0, 0);
}

#[test]
fn a_clock_that_was_set_back_begins_the_minute_anew() {
    let mut life = Life::new(to_zero(), 1);
    life.turn(0, &read(EMPTY));
    assert_eq!(life.turn(-3_600, &read(EMPTY)).0, 1);
    assert_eq!(life.turn(-3_541, &read(EMPTY)).0, 1);
    assert_eq!(life.turn(-3_540, &read(EMPTY)).0, 0);
}

#[test]
fn an_unknown_signal_is_no_evidence_beside_an_empty_one() {
    let mut life = Life::new(with_cpu(), 1);
    for seconds in [0, 60, 600] {
        let outcome = life.turn(seconds, &[queue(0), unknown(Unknown::Empty)]);
        assert_eq!(outcome.0, 1, "after {seconds} s");
    }
}

#[test]
fn a_busy_cpu_keeps_it_from_zero_and_a_quiet_one_does_not() {
    let mut life = Life::new(with_cpu(), 4);
    for seconds in [0, 60, 120] {
        assert_eq!(life.turn(seconds, &[queue(0), utilization(65.0)]).0, 4, "after {seconds} s");
    }
    assert_eq!(life.turn(180, &[queue(0), utilization(1.0)]).0, 0);
}

#[test]
fn cpu_alone_never_reaches_zero() {
    let mut policy = with_cpu();
    policy.triggers.remove(0);
    let mut life = Life::new(policy, 1);
    for seconds in [0, 60, 600] {
        assert_eq!(life.turn(seconds, &[utilization(0.0)]).0, 1, "after {seconds} s");
    }
}

#[test]
fn idle_replicas_may_be_any_number() {
    let mut life = Life::new(idling(3, 10), 20);
    assert_eq!(life.turn(0, &read(EMPTY)), (10, Limit::None));
    assert_eq!(life.turn(60, &read(EMPTY)), (3, Limit::None));
    assert_eq!(life.turn(75, &read(EMPTY)), (3, Limit::None));
    assert_eq!(life.turn(90, &[queue(1)]), (10, Limit::None), "work wakes it to the fewest it works with");
    let mut life = Life::new(idling(3, 10), 3);
    assert_eq!(life.turn(0, &[queue(1_200)]), (20, Limit::None), "and straight to what it needs");
}

#[test]
fn the_way_to_zero_keeps_the_pace_of_every_other_step() {
    let mut policy = to_zero();
    policy.behavior.scale_down.policies =
        vec![RatePolicy { kind: RateKind::Pods, value: 2, period: SignedDuration::from_secs(60) }];
    let mut life = Life::new(policy, 5);
    assert_eq!(life.turn(0, &read(EMPTY)), (3, Limit::ScaleDownLimit));
    assert_eq!(life.turn(60, &read(EMPTY)), (1, Limit::ScaleDownLimit));
    assert_eq!(life.turn(119, &read(EMPTY)), (1, Limit::ScaleDownLimit));
    assert_eq!(life.turn(120, &read(EMPTY)), (0, Limit::None));
}

#[test]
fn windows_and_cooldowns_hold_the_last_replica_as_any_other() {
    let mut policy = to_zero();
    policy.behavior.scale_down.window = SignedDuration::from_mins(5);
    let mut life = Life::new(policy, 1);
    assert_eq!(life.turn(0, &[queue(60)]).0, 1);
    assert_eq!(life.turn(10, &read(EMPTY)).0, 1);
    for seconds in [70, 309] {
        assert_eq!(life.turn(seconds, &read(EMPTY)), (1, Limit::ScaleDownStabilized), "after {seconds} s");
    }
    assert_eq!(life.turn(310, &read(EMPTY)), (0, Limit::None));

    let mut policy = to_zero();
    policy.behavior.scale_down.cooldown = SignedDuration::from_mins(5);
    let mut life = Life::new(policy, 9);
    assert_eq!(life.turn(0, &read(EMPTY)).0, 1);
    assert_eq!(life.turn(15, &read(EMPTY)).0, 1);
    assert_eq!(life.turn(314, &read(EMPTY)), (1, Limit::ScaleDownCooldown));
    assert_eq!(life.turn(315, &read(EMPTY)), (0, Limit::None));
}

#[test]
fn zero_by_hand_stays_where_the_policy_would_never_go_there() {
    let mut life = Life::new(Policy { min: Replicas(1), ..to_zero() }, 5);
    life.turn(0, &[queue(300)]);
    life.workload.desired = Replicas::ZERO;
    assert_eq!(life.turn(15, &[queue(300)]), (0, Limit::PausedByHand));
    life.restart();
    assert_eq!(life.turn(600, &[queue(300)]), (0, Limit::PausedByHand));
    life.workload.desired = Replicas(1);
    assert_eq!(life.turn(615, &[queue(300)]), (5, Limit::None));
}

#[test]
fn zero_that_we_went_to_is_no_pause_once_the_policy_wants_more() {
    let mut life = Life::new(to_zero(), 1);
    life.turn(0, &read(EMPTY));
    assert_eq!(life.turn(60, &read(EMPTY)).0, 0);
    life.policy.min = Replicas(2);
    assert_eq!(life.turn(75, &read(EMPTY)), (2, Limit::MinReplicas));
    life.workload.desired = Replicas::ZERO;
    assert_eq!(life.turn(90, &read(EMPTY)), (0, Limit::PausedByHand), "this time a person did it");
}

#[test]
fn a_schedule_may_bring_it_to_zero_and_its_end_brings_it_back() {
    let mut policy = Policy { min: Replicas(2), ..to_zero() };
    policy.schedules = vec![Schedule { name: "night".into(), floor: None, min: Some(Replicas::ZERO), max: None }];
    let mut life = Life::new(policy, 2);
    life.schedules = vec![Some(at(120))];
    assert_eq!(life.turn(0, &read(EMPTY)).0, 1, "no evidence yet");
    assert_eq!(life.turn(60, &read(EMPTY)).0, 0);
    assert_eq!(life.turn(75, &[queue(600)]).0, 10, "work wakes it at night too");
    life.turn(90, &read(EMPTY));
    assert_eq!(life.turn(150, &read(EMPTY)).0, 0);
    life.schedules = vec![None];
    assert_eq!(life.turn(165, &read(EMPTY)), (2, Limit::MinReplicas));
}

#[test]
fn no_fallback_goes_to_zero_and_it_says_why() {
    let mut policy = to_zero();
    policy.fallback.behavior = FallbackBehavior::Static;
    let unread = Unread { since: Some(at(-600)), failures: 40, ..Unread::new(Unknown::Unreachable, "no answer") };
    let decision = Life::new(policy, 5).look(0, &[Reading::Unknown(unread)]);
    assert_eq!((decision.replicas, decision.limited_by), (Replicas(1), Limit::MinReplicas));
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Fallback { since: at(-600) }));
    assert_eq!(
        decision.explanation.headline().to_string(),
        "5 -> 1: fallback to 0: no signal could be read since 2027-01-15T07:50:00Z; 1 is kept until nothing is to be done"
    );
}

#[test]
fn an_idle_number_that_was_raised_is_named_as_the_bound() {
    let mut life = Life::new(idling(3, 10), 1);
    let decision = life.look(0, &read(EMPTY));
    assert_eq!((decision.replicas, decision.limited_by), (Replicas(3), Limit::MinReplicas));
    let headline = decision.explanation.headline().to_string();
    assert!(headline.ends_with("; idleReplicas is 3"), "{headline}");
}

#[test]
fn at_zero_a_percentage_of_nothing_asks_for_nothing_and_is_read() {
    let decision = Life::new(with_cpu(), 0).look(0, &[queue(0), utilization(0.0)]);
    assert_eq!((decision.replicas, decision.explanation.demand.any_unknown()), (Replicas::ZERO, false));
}

#[test]
fn a_trigger_that_asks_for_the_last_replica_itself_has_the_word() {
    let decision = Life::new(to_zero(), 5).look(0, &[queue(30)]);
    assert_eq!(decision.replicas, Replicas(1));
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Trigger("backlog".into())));
}
