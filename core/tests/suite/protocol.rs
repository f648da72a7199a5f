//! Single turns of the budget protocol, each rule by itself.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{
        Capacity, Cheaper, Entry, Footprint, Growth, Holder, Ledger, Plan, RolloutReserve, Shape, Surge, Turn, Waiting,
        plan,
    },
    observation::{Rollout, Workload},
};

use crate::support::at_rest;

const A: &str = "orders/order-worker";
const B: &str = "orders/core-api";

/// Ten connections a replica, and every replica may live twice.
fn footprint() -> Footprint {
    let shape = Shape::RollingUpdate { max_surge: Surge::Percent(25) };
    Footprint { shape, reserve: RolloutReserve::Full, per_replica: Connections(10) }
}

fn turn(consumer: &str, workload: Workload, wanted: u32) -> Turn<'_> {
    Turn {
        consumer,
        uid: "7",
        target: consumer,
        footprint: footprint(),
        workload,
        wanted: Replicas(wanted),
        growth: Growth::Allowed,
        seen_version: None,
    }
}

fn ledger(usable: u32, grants: &[(&str, u32)]) -> Ledger {
    let entry = |(consumer, grant): &(&str, u32)| {
        let entry = Entry {
            uid: "7".into(),
            target: (*consumer).into(),
            grant: Connections(*grant),
            per_replica: Connections(10),
            version: 4,
            ..Entry::default()
        };
        ((*consumer).into(), entry)
    };
    Ledger {
        capacity: Capacity::fixed(Connections(usable)),
        reserve: Connections(7),
        entries: grants.iter().map(entry).collect(),
        ..Ledger::default()
    }
}

fn grant(plan: &Plan, consumer: &str) -> u32 {
    plan.ledger.as_ref().unwrap().entries[consumer].grant.0
}

#[test]
fn a_raise_reserves_the_peak_before_it_writes() {
    let plan = plan(&ledger(357, &[(A, 100)]), &turn(A, at_rest(5), 12));
    assert_eq!((grant(&plan, A), plan.write, plan.waiting), (240, Some(Replicas(12)), None));
}

#[test]
fn a_raise_beyond_the_room_takes_what_fits_and_says_who_holds_the_rest() {
    let plan = plan(&ledger(357, &[(A, 100), (B, 150)]), &turn(A, at_rest(5), 24));
    assert_eq!((grant(&plan, A), plan.write, plan.allowed), (200, Some(Replicas(10)), Replicas(10)));
    let holders = vec![Holder { consumer: B.into(), grant: Connections(150) }];
    assert_eq!(plan.waiting, Some(Waiting::Room { needed: Connections(280), available: Connections::ZERO, holders }));
}

/// Found by the package `hybridscaler-model`: what was wanted enlarged the first charge, and the next turn grew on it, frozen or not.
#[test]
fn a_consumer_first_seen_in_a_rollout_is_charged_for_what_is_there_whatever_it_wants() {
    let in_rollout = Workload { rollout: Rollout::InProgress, running: Replicas(2), ..at_rest(1) };
    let consumers = vec![B.to_owned()];
    let unknown = Growth::Frozen(Waiting::ConsumersUnknown { consumers });
    let adopted = plan(&ledger(357, &[]), &Turn { growth: unknown, ..turn(A, in_rollout, 2) });
    // The two that run may be old, and drain beside the one that is wanted.
    assert_eq!((grant(&adopted, A), adopted.write), (30, None));
}

/// Found by the package `hybridscaler-model`, as the next two: a ledger that is rebuilt knows nothing of a number before this one.
#[test]
fn a_consumer_first_seen_is_not_charged_before_its_number_is_observed() {
    let unobserved = Workload { rollout: Rollout::NotObserved, ..at_rest(1) };
    let plan = plan(&ledger(357, &[]), &turn(A, unobserved, 3));
    assert_eq!((plan.ledger, plan.write, plan.waiting), (None, None, Some(Waiting::NotObserved)));
}

#[test]
fn nobody_is_raised_before_every_consumer_is_charged_though_the_grant_covers_it() {
    let waiting = Waiting::ConsumersUnknown { consumers: vec![B.to_owned()] };
    let unknown = Growth::Frozen(waiting.clone());
    let plan = plan(&ledger(357, &[(A, 100)]), &Turn { growth: unknown, ..turn(A, at_rest(1), 3) });
    assert_eq!((plan.write, plan.waiting), (None, Some(waiting)));
}

