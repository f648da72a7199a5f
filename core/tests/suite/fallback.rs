//! What runs when no trigger can be read for long enough.

use hybridscaler_core::{
    Replicas,
    demand::Winner,
    explanation::Limit,
    policy::{Fallback, FallbackBehavior, Policy, Schedule},
    reading::{Load, Reading, Unknown, Unread},
};
use jiff::SignedDuration;

use crate::{
    life::Life,
    support::{at, messages, policy, queue},
};

/// Two queues and a fallback of 6 replicas after three failures.
fn falling(behavior: FallbackBehavior, after: i64) -> Policy {
    let fallback =
        Fallback { behavior, replicas: Replicas(6), after_failures: 3, after: SignedDuration::from_secs(after) };
    Policy { fallback, ..policy(2, 50, &[("orders", messages(60)), ("mails", messages(60))]) }
}

/// A row of failed polls that began so many seconds after the start of the test.
fn failed(failures: u32, since: i64) -> Reading {
    Reading::Unknown(Unread { since: Some(at(since)), failures, ..Unread::new(Unknown::Unreachable, "no answer") })
}

fn outcome(behavior: FallbackBehavior, desired: u32, readings: &[Reading; 2]) -> (u32, Limit) {
    Life::new(falling(behavior, 0), desired).turn(0, readings)
}

#[test]
fn each_behavior_does_what_its_name_says() {
    let gone = [failed(3, -30), failed(3, -30)];
    for (behavior, from_10, from_4) in [
        (FallbackBehavior::Hold, 10, 4),
        (FallbackBehavior::Static, 6, 6),
        (FallbackBehavior::OnlyIfHigher, 10, 6),
        (FallbackBehavior::OnlyIfLower, 6, 4),
    ] {
        assert_eq!(outcome(behavior, 10, &gone).0, from_10, "{behavior:?}");
        assert_eq!(outcome(behavior, 4, &gone).0, from_4, "{behavior:?}");
    }
}

#[test]
fn it_says_that_it_is_the_fallback_and_since_when() {
    let decision = Life::new(falling(FallbackBehavior::Static, 0), 10).look(0, &[failed(3, -30), failed(9, -90)]);
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Fallback { since: at(-30) }));
    assert_eq!(decision.limited_by, Limit::None);
}

#[test]
fn every_trigger_must_have_failed_often_enough() {
    assert_eq!(outcome(FallbackBehavior::Static, 10, &[failed(2, -30), failed(9, -90)]), (10, Limit::UnknownSignal));
    assert_eq!(outcome(FallbackBehavior::Static, 10, &[failed(3, -30), failed(3, -90)]), (6, Limit::None));
}

#[test]
fn and_for_long_enough() {
    let mut life = Life::new(falling(FallbackBehavior::Static, 300), 10);
    let gone = [failed(9, 0), failed(40, -900)];
    assert_eq!(life.turn(299, &gone), (10, Limit::UnknownSignal));
    assert_eq!(life.turn(300, &gone), (6, Limit::None));
}

#[test]
fn a_signal_that_was_never_polled_is_no_failure() {
    let never = Reading::unknown(Unknown::NotReadYet, "no poll has finished");
    assert_eq!(outcome(FallbackBehavior::Static, 10, &[never, failed(9, -90)]), (10, Limit::UnknownSignal));
}

#[test]
fn a_value_that_went_stale_has_failed_since_it_did() {
    let old = |seconds| Reading::Known { load: Load::Queue { visible: 0, in_flight: 0, delayed: 0 }, at: at(seconds) };
    let mut life = Life::new(falling(FallbackBehavior::Static, 120), 10);
    // Values are stale after five minutes.
    assert_eq!(life.turn_as_read(419, &[old(0), old(-100)]), (10, Limit::UnknownSignal));
    assert_eq!(life.turn_as_read(420, &[old(0), old(-100)]), (6, Limit::None));
}

#[test]
fn the_first_good_reading_ends_it() {
    let mut life = Life::new(falling(FallbackBehavior::Static, 0), 10);
    life.policy.behavior.scale_up.cooldown = SignedDuration::ZERO;
    life.policy.behavior.scale_down.cooldown = SignedDuration::ZERO;
    assert_eq!(life.turn(0, &[failed(3, -30), failed(3, -30)]).0, 6);
    assert_eq!(life.turn(15, &[queue(0), failed(4, -30)]), (6, Limit::UnknownSignal), "one is still unknown");
    assert_eq!(life.turn(30, &[queue(720), failed(5, -30)]), (12, Limit::None));
    assert_eq!(life.turn(120, &[queue(300), queue(0)]), (5, Limit::None));
}

#[test]
fn it_keeps_the_bounds_and_the_pace_of_any_other_change() {
    let gone = || [failed(3, -30), failed(3, -30)];
    let mut life = Life::new(falling(FallbackBehavior::Static, 0), 10);
    life.policy.min = Replicas(8);
    assert_eq!(life.turn(0, &gone()), (8, Limit::MinReplicas));

    let mut life = Life::new(falling(FallbackBehavior::Static, 0), 10);
    life.turn(0, &[queue(480), queue(0)]);
    assert_eq!(life.turn(15, &gone()), (8, Limit::ScaleDownCooldown));
}

#[test]
fn a_floor_joins_it_as_it_joins_the_triggers() {
    let mut life = Life::new(falling(FallbackBehavior::Static, 0), 10);
    life.policy.schedules = vec![Schedule { name: "office".into(), floor: Some(Replicas(7)), min: None, max: None }];
    life.schedules = vec![Some(at(3_600))];
    assert_eq!(life.turn(0, &[failed(3, -30), failed(3, -30)]), (7, Limit::None));
}

#[test]
fn a_row_of_failures_of_the_future_counts_from_now() {
    let mut life = Life::new(falling(FallbackBehavior::Static, 60), 10);
    assert_eq!(life.turn(0, &[failed(3, 7_200), failed(3, 7_200)]), (10, Limit::UnknownSignal));
}

#[test]
fn a_fallback_that_a_window_holds_up_waits_for_no_cooldown() {
    let mut life = Life::new(falling(FallbackBehavior::OnlyIfLower, 0), 5);
    life.policy.behavior.scale_down.window = SignedDuration::from_mins(5);
    life.turn(0, &[queue(480), queue(0)]);
    life.policy.fallback.replicas = Replicas(3);
    assert_eq!(life.turn(15, &[failed(3, -30), failed(3, -30)]), (8, Limit::ScaleDownStabilized));
}
