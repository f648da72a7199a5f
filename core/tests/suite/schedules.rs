//! Windows of time: a floor that joins the proposals, and bounds that stand in place of the policy's.

use hybridscaler_core::{
    Replicas,
    demand::Winner,
    explanation::Limit,
    policy::{Policy, Schedule, Target},
    reading::{Load, Reading, Unknown},
};

use crate::{
    life::Life,
    support::{at, messages, policy, queue, unknown},
};

fn schedule(name: &str, floor: Option<u32>, min: Option<u32>, max: Option<u32>) -> Schedule {
    let [floor, min, max] = [floor, min, max].map(|number| number.map(Replicas));
    Schedule { name: name.into(), floor, min, max }
}

/// 2 to 50 replicas, 60 messages each, all of `schedules` open.
fn open(replicas: u32, schedules: Vec<Schedule>) -> Life {
    let policy = Policy { schedules, ..policy(2, 50, &[("backlog", messages(60))]) };
    let mut life = Life::new(policy, replicas);
    life.schedules.fill(Some(at(3_600)));
    life
}

fn outcome(replicas: u32, schedules: Vec<Schedule>, visible: u64) -> (u32, Limit) {
    open(replicas, schedules).turn(0, &[queue(visible)])
}

#[test]
fn a_floor_is_a_proposal_and_the_largest_wins() {
    let floor = || vec![schedule("office", Some(10), None, None)];
    assert_eq!(outcome(5, floor(), 300), (10, Limit::None));
    assert_eq!(outcome(5, floor(), 1_440), (24, Limit::None));
    assert_eq!(outcome(20, floor(), 60), (10, Limit::None), "what it falls to is the floor");
    let decision = open(5, floor()).look(0, &[queue(300)]);
    let office = Winner::Schedule { name: "office".into(), until: at(3_600) };
    assert_eq!(decision.explanation.demand.winner, Some(office));
}

#[test]
fn a_floor_stays_within_the_bounds() {
    assert_eq!(outcome(5, vec![schedule("sale", Some(80), None, None)], 300), (50, Limit::MaxReplicas));
}

#[test]
fn a_closed_schedule_sets_nothing() {
    let mut life = open(5, vec![schedule("office", Some(10), Some(20), Some(30))]);
    life.schedules = vec![None];
    assert_eq!(life.turn(0, &[queue(300)]), (5, Limit::None));
    life.schedules.clear();
    assert_eq!(life.turn(15, &[queue(300)]), (5, Limit::None), "nor one that was not looked at");
}

#[test]
fn bounds_stand_in_place_of_those_of_the_policy() {
    assert_eq!(outcome(5, vec![schedule("day", None, Some(8), None)], 300), (8, Limit::MinReplicas));
    assert_eq!(outcome(5, vec![schedule("night", None, Some(1), None)], 0), (1, Limit::MinReplicas));
    assert_eq!(outcome(5, vec![schedule("night", None, None, Some(3))], 300), (3, Limit::MaxReplicas));
    assert_eq!(outcome(5, vec![schedule("sale", None, None, Some(80))], 6_000), (80, Limit::MaxReplicas));
}

#[test]
fn of_windows_that_overlap_the_largest_minimum_and_the_smallest_maximum_count() {
    let both = |first: Schedule, second: Schedule| {
        for schedules in [vec![first.clone(), second.clone()], vec![second.clone(), first.clone()]] {
            assert_eq!(outcome(10, schedules.clone(), 0), (6, Limit::MinReplicas));
            assert_eq!(outcome(10, schedules, 6_000), (20, Limit::MaxReplicas));
        }
    };
    both(schedule("a", None, Some(6), Some(30)), schedule("b", None, Some(4), Some(20)));
    both(schedule("a", None, Some(6), Some(20)), schedule("b", None, Some(4), Some(30)));
}

#[test]
fn of_floors_the_largest_wins_and_among_equal_ones_the_name_that_sorts_first() {
    let floors = vec![
        schedule("b", Some(10), None, None),
        schedule("c", Some(7), None, None),
        schedule("a", Some(10), None, None),
    ];
    let decision = open(5, floors).look(0, &[queue(300)]);
    assert_eq!(decision.replicas, Replicas(10));
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Schedule { name: "a".into(), until: at(3_600) }));
}

#[test]
fn a_maximum_counts_more_than_a_minimum() {
    let crossed = || vec![schedule("a", None, Some(12), None), schedule("b", None, None, Some(9))];
    assert_eq!(outcome(5, crossed(), 0), (9, Limit::MinReplicas));
    assert_eq!(outcome(20, crossed(), 6_000), (9, Limit::MaxReplicas));
    assert_eq!(outcome(20, vec![schedule("b", None, None, Some(1))], 6_000), (1, Limit::MaxReplicas));
}

#[test]
fn what_is_unknown_holds_above_a_floor_and_is_lifted_to_it() {
    let floor = || vec![schedule("office", Some(10), None, None)];
    assert_eq!(open(20, floor()).turn(0, &[unknown(Unknown::Empty)]), (20, Limit::UnknownSignal));
    assert_eq!(open(5, floor()).turn(0, &[unknown(Unknown::Empty)]), (10, Limit::None));
}

#[test]
fn a_minimum_holds_and_idle_replicas_stay_what_they_are() {
    let mut life = open(5, vec![schedule("day", None, Some(8), None)]);
    life.policy.idle = Some(Replicas::ZERO);
    assert_eq!(life.turn(0, &[queue(0)]).0, 8);
    life.turn(15, &[queue(0)]);
    assert_eq!(life.turn(300, &[queue(0)]), (0, Limit::None), "idle replicas are below any minimum");
}

#[test]
fn a_floor_keeps_an_idle_workload_up_and_no_more_than_that() {
    let mut life = open(12, vec![schedule("office", Some(4), None, None)]);
    life.policy.min = Replicas(10);
    life.policy.idle = Some(Replicas::ZERO);
    assert_eq!(life.turn(0, &[queue(0)]).0, 10);
    life.turn(15, &[queue(0)]);
    assert_eq!(life.turn(300, &[queue(0)]), (4, Limit::None));
    assert_eq!(life.turn(600, &[queue(0)]), (4, Limit::None));
}

#[test]
fn a_floor_that_a_trigger_reaches_leaves_it_the_word() {
    let decision = open(5, vec![schedule("office", Some(10), None, None)]).look(0, &[queue(600)]);
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Trigger("backlog".into())));
}

#[test]
fn a_floor_in_a_cooldown_hides_none_of_what_follows_it() {
    let policy = policy(2, 50, &[("load", Target::Value { milli: 100_000 })]);
    let mut life = Life::new(Policy { schedules: vec![schedule("office", Some(12), None, None)], ..policy }, 5);
    let load = |milli| [Reading::Known { load: Load::Value { milli }, at: at(0) }];
    assert_eq!(life.turn(0, &load(160_000)).0, 8);
    life.schedules = vec![Some(at(3_600))];
    // Twice its target asks for 10 of the 5 at the start of the cooldown, and for 16 of the 8 that run.
    assert_eq!(life.turn(15, &load(200_000)), (12, Limit::ScaleUpCooldown));
}