#[test]
fn the_largest_holders_are_named_first_and_the_smallest_not_at_all() {
    let crowded = ledger(357, &[(A, 20), ("a/one", 30), ("b/two", 90), ("c/three", 60), ("d/four", 60), ("e/none", 0)]);
    let Some(Waiting::Room { holders, .. }) = plan(&crowded, &turn(A, at_rest(1), 20)).waiting else {
        unreachable!("twenty replicas do not fit")
    };
    let named: Vec<_> = holders.iter().map(|holder| (holder.consumer.as_str(), holder.grant.0)).collect();
    assert_eq!(named, [("b/two", 90), ("c/three", 60), ("d/four", 60)]);
}

#[test]
fn without_room_nothing_is_written() {
    let full = ledger(207, &[(A, 100), (B, 100)]);
    let plan = plan(&full, &turn(A, at_rest(5), 6));
    assert_eq!((plan.ledger, plan.write, plan.allowed), (None, None, Replicas(5)));
    assert!(matches!(plan.waiting, Some(Waiting::Room { needed: Connections(20), available: Connections::ZERO, .. })));
}

#[test]
fn every_raise_changes_the_version_even_within_the_grant_so_that_an_older_look_cannot_release() {
    let plan = plan(&ledger(357, &[(A, 300)]), &turn(A, at_rest(5), 6));
    let entry = &plan.ledger.unwrap().entries[A];
    assert_eq!((entry.grant, entry.version, plan.write), (Connections(300), 5, Some(Replicas(6))));
}

#[test]
fn replicas_that_terminate_are_reserved_for_beside_the_next_rollout() {
    let draining = Workload { terminating: Replicas(3), ..at_rest(5) };
    assert_eq!(grant(&plan(&ledger(357, &[(A, 130)]), &turn(A, draining, 6)), A), 150);
    let not_yet_draining = Workload { running: Replicas(8), ..at_rest(5) };
    assert_eq!(grant(&plan(&ledger(357, &[(A, 130)]), &turn(A, not_yet_draining, 6)), A), 150);
}

#[test]
fn a_raise_during_a_rollout_also_reserves_for_all_that_lives_and_for_old_replicas_that_are_added() {
    let rolling = Workload { rollout: Rollout::InProgress, ..at_rest(5) };
    assert_eq!(grant(&plan(&ledger(357, &[(A, 100)]), &turn(A, rolling, 8)), A), 230);
}

#[test]
fn a_change_that_is_not_observed_or_not_finished_stops_a_raise() {
    let unseen = Workload { rollout: Rollout::NotObserved, ..at_rest(5) };
    let plan_unseen = plan(&ledger(357, &[(A, 100)]), &turn(A, unseen, 6));
    assert_eq!((plan_unseen.write, plan_unseen.waiting), (None, Some(Waiting::NotObserved)));

    let crowded = Workload { running: Replicas(11), ..at_rest(5) };
    let plan_crowded = plan(&ledger(357, &[(A, 110)]), &turn(A, crowded, 6));
    let waiting = Waiting::NotSettled { live: Replicas(11), peak: Replicas(10) };
    assert_eq!((plan_crowded.write, plan_crowded.waiting), (None, Some(waiting)));
}

#[test]
fn a_frozen_capacity_lets_no_grant_grow_but_its_replicas_start() {
    let capacity = Capacity::fixed(Connections(357)).read(None);
    let ledger = Ledger { capacity, ..ledger(0, &[(A, 140)]) };
    let plan = plan(&ledger, &turn(A, at_rest(5), 12));
    let waiting = Some(Waiting::CapacityFrozen);
    assert_eq!((grant(&plan, A), plan.write, plan.waiting), (140, Some(Replicas(7)), waiting));
}

#[test]
fn before_the_capacity_is_known_nobody_is_raised_within_what_was_charged() {
    // A rollout was charged as it was found, for more than its replicas need.
    let ledger = Ledger { capacity: Capacity::default(), ..ledger(0, &[(A, 140)]) };
    let plan = plan(&ledger, &turn(A, at_rest(5), 7));
    assert_eq!((plan.write, plan.allowed, plan.waiting), (None, Replicas(5), Some(Waiting::CapacityUnknown)));
}

#[test]
fn a_caller_that_freezes_growth_is_told_its_own_reason() {
    let waiting = Waiting::ConsumersUnknown { consumers: vec![B.into()] };
    let frozen = Turn { growth: Growth::Frozen(waiting.clone()), ..turn(A, at_rest(5), 12) };
    let plan = plan(&ledger(357, &[(A, 100)]), &frozen);
    assert_eq!((plan.ledger, plan.write, plan.waiting), (None, None, Some(waiting)));
}

