//! What is said of the promise that every replica can open its whole pool: when it holds, and what was seen against it.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{
        Assumption, Capacity, Entry, Evidence, Footprint, Growth, Ledger, Promise, RolloutReserve, Seen, Shape,
        Standing, Surplus, Turn, plan, promise,
    },
    observation::{Rollout, Workload},
};
use proptest::prelude::*;

use crate::support::at_rest;

const A: &str = "orders/order-worker";

/// 100 connections, 20 of them kept back, and 50 granted.
fn ledger() -> Ledger {
    let entry = Entry { grant: Connections(50), per_replica: Connections(10), version: 1, ..entry() };
    let capacity = Capacity::fixed(Connections(100));
    Ledger { capacity, reserve: Connections(20), entries: [(A.into(), entry)].into(), ..Ledger::default() }
}

fn entry() -> Entry {
    Entry { uid: "7".into(), target: A.into(), ..Entry::default() }
}

fn seen(open: u32, live: u32) -> Seen {
    Seen { open: Some(Connections(open)), live: Some(Connections(live)) }
}

fn evidence(promise: &Promise, assumption: Assumption) -> Evidence {
    promise.findings.iter().find(|finding| finding.assumption == assumption).unwrap().evidence
}

fn message(promise: &Promise, assumption: Assumption) -> &str {
    &promise.findings.iter().find(|finding| finding.assumption == assumption).unwrap().message
}

#[test]
fn with_nothing_seen_against_it_the_promise_holds_and_is_never_called_proven() {
    let promise = promise(&ledger(), seen(70, 50));
    assert_eq!(promise.standing, Standing::Holds);
    assert!(promise.findings.iter().all(|finding| finding.evidence == Evidence::NotContradicted), "{promise:?}");
    assert_eq!(
        message(&promise, Assumption::UnmanagedWithinReserve),
        "assumed: what is not scaled here opens at most 20 connections; no more connections were seen open than that allows"
    );
}

#[test]
fn more_open_connections_than_granted_and_reserved_break_it_and_leave_open_who_is_to_blame() {
    let promise = promise(&ledger(), seen(71, 50));
    assert_eq!(promise.standing, Standing::MoreOpenThanGranted { open: Connections(71), expected: Connections(70) });
    for assumption in [Assumption::UnmanagedWithinReserve, Assumption::PerReplicaRight] {
        assert_eq!(evidence(&promise, assumption), Evidence::Contradicted);
        assert!(message(&promise, assumption).ends_with(
            "71 connections are open where grants and reserve allow 70: one of the two does not hold, or both"
        ));
    }
    assert_eq!(evidence(&promise, Assumption::OneLedger), Evidence::NotContradicted);
}

#[test]
fn more_than_the_replicas_seen_alive_account_for_is_a_doubt_while_the_grants_cover_it() {
    let doubted = promise(&ledger(), seen(60, 30));
    assert_eq!(doubted.standing, Standing::Holds);
    assert_eq!(evidence(&doubted, Assumption::PerReplicaRight), Evidence::InDoubt);
    let unsure = promise(&ledger(), Seen { open: Some(Connections(60)), live: None });
    assert_eq!(evidence(&unsure, Assumption::PerReplicaRight), Evidence::NotContradicted);
}

#[test]
fn a_database_that_nobody_asked_contradicts_nothing_and_says_so() {
    let promise = promise(&ledger(), Seen::default());
    assert_eq!(promise.standing, Standing::Holds);
    for assumption in [Assumption::UnmanagedWithinReserve, Assumption::PerReplicaRight, Assumption::OneLedger] {
        assert_eq!(evidence(&promise, assumption), Evidence::NotObserved, "{assumption:?}");
    }
}

#[test]
fn the_worst_that_is_known_is_what_is_said() {
    let over = Ledger { reserve: Connections(60), shared_with: vec!["another".into()], ..ledger() };
    assert_eq!(promise(&over, seen(500, 50)).standing, Standing::OverBudget { by: Connections(10) });
    let shared = Ledger { shared_with: vec!["another".into()], ..ledger() };
    assert_eq!(promise(&shared, seen(500, 50)).standing, Standing::SharedDatabase);
    let never = Ledger { capacity: Capacity::default(), ..ledger() };
    assert_eq!(promise(&never, Seen::default()).standing, Standing::CapacityUnknown);
    let frozen = Ledger { capacity: ledger().capacity.read(None), ..ledger() };
    assert_eq!(promise(&frozen, Seen::default()).standing, Standing::CapacityFrozen);
}

#[test]
fn another_ledger_is_named_where_one_was_assumed() {
    let shared = Ledger { shared_with: vec!["the one of team b".into()], ..ledger() };
    let promise = promise(&shared, seen(10, 50));
    assert_eq!(evidence(&promise, Assumption::OneLedger), Evidence::Contradicted);
    assert!(message(&promise, Assumption::OneLedger).ends_with("seen there: the one of team b"));
}

