//! What a formula comes to, and when it comes to nothing.

use std::collections::BTreeMap;

use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
    policy::{Behavior, Outage, Pace, SelectPolicy},
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Unread, Usage},
};
use hybridscaler_formula::{Field, Formula, Signal, Variable};
use jiff::{SignedDuration, Timestamp};

use super::compile;

const STALE_AFTER: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn behavior() -> Behavior {
    let pace = Pace {
        cooldown: SignedDuration::ZERO,
        window: SignedDuration::ZERO,
        tolerance_permille: 100,
        policies: Vec::new(),
        select: SelectPolicy::Max,
    };
    Behavior { scale_up: pace.clone(), scale_down: pace, outage: Outage::Hold }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn known(load: Load, age: i64) -> Reading {
    Reading::Known { load, at: now() - SignedDuration::from_secs(age) }
}

fn queue(visible: u64, age: i64) -> Reading {
    known(Load::Queue { visible, in_flight: 3, delayed: 2 }, age)
}

fn value(milli: u64, age: i64) -> Reading {
    known(Load::Value { milli }, age)
}

fn pod(usage_milli: u64, request_milli: Option<u64>) -> Pod {
    let since = now() - SignedDuration::from_hours(1);
    Pod {
        phase: Phase::Running,
        deleting: false,
        started: Some(since),
        ready: Some(Ready { ready: true, since }),
        request_milli,
        usage: Some(Usage { milli: usage_milli, at: now(), window: SignedDuration::from_secs(30) }),
    }
}

fn pods(pods: Vec<Pod>) -> Reading {
    known(Load::Pods { resource: Resource::Cpu, pods: pods.into() }, 10)
}

/// What `formula` comes to on these readings, where `running` replicas run.
fn evaluate(formula: &Formula, readings: &[(&str, Reading)], running: u32) -> Reading {
    let readings: BTreeMap<&str, &Reading> = readings.iter().map(|(name, reading)| (*name, reading)).collect();
    let (running, none) = (Replicas(running), Replicas(0));
    let workload = Workload { desired: running, running, starting: none, terminating: none, rollout: Rollout::Settled };
    let signal = |input: &hybridscaler_formula::Input| Signal {
        reading: readings.get(&*input.trigger).copied(),
        stale_after: STALE_AFTER,
    };
    formula.evaluate(signal, &workload, &behavior(), now())
}

fn milli(text: &str, readings: &[(&str, Reading)]) -> u64 {
    match evaluate(&compile(text).unwrap(), readings, 3) {
        Reading::Known { load: Load::Value { milli }, .. } => milli,
        other => panic!("{text}: {other:?}"),
    }
}

fn unknown(text: &str, readings: &[(&str, Reading)]) -> Unread {
    match evaluate(&compile(text).unwrap(), readings, 3) {
        Reading::Unknown(unread) => unread,
        other @ Reading::Known { .. } => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_formula_computes_what_it_says() {
    let pods = pods(vec![pod(900, Some(1000)), pod(800, Some(1000))]);
    let readings = [("backlog", queue(420, 5)), ("cpu", pods), ("open-requests", value(12_500, 5))];
    for (text, expected) in [
        ("backlog.visible / 4.0 + (cpu.utilization > 80.0 ? 10.0 : 0.0)", 115_000),
        ("backlog.visible + backlog.inFlight * 10.0 - backlog.delayed", 448_000),
        ("cpu.utilization", 85_000),
        ("cpu.averageValue", 850),
        ("open_requests.value", 12_500),
        ("-open_requests.value + 13.0", 500),
        ("math.ceil(open_requests.value) + math.floor(open_requests.value)", 25_000),
        ("math.abs(backlog.delayed - backlog.inFlight)", 1_000),
        ("math.greatest(backlog.visible, 500.0, 7.0) - math.least(backlog.inFlight, 9.0)", 497_000),
        ("backlog.visible <= 420.0 && !(backlog.visible < 420.0) ? 1.0 : 2.0", 1_000),
        ("backlog.visible >= 421.0 || backlog.visible != 420.0 ? 1.0 : 2.0", 2_000),
        ("backlog.visible == 420.0 ? 1.0 : 2.0", 1_000),
        ("(backlog.visible - 420.0) * 1e300", 0),
    ] {
        assert_eq!(milli(text, &readings), expected, "{text}");
    }
}

#[test]
fn the_noise_of_floating_point_is_no_load() {
    let readings = [("open-requests", value(100, 0))];
    assert_eq!(milli("open_requests.value + 0.2", &readings), 300);
    assert_eq!(milli("0.3 - 0.2 - open_requests.value", &readings), 0);
}

#[test]
fn a_reading_is_as_old_as_the_oldest_input() {
    let readings = [("backlog", queue(1, 5)), ("open-requests", value(1, 50)), ("cpu", value(1, 59))];
    for text in ["backlog.visible + open_requests.value", "open_requests.value + backlog.visible"] {
        let Reading::Known { at, .. } = evaluate(&compile(text).unwrap(), &readings, 1) else { panic!("it is known") };
        assert_eq!(at, now() - SignedDuration::from_secs(50), "{text}");
    }
}

#[test]
fn a_division_by_zero_is_unknown_wherever_it_stands() {
    let readings = [("backlog", queue(0, 0)), ("open-requests", value(0, 0))];
    for text in [
        "open_requests.value / backlog.visible",
        "5.0 / backlog.visible",
        "1.0 / (5.0 / backlog.visible)",
        "math.least(5.0 / backlog.visible, 1.0)",
        "5.0 / backlog.visible > 3.0 ? 1.0 : 2.0",
        "backlog.visible == 0.0 && 1.0 / backlog.visible > 0.0 ? 1.0 : 2.0",
    ] {
        let Unread { why, message, .. } = unknown(text, &readings);
        let expected = "it divides by 0 with backlog.visible in the divisor: keep the divisor above 0, as with x > 0.0 ? y / x : 0.0";
        assert_eq!((why, &*message), (Unknown::Invalid, expected), "{text}");
    }
    assert_eq!(milli("backlog.visible > 0.0 ? 5.0 / backlog.visible : 0.0", &readings), 0);
    assert_eq!(
        &*unknown("backlog.visible / 0.0", &readings).message,
        "it divides by 0: keep the divisor above 0, as with x > 0.0 ? y / x : 0.0"
    );
}

#[test]
fn what_is_no_load_is_unknown() {
    let readings = [("backlog", queue(3, 0)), ("open-requests", value(0, 0))];
    for (text, expected) in [
        (
            "backlog.visible - 4.0",
            "backlog.visible lead to less than 0, which is no load: write math.greatest(…, 0.0) around it",
        ),
        ("backlog.visible * 1e16", "backlog.visible lead to more than 16P, which is no load: divide by more"),
        ("backlog.visible * 1e308", "backlog.visible lead to a number beyond all doubles: divide by more"),
        ("1.0 / (backlog.visible * 1e308)", "backlog.visible lead to a number beyond all doubles: divide by more"),
        (
            "backlog.visible * 1e308 - backlog.visible * 1e308",
            "backlog.visible lead to a number beyond all doubles: divide by more",
        ),
    ] {
        let Unread { why, message, .. } = unknown(text, &readings);
        assert_eq!((why, &*message), (Unknown::Invalid, expected), "{text}");
    }
    assert_eq!(milli("open_requests.value + 16e15", &readings), 16_000_000_000_000_000_000);
}

#[test]
fn an_input_that_is_unknown_makes_the_formula_unknown_whether_it_is_needed_or_not() {
    let backlog = ("backlog", queue(3, 0));
    let text = "backlog.visible > 0.0 ? backlog.visible : open_requests.value";
    for (reading, why, words) in [
        (None, Unknown::NotReadYet, "NotReadYet): the signal has not been read yet"),
        (Some(Reading::unknown(Unknown::NotFound, "no such metric")), Unknown::NotFound, "NotFound): no such metric"),
        (Some(value(5, 61)), Unknown::Stale, "Stale): the newest value is 1m 1s old, more than the 1m allowed"),
        (Some(value(5, -61)), Unknown::Invalid, "Invalid): the newest value is of "),
        (
            Some(known(Load::Utilization { percent: 5.0 }, 0)),
            Unknown::Invalid,
            "Invalid): the signal measures something else",
        ),
    ] {
        let readings: Vec<_> =
            [Some(backlog.clone()), reading.map(|reading| ("open-requests", reading))].into_iter().flatten().collect();
        let unread = unknown(text, &readings);
        let expected = format!("its input open_requests.value is unknown ({words}");
        assert!(unread.why == why && unread.message.starts_with(&expected), "{unread:?}");
    }
}

#[test]
fn a_formula_has_failed_for_as_long_as_the_input_that_failed_most() {
    let since = |failures: u32| Some(now() - SignedDuration::from_secs(i64::from(failures)));
    let failed = |failures| {
        Reading::Unknown(Unread { since: since(failures), failures, ..Unread::new(Unknown::Throttled, "slow down") })
    };
    for (one, two) in [(3, 8), (8, 3)] {
        let readings = [("backlog", failed(one)), ("open-requests", failed(two))];
        let unread = unknown("backlog.visible + open_requests.value", &readings);
        assert_eq!((unread.failures, unread.since), (8, since(8)));
    }
}

#[test]
fn the_cpu_of_pods_is_counted_by_the_hpas_rules() {
    let mut starting = pod(1_000, Some(1000));
    starting.ready = None;
    let deleting = Pod { deleting: true, ..pod(1_000, Some(1000)) };
    let readings = |pods_seen| [("cpu", pods(pods_seen))];
    let seen = readings(vec![pod(309, Some(1000)), pod(600, Some(1000)), starting, deleting]);
    assert_eq!(milli("cpu.utilization", &seen), 45_000);
    assert_eq!(milli("cpu.averageValue", &seen), 454);
    let bare = readings(vec![pod(300, None)]);
    assert_eq!(milli("cpu.averageValue", &bare), 300);
    let unread = unknown("cpu.utilization", &bare);
    assert!(unread.why == Unknown::Invalid && unread.message.contains("requests nothing of the resource"), "{unread}");
    assert_eq!(unknown("cpu.utilization", &readings(vec![])).why, Unknown::Empty);
}

#[test]
fn the_cpu_of_a_service_says_nothing_while_no_task_runs() {
    let variable = Variable { trigger: "cpu", fields: &[Field::Utilization] };
    let formula = Formula::compile("cpu.utilization", &[variable]).unwrap();
    let readings = [("cpu", known(Load::Utilization { percent: 12.5 }, 0))];
    assert_eq!(evaluate(&formula, &readings, 1), value(12_500, 0));
    assert_eq!(evaluate(&formula, &readings, 0).why(), Some(Unknown::Empty));
}