#[test]
fn a_consumer_never_seen_is_charged_for_what_runs() {
    let draining = Workload { terminating: Replicas(2), ..at_rest(5) };
    let adopted = plan(&ledger(357, &[]), &turn(A, draining, 5));
    assert_eq!((grant(&adopted, A), adopted.write), (120, None));
    assert_eq!(adopted.ledger.unwrap().entries[A].version, 1);
}

#[test]
fn what_somebody_else_scaled_is_charged_beyond_the_capacity_and_then_nobody_grows() {
    let scaled_by_hand = plan(&ledger(357, &[(A, 100), (B, 100)]), &turn(A, at_rest(14), 14));
    assert_eq!((grant(&scaled_by_hand, A), scaled_by_hand.write), (280, None));

    let over = scaled_by_hand.ledger.unwrap();
    assert_eq!((over.over_by(), over.available()), (Connections(30), Some(Connections::ZERO)));
    let plan = plan(&over, &turn(B, at_rest(2), 3));
    let waiting = Waiting::OverBudget { by: Connections(30) };
    assert_eq!((plan.write, plan.allowed, plan.waiting), (None, Replicas(2), Some(waiting)));
}

#[test]
fn replicas_that_live_are_charged_even_where_no_rollout_is_reserved_for() {
    let none = Footprint { reserve: RolloutReserve::None, ..footprint() };
    let rolling =
        Workload { starting: Replicas(2), terminating: Replicas(4), rollout: Rollout::InProgress, ..at_rest(5) };
    let turn = Turn { footprint: none, ..turn(A, rolling, 5) };
    assert_eq!(grant(&plan(&ledger(357, &[(A, 50)]), &turn), A), 110);
}

#[test]
fn lowering_notes_the_intent_and_keeps_the_grant() {
    let lowered = plan(&ledger(357, &[(A, 240)]), &turn(A, at_rest(12), 5));
    assert_eq!((grant(&lowered, A), lowered.write), (240, Some(Replicas(5))));
    let noted = lowered.ledger.unwrap();
    assert_eq!(noted.entries[A].lowering, Some(Replicas(5)));
    let again = plan(&noted, &turn(A, at_rest(12), 5));
    assert_eq!((again.ledger, again.write), (None, Some(Replicas(5))), "an intent is noted once");
}

#[test]
fn a_raise_takes_back_the_intent_to_lower() {
    let lowering = plan(&ledger(357, &[(A, 240)]), &turn(A, at_rest(12), 5)).ledger.unwrap();
    let raised = plan(&lowering, &turn(A, at_rest(5), 8)).ledger.unwrap();
    assert_eq!(raised.entries[A].lowering, None);
}

#[test]
fn a_release_waits_until_the_replicas_are_gone_and_follows_them() {
    let seen = |workload| Turn { seen_version: Some(4), ..turn(A, workload, 5) };
    let lowered = ledger(357, &[(A, 240)]);
    let gone = plan(&lowered, &seen(at_rest(5)));
    assert_eq!((grant(&gone, A), gone.write), (100, None));
    let draining = plan(&lowered, &seen(Workload { terminating: Replicas(6), ..at_rest(5) }));
    assert_eq!(grant(&draining, A), 160);
    let running = plan(&lowered, &seen(Workload { running: Replicas(12), ..at_rest(5) }));
    assert_eq!(grant(&running, A), 170);
}

#[test]
fn a_release_keeps_what_lives_where_no_replica_is_reserved_for_twice() {
    let footprint = Footprint { shape: Shape::StatefulSet, ..footprint() };
    let draining = Workload { terminating: Replicas(6), ..at_rest(5) };
    let seen = Turn { footprint, seen_version: Some(4), ..turn(A, draining, 5) };
    assert_eq!(grant(&plan(&ledger(357, &[(A, 240)]), &seen), A), 110);
}

#[test]
fn a_release_needs_a_settled_target_and_an_entry_unchanged_since_before_the_look() {
    let lowered = ledger(357, &[(A, 240)]);
    let seen = |workload, seen_version| Turn { seen_version, ..turn(A, workload, 5) };
    let rolling = |rollout| Workload { rollout, ..at_rest(5) };
    for refused in [
        seen(at_rest(5), None),
        seen(at_rest(5), Some(3)),
        seen(rolling(Rollout::NotObserved), Some(4)),
        seen(rolling(Rollout::InProgress), Some(4)),
    ] {
        assert_eq!(plan(&lowered, &refused).ledger, None, "{refused:?}");
    }
}

