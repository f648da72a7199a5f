//! What people read: the sentence and the full text, word for word.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Capacity, Footprint, Growth, Ledger, Plan, RolloutReserve, Shape, Turn, Waiting, plan},
    decide,
    explanation::{Explanation, Limit},
    history::{Activity, History},
    observation::{Rollout, Workload},
    policy::Target,
    reading::{Reading, Unknown},
};

use crate::support::{at, at_rest, messages, now, policy, queue, queue_of, seen, unknown, utilization};

fn explain(workload: Workload, readings: &[Reading; 2], history: &History) -> Explanation {
    let policy = policy(2, 50, &[("backlog", messages(60)), ("cpu", Target::Utilization(65))]);
    decide(&policy, &seen(workload, readings), history, now()).explanation
}

fn headline(workload: Workload, readings: &[Reading; 2], history: &History) -> String {
    explain(workload, readings, history).headline().to_string()
}

/// `explanation` after a budget of `usable` connections, 10 a replica, of which nobody else holds any.
fn budgeted(explanation: Explanation, usable: u32) -> Explanation {
    let ledger = Ledger { capacity: Capacity::fixed(Connections(usable)), ..Ledger::default() };
    let turn = Turn {
        consumer: "orders/order-worker",
        uid: "7",
        target: "Deployment/order-worker",
        footprint: Footprint { shape: Shape::Recreate, reserve: RolloutReserve::Full, per_replica: Connections(10) },
        workload: explanation.workload,
        wanted: explanation.replicas,
        growth: Growth::Allowed,
        seen_version: None,
    };
    explanation.with_budget("orders-db", &plan(&ledger, &turn))
}

fn scaled_up(settled: Option<i64>) -> History {
    let up = Activity { base: Replicas(5), to: Replicas(8), at: at(-20), settled: settled.map(at) };
    History { scale_up: Some(up), ..History::default() }
}

fn scaled_down() -> History {
    let down = Activity { base: Replicas(9), to: Replicas(8), at: at(-20), settled: Some(at(-10)) };
    History { scale_down: Some(down), ..History::default() }
}

