//! Whole decisions: what a workload should run, and the reason given.

use crate::support::{at_rest, messages, now, policy, queue, queue_of, seen, unknown, utilization};
use hybridscaler_core::{
    Decision, Replicas, decide,
    demand::{Measure, Ruling, Verdict, Winner},
    explanation::Limit,
    history::History,
    observation::{Rollout, Workload},
    policy::{Policy, Target},
    reading::{Reading, Unknown},
};

fn decision(policy: &Policy, workload: Workload, readings: &[Reading]) -> Decision {
    decide(policy, &seen(workload, readings), &History::default(), now())
}

/// A queue of 60 messages a replica and CPU at 65 %, 2 to 50 replicas.
fn both() -> Policy {
    policy(2, 50, &[("backlog", messages(60)), ("cpu", Target::Utilization(65))])
}

fn outcome(workload: Workload, readings: &[Reading; 2]) -> (u32, Limit) {
    let decision = decision(&both(), workload, readings);
    (decision.replicas.0, decision.limited_by)
}

#[test]
fn the_largest_proposal_wins_and_is_named() {
    let decision = decision(&both(), at_rest(5), &[queue(420), utilization(130.0)]);
    assert_eq!((decision.replicas, decision.limited_by), (Replicas(10), Limit::None));
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Trigger("cpu".into())));
}

#[test]
fn among_equal_proposals_the_trigger_whose_name_sorts_first_is_named() {
    let decision = decision(&both(), at_rest(5), &[queue(600), utilization(130.0)]);
    assert_eq!(decision.replicas, Replicas(10));
    assert_eq!(decision.explanation.demand.winner, Some(Winner::Trigger("backlog".into())));
}

#[test]
fn replicas_go_down_only_as_far_as_every_trigger_agrees() {
    assert_eq!(outcome(at_rest(10), &[queue(120), utilization(32.5)]), (5, Limit::None));
}

#[test]
fn demand_is_kept_within_the_bounds() {
    assert_eq!(outcome(at_rest(5), &[queue(6_000), utilization(50.0)]), (50, Limit::MaxReplicas));
    assert_eq!(outcome(at_rest(5), &[queue(0), utilization(0.0)]), (2, Limit::MinReplicas));
}

#[test]
fn an_unknown_signal_holds_a_scale_in_but_no_scale_out() {
    assert_eq!(outcome(at_rest(5), &[queue(120), unknown(Unknown::Throttled)]), (5, Limit::UnknownSignal));
    assert_eq!(outcome(at_rest(5), &[queue(420), unknown(Unknown::Throttled)]), (7, Limit::None));
}

#[test]
fn a_stale_reading_is_unknown_and_not_what_it_once_was() {
    let stale = match queue(0) {
        Reading::Known { load, at } => Reading::Known { load, at: at - jiff::SignedDuration::from_mins(10) },
        Reading::Unknown(_) => unreachable!("a queue's reading is known"),
    };
    assert_eq!(outcome(at_rest(5), &[stale, utilization(30.0)]), (5, Limit::UnknownSignal));
}

#[test]
fn without_any_signal_the_number_stays_as_it_is() {
    let none = [unknown(Unknown::Unreachable), unknown(Unknown::NotReadYet)];
    assert_eq!(outcome(at_rest(5), &none), (5, Limit::UnknownSignal));
}

#[test]
fn a_number_outside_the_bounds_is_moved_into_them_without_any_signal() {
    let none = || [unknown(Unknown::Unreachable), unknown(Unknown::Unreachable)];
    assert_eq!(outcome(at_rest(60), &none()), (50, Limit::MaxReplicas));
    assert_eq!(outcome(at_rest(1), &none()), (2, Limit::MinReplicas));
}

#[test]
fn a_reading_of_the_wrong_kind_or_a_missing_one_is_unknown() {
    let swapped = decision(&both(), at_rest(5), &[utilization(0.0)]);
    let whys: Vec<_> = swapped.explanation.demand.unknown().map(|(name, unread)| (name, unread.why)).collect();
    assert_eq!(whys, [("backlog", Unknown::Invalid), ("cpu", Unknown::NotReadYet)]);
    assert_eq!(swapped.replicas, Replicas(5));
}

#[test]
fn there_is_no_scale_in_during_a_rollout_and_scale_out_goes_on() {
    for rollout in [Rollout::InProgress, Rollout::NotObserved] {
        let rolling = Workload { rollout, ..at_rest(5) };
        assert_eq!(outcome(rolling, &[queue(60), utilization(10.0)]), (5, Limit::RolloutInProgress));
        assert_eq!(outcome(rolling, &[queue(420), utilization(10.0)]), (7, Limit::None));
    }
}

#[test]
fn zero_replicas_set_by_a_person_stay_zero() {
    assert_eq!(outcome(at_rest(0), &[queue(6_000), utilization(0.0)]), (0, Limit::PausedByHand));
}

#[test]
fn messages_in_flight_keep_replicas_and_delayed_ones_ask_for_none() {
    assert_eq!(outcome(at_rest(5), &[queue_of(0, 299, 0), utilization(0.0)]), (5, Limit::None));
    assert_eq!(outcome(at_rest(5), &[queue_of(0, 0, 6_000), utilization(0.0)]), (2, Limit::MinReplicas));
}

#[test]
fn cpu_is_counted_from_what_runs_so_tasks_that_cannot_start_do_not_call_for_more() {
    let stuck = Workload { running: Replicas(2), starting: Replicas(8), ..at_rest(10) };
    let decision = decision(&both(), stuck, &[queue(0), utilization(100.0)]);
    assert_eq!(decision.replicas, Replicas(10));
    let Verdict::Known(counted) = &decision.explanation.demand.proposals[1].verdict else {
        unreachable!("it was read")
    };
    assert_eq!(counted.measure, Measure::Utilization { percent: 100.0, base: Replicas(2) });
    assert_eq!(counted.ruling, Ruling::CapacityOnItsWay);
}

#[test]
fn a_utilization_within_the_tolerance_changes_nothing_bounds_included() {
    assert_eq!(outcome(at_rest(5), &[queue(0), utilization(71.5)]), (5, Limit::None));
    assert_eq!(outcome(at_rest(5), &[queue(0), utilization(71.6)]), (6, Limit::None));
    assert_eq!(outcome(at_rest(10), &[queue(0), utilization(58.5)]), (10, Limit::None));
    assert_eq!(outcome(at_rest(10), &[queue(0), utilization(58.4)]), (9, Limit::None));
}

#[test]
fn a_decision_survives_json_unchanged() {
    let decision = decision(&both(), at_rest(5), &[queue(420), unknown(Unknown::Forbidden)]);
    let json = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
}

#[test]
fn every_limit_is_written_as_it_is_named() {
    for limit in Limit::ALL {
        assert_eq!(serde_json::to_value(limit).unwrap(), limit.as_str());
    }
}