#[test]
fn a_steady_consumer_changes_nothing() {
    let steady = Turn { seen_version: Some(4), ..turn(A, at_rest(5), 5) };
    let plan = plan(&ledger(357, &[(A, 100)]), &steady);
    assert_eq!((plan.ledger, plan.write, plan.waiting), (None, None, None));
}

#[test]
fn a_higher_charge_a_replica_counts_at_once() {
    let footprint = Footprint { per_replica: Connections(15), ..footprint() };
    let dearer = plan(&ledger(357, &[(A, 100)]), &Turn { footprint, ..turn(A, at_rest(5), 5) });
    assert_eq!((grant(&dearer, A), dearer.ledger.unwrap().entries[A].per_replica), (150, Connections(15)));
}

#[test]
fn a_lower_charge_a_replica_counts_after_a_rollout_has_replaced_them() {
    let footprint = Footprint { per_replica: Connections(4), ..footprint() };
    let mut ledger = ledger(357, &[(A, 100)]);
    let mut after = |workload: Workload| {
        let seen_version = Some(ledger.entries[A].version);
        let plan = plan(&ledger, &Turn { footprint, seen_version, ..turn(A, workload, 5) });
        ledger = plan.ledger.unwrap_or_else(|| ledger.clone());
        let entry = &ledger.entries[A];
        (entry.grant.0, entry.cheaper)
    };
    assert_eq!(after(at_rest(5)), (100, Some(Cheaper::AwaitingRollout)));
    assert_eq!(after(Workload { rollout: Rollout::InProgress, ..at_rest(5) }), (100, Some(Cheaper::RollingOut)));
    assert_eq!(after(Workload { terminating: Replicas(5), ..at_rest(5) }), (100, Some(Cheaper::RollingOut)));
    assert_eq!(after(at_rest(5)), (40, None));
}

#[test]
fn a_scaler_made_anew_for_another_target_is_charged_for_both() {
    let anew = Turn { uid: "8", target: "other", ..turn(A, at_rest(2), 2) };
    let plan = plan(&ledger(357, &[(A, 100)]), &anew);
    assert_eq!((grant(&plan, A), grant(&plan, &format!("{A}/7"))), (40, 100));
}

#[test]
fn targets_that_one_scaler_leaves_one_after_the_other_all_stay_charged() {
    let moved = |ledger: &Ledger, target| plan(ledger, &Turn { target, ..turn(A, at_rest(2), 2) }).ledger.unwrap();
    let twice = moved(&moved(&ledger(357, &[(A, 100)]), "second"), "third");
    assert_eq!((twice.entries[&format!("{A}/7")].grant, twice.granted()), (Connections(140), Connections(180)));
}

#[test]
fn a_scaler_made_anew_for_the_same_target_takes_its_entry_over() {
    let plan = plan(&ledger(357, &[(A, 160)]), &Turn { uid: "8", ..turn(A, at_rest(5), 5) });
    let ledger = plan.ledger.unwrap();
    assert_eq!((ledger.entries.len(), &*ledger.entries[A].uid, ledger.granted()), (1, "8", Connections(160)));
}

#[test]
fn numbers_at_the_edge_neither_wrap_nor_panic() {
    let most = Replicas(u32::MAX);
    let workload =
        Workload { desired: most, running: most, starting: most, terminating: most, rollout: Rollout::Settled };
    let plan = plan(&ledger(u32::MAX, &[(A, u32::MAX), (B, u32::MAX)]), &turn(A, workload, u32::MAX));
    assert_eq!(plan.write, None);
}

#[test]
fn the_ledger_is_stored_under_stable_names() {
    let mut stored = ledger(360, &[(A, 100)]);
    stored.entries.get_mut(A).unwrap().lowering = Some(Replicas(3));
    let json = serde_json::to_value(&stored).unwrap();
    let expected = serde_json::json!({
        "capacity": {"usable": 360, "source": "Readable"},
        "reserve": 7,
        "entries": {A: {"uid": "7", "target": A, "grant": 100, "perReplica": 10, "version": 4, "lowering": 3}},
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Ledger>(json).unwrap(), stored);
}

#[test]
fn replicas_that_another_ledger_would_have_to_pay_for_are_not_started_within_a_grant_either() {
    let waiting = Waiting::Moving { from: vec!["data/old".into()] };
    let moving = Turn { growth: Growth::Frozen(waiting.clone()), ..turn(A, at_rest(5), 7) };
    let plan = plan(&ledger(357, &[(A, 140)]), &moving);
    assert_eq!((plan.write, plan.waiting), (None, Some(waiting)));
}