fn turn(workload: Workload, ledger: &Ledger) -> Turn<'static> {
    let footprint = Footprint { shape: Shape::Recreate, reserve: RolloutReserve::Full, per_replica: Connections(10) };
    let seen_version = Some(ledger.entries[A].version);
    let (wanted, growth) = (workload.desired, Growth::Allowed);
    Turn { consumer: A, uid: "7", target: A, footprint, workload, wanted, growth, seen_version }
}

#[test]
fn replicas_that_somebody_else_asked_for_are_told_until_they_have_settled_in_a_budget_that_covers_them() {
    let told = plan(&ledger(), &turn(at_rest(7), &ledger())).ledger.unwrap();
    assert_eq!((told.entries[A].grant, told.entries[A].surplus), (Connections(70), Some(Surplus::ScaledByOthers)));
    let said = promise(&told, seen(70, 70));
    assert_eq!((said.standing, evidence(&said, Assumption::ScaledHereOnly)), (Standing::Holds, Evidence::Contradicted));
    assert!(message(&said, Assumption::ScaledHereOnly).contains("orders/order-worker: somebody else asked for more"));
    let settled = plan(&told, &turn(at_rest(7), &told)).ledger.unwrap();
    assert_eq!(settled.entries[A].surplus, None, "what is charged and fits is no trouble any more");

    let beyond = plan(&ledger(), &turn(at_rest(9), &ledger())).ledger.unwrap();
    assert_eq!(promise(&beyond, seen(90, 90)).standing, Standing::OverBudget { by: Connections(10) });
    assert_eq!(plan(&beyond, &turn(at_rest(9), &beyond)).ledger, None, "it stays said while it does not fit");
}

#[test]
fn replicas_beyond_what_the_reserve_covers_are_told_apart_from_those_that_somebody_asked_for() {
    let crowded = Workload { terminating: Replicas(2), rollout: Rollout::InProgress, ..at_rest(5) };
    let told = plan(&ledger(), &turn(crowded, &ledger())).ledger.unwrap();
    assert_eq!((told.entries[A].grant, told.entries[A].surplus), (Connections(70), Some(Surplus::BeyondReserve)));
    let said = promise(&told, seen(70, 70));
    assert_eq!(evidence(&said, Assumption::RolloutsCovered), Evidence::Contradicted);
    assert_eq!(evidence(&said, Assumption::ScaledHereOnly), Evidence::NotContradicted);
}

#[test]
fn a_dearer_replica_is_nobody_elses_doing() {
    let dearer = Footprint { per_replica: Connections(12), ..turn(at_rest(5), &ledger()).footprint };
    let told = plan(&ledger(), &Turn { footprint: dearer, ..turn(at_rest(5), &ledger()) }).ledger.unwrap();
    assert_eq!((told.entries[A].grant, told.entries[A].surplus), (Connections(60), None));
}

#[test]
fn of_many_consumers_three_are_named_and_the_others_counted() {
    let entry = |n: u32| (format!("orders/{n}"), Entry { surplus: Some(Surplus::ScaledByOthers), ..entry() });
    let many = Ledger { entries: (0..5).map(entry).collect(), ..ledger() };
    let said = promise(&many, Seen::default());
    assert!(message(&said, Assumption::ScaledHereOnly).contains("orders/0, orders/1, orders/2 and 2 others: "));
}

proptest! {
    #[test]
    fn it_holds_only_where_what_is_granted_and_kept_back_and_open_fits_for_all_that_is_known(
        usable in prop::option::of(0..200_u32), reserve in 0..100_u32, grant in 0..200_u32, shared: bool, readable: bool,
        open in prop::option::of(0..300_u32), live in prop::option::of(0..200_u32),
    ) {
        let capacity = usable.map_or_else(Capacity::default, |usable| Capacity::fixed(Connections(usable)));
        let capacity = if readable { capacity } else { capacity.read(None) };
        let entries = [(A.into(), Entry { grant: Connections(grant), ..entry() })].into();
        let shared_with = if shared { vec!["another".into()] } else { Vec::new() };
        let ledger = Ledger { capacity, reserve: Connections(reserve), shared_with, entries, ..Ledger::default() };
        let seen = Seen { open: open.map(Connections), live: live.map(Connections) };
        let promise = promise(&ledger, seen);
        let fits = usable.is_some_and(|usable| grant <= usable.saturating_sub(reserve));
        let explained = open.is_none_or(|open| open <= grant + reserve);
        prop_assert_eq!(promise.standing.holds() == Some(true), fits && !shared && explained && readable);
        let named: Vec<Assumption> = promise.findings.iter().map(|finding| finding.assumption).collect();
        prop_assert_eq!(named, Assumption::ALL);
        let blames_open = evidence(&promise, Assumption::PerReplicaRight) == Evidence::Contradicted;
        prop_assert_eq!(blames_open, !explained);
    }
}