#[test]
fn the_headline_says_from_what_to_what_by_whom_and_limited_by_what() {
    let quiet = || utilization(10.0);
    let none = History::default;
    let stuck = Workload { rollout: Rollout::InProgress, ..at_rest(5) };
    for (expected, found) in [
        ("5 -> 24: backlog wants 24 (1,440 visible / 60)", headline(at_rest(5), &[queue(1_440), quiet()], &none())),
        (
            "5 -> 3: backlog wants 3 ((60 visible + 61 in flight) / 60)",
            headline(at_rest(5), &[queue_of(60, 61, 0), quiet()], &none()),
        ),
        (
            "5 stays: backlog wants 5 (310 visible at 60 a replica, within tolerance)",
            headline(at_rest(5), &[queue(310), quiet()], &none()),
        ),
        (
            "5 stays: backlog wants 5 (60 visible + 600 in flight need them)",
            headline(at_rest(5), &[queue_of(60, 600, 0), quiet()], &none()),
        ),
        ("5 -> 8: cpu wants 8 (5 x 97.5 % / 65 %)", headline(at_rest(5), &[queue(0), utilization(97.5)], &none())),
        (
            "5 -> 50: backlog wants 100 (6,000 visible / 60); maxReplicas is 50",
            headline(at_rest(5), &[queue(6_000), quiet()], &none()),
        ),
        (
            "5 -> 2: cpu wants 1 (5 x 10 % / 65 %); minReplicas is 2",
            headline(at_rest(5), &[queue(0), quiet()], &none()),
        ),
        (
            "5 stays: cpu wants 1 (5 x 10 % / 65 %); no scale-in while backlog is unknown",
            headline(at_rest(5), &[unknown(Unknown::Throttled), quiet()], &none()),
        ),
        (
            "5 stays: no signal can be read (backlog Throttled, cpu Empty)",
            headline(at_rest(5), &[unknown(Unknown::Throttled), unknown(Unknown::Empty)], &none()),
        ),
        (
            "5 stays: backlog wants 3 ((180 visible + 0 in flight) / 60); no scale-in during a rollout",
            headline(stuck, &[queue(180), quiet()], &none()),
        ),
        (
            "8 stays: cpu wants 8 (5 x 104 % / 65 %, asked for already); scale-up cooldown until 2027-01-15T08:00:20Z",
            headline(at_rest(8), &[queue(0), utilization(104.0)], &scaled_up(Some(-10))),
        ),
        (
            "8 stays: cpu wants 8 (5 x 104 % / 65 %, asked for already); scale-up cooldown until the change has settled, \
             2027-01-15T08:05:10Z at the latest",
            headline(at_rest(8), &[queue(0), utilization(104.0)], &scaled_up(None)),
        ),
        (
            "8 stays: backlog wants 3 ((180 visible + 0 in flight) / 60); scale-down cooldown until 2027-01-15T08:02:50Z",
            headline(at_rest(8), &[queue(180), quiet()], &scaled_down()),
        ),
        (
            "0 stays: backlog wants 7 (420 visible / 60); paused by hand at 0",
            headline(at_rest(0), &[queue(420), quiet()], &none()),
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn the_budget_has_the_last_word_in_the_headline_and_the_limit() {
    let wants_24 = explain(at_rest(5), &[queue(1_440), utilization(10.0)], &History::default());
    let capped = budgeted(wants_24.clone(), 180);
    assert_eq!(
        capped.headline().to_string(),
        "5 -> 18: backlog wants 24 (1,440 visible / 60); orders-db allows 18: 60 more connections are needed and 0 are free"
    );
    assert_eq!((capped.told(), capped.limited_by()), (Replicas(18), Limit::ConnectionBudget));

    let free = budgeted(wants_24, 240);
    assert_eq!(free.headline().to_string(), "5 -> 24: backlog wants 24 (1,440 visible / 60)");
    assert_eq!((free.told(), free.limited_by()), (Replicas(24), Limit::None));
}

#[test]
fn a_scaler_that_only_watches_is_not_limited_by_its_budget() {
    let wants_24 = explain(at_rest(5), &[queue(1_440), utilization(10.0)], &History::default());
    for waiting in [None, Some(Waiting::DryRun), Some(Waiting::Paused)] {
        let nothing_done = Plan { ledger: None, write: None, allowed: Replicas(5), waiting };
        let watched = wants_24.clone().with_budget("orders-db", &nothing_done);
        assert_eq!((watched.told(), watched.limited_by()), (Replicas(5), Limit::None));
        assert_eq!(watched.headline().to_string(), "5 stays: backlog wants 24 (1,440 visible / 60)");
    }
}

#[test]
fn a_budget_that_waits_for_the_target_is_not_blamed_for_it() {
    let unseen = Workload { rollout: Rollout::NotObserved, ..at_rest(5) };
    let waiting = budgeted(explain(unseen, &[queue(1_440), utilization(10.0)], &History::default()), 500);
    assert_eq!(waiting.limited_by(), Limit::RolloutInProgress);
}

#[test]
fn every_signal_that_holds_a_scale_in_is_named() {
    let triggers = ["backlog", "cpu", "orders", "returns"].map(|name| (name, messages(60)));
    let lost = || unknown(Unknown::Throttled);
    for (readings, expected) in [
        ([lost(), queue(0), queue(0), queue(0)], "backlog is unknown"),
        ([lost(), lost(), queue(0), queue(0)], "backlog and cpu are unknown"),
        ([lost(), lost(), lost(), queue(0)], "backlog, cpu and orders are unknown"),
    ] {
        let seen = seen(at_rest(5), &readings);
        let text = decide(&policy(1, 50, &triggers), &seen, &History::default(), now()).explanation.to_string();
        let expected = format!(" -> 5: no scale-in while {expected}\n");
        assert!(text.contains(&expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn no_headline_is_longer_than_160_characters() {
    let name = "a-trigger-with-a-name-as-long-as-a-dns-label-may-be-at-most-63c";
    let policy = policy(2, 50, &[(name, messages(60)), ("cpu", Target::Utilization(65))]);
    let readings = [unknown(Unknown::Unreachable), unknown(Unknown::Unreachable)];
    let decision = decide(&policy, &seen(at_rest(1_000), &readings), &History::default(), now());
    let long = budgeted(decision.explanation, 10).headline().to_string();
    assert!(long.chars().count() <= 160, "{long}");

    let readings = [queue(3_000_000), unknown(Unknown::Unreachable)];
    let decision = decide(&policy, &seen(at_rest(5), &readings), &scaled_up(None), now());
    let cut = budgeted(decision.explanation, 180).headline().to_string();
    assert_eq!(cut, "5 -> 18: orders-db allows 18: 320 more connections are needed and 0 are free");
}

#[test]
fn the_full_text_shows_every_reading_every_step_and_what_would_change_it() {
    let workload = Workload { running: Replicas(4), starting: Replicas(1), terminating: Replicas(2), ..at_rest(5) };
    let wants_100 = explain(workload, &[queue_of(6_000, 12, 3), unknown(Unknown::Throttled)], &History::default());
    assert_eq!(
        budgeted(wants_100, 180).to_string(),
        "\
5 -> 16: backlog wants 100 (6,000 visible / 60); maxReplicas is 50; orders-db allows 16: 340 more connections are needed and 0 are free
decided at 2027-01-15T08:00:00Z; limited by ConnectionBudget
seen: 5 desired, 4 running, 1 starting, 2 terminating, settled
backlog: wants 100, the largest (6,000 visible / 60); read 6,000 visible, 12 in flight, 3 delayed, 3s old
cpu: unknown (Throttled): the source did not answer
100 -> 50: maxReplicas is 50
budget orders-db: 50 -> 16, allows 16: 340 more connections are needed and 0 are free
next: when the budget has room; it is asked again on every turn, outside the cooldown"
    );
}

#[test]
fn the_last_line_says_what_the_next_move_needs() {
    let next = |explanation: Explanation| explanation.to_string().lines().last().unwrap().to_owned();
    let none = History::default;
    assert_eq!(
        next(explain(at_rest(5), &[queue(310), utilization(60.0)], &none())),
        "next: more replicas when backlog is above 330 visible or cpu is above 71.5 %; fewer when backlog is below 241 visible and in \
         flight and cpu is below 52 %"
    );
    assert_eq!(
        next(explain(at_rest(8), &[queue(0), utilization(104.0)], &scaled_up(Some(-10)))),
        "next: 13 when the cooldown is over, if the readings stay"
    );
    assert_eq!(
        next(explain(at_rest(8), &[queue(180), utilization(10.0)], &scaled_down())),
        "next: 3 when the cooldown is over, if the readings stay"
    );
    assert_eq!(
        next(explain(at_rest(5), &[unknown(Unknown::Empty), utilization(32.5)], &none())),
        "next: 3 when every signal can be read, if none of them asks for more"
    );
    assert_eq!(
        next(explain(at_rest(5), &[unknown(Unknown::Empty), unknown(Unknown::Empty)], &none())),
        "next: what the signals ask for when they can be read"
    );
    assert_eq!(
        next(explain(at_rest(2), &[queue(0), utilization(0.0)], &none())),
        "next: more load, or a minReplicas below 2"
    );
    assert_eq!(
        next(explain(at_rest(50), &[queue(6_000), utilization(0.0)], &none())),
        "next: less load, or a maxReplicas above 50"
    );
    assert_eq!(
        next(explain(at_rest(0), &[queue(0), utilization(0.0)], &none())),
        "next: when somebody sets at least 1 replica"
    );
}
