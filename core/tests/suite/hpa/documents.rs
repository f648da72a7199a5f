//! Worked examples in the proposals behind the HPA and in AWS's documents.

use hybridscaler_core::{
    Replicas,
    history::History,
    look,
    policy::{Pace, RateKind, RatePolicy, Target},
    reading::{Load, Reading},
};
use jiff::SignedDuration;
use serde_json::Value;

use super::{name, thousandths, typed};
use crate::{
    dial::{MOST, dial, dialled, window},
    support::{at, at_rest, now, policy, seen, unhurried, utilization},
};

pub(super) fn example(case: &Value) {
    match name(case) {
        "KEP-4951 ratio 1.07, 100 replicas, default 10% tolerance" => tolerated(case),
        "KEP-853 story 1: scaleUp Percent 900/60 s from 1" => tenfold_each_minute(case),
        "KEP-853 story 5 window-max over last 10" | "KEP-853 story 5 next minute" => largest_of_ten_minutes(case),
        "AWS step cooldown: +2 done, then a +3 step alarms during cooldown" => the_difference_is_added(case),
        other => panic!("nothing runs {other}"),
    }
}

fn tolerated(case: &Value) {
    let current: u32 = typed(&case["current"]);
    let milli = thousandths(typed(&case["ratio"])).into();
    let mut policy = policy(1, MOST, &[("external", Target::Value { milli: 1000 })]);
    policy.behavior.scale_up = unhurried();
    let reading = Reading::Known { load: Load::Value { milli }, at: now() };
    let decision = look(&policy, &seen(at_rest(current), &[reading]), &mut History::default(), now());
    assert_eq!(decision.replicas.0, typed::<u32>(&case["expected"]));
}

fn tenfold_each_minute(case: &Value) {
    let tenfold = RatePolicy { kind: RateKind::Percent, value: 900, period: SignedDuration::from_secs(60) };
    let policy = dialled(1, MOST, Pace { policies: vec![tenfold], ..unhurried() }, unhurried());
    let sequence: Vec<u32> = typed(&case["sequence"]);
    let mut history = History::default();
    for (minute, pair) in (0..).zip(sequence.windows(2)) {
        for second in [0, 30, 59] {
            let now = at(minute * 60 + second);
            let current = if second == 0 { pair[0] } else { pair[1] };
            let decision = look(&policy, &dial(current, MOST, now), &mut history, now);
            assert_eq!(decision.replicas.0, pair[1], "{second} s into minute {minute}");
            history.scaled(&at_rest(current), decision.replicas, &policy, now);
        }
    }
}

fn largest_of_ten_minutes(case: &Value) {
    let recommended: Vec<u32> = typed(&case["window"]);
    let policy = dialled(1, MOST, unhurried(), window(600));
    let mut history = History { since: Some(at(-10_000)), ..History::default() };
    let (newest, earlier) = recommended.split_last().unwrap();
    for (minute, &replicas) in (-9..).zip(earlier) {
        history.recommended(Replicas(replicas), &policy, at(minute * 60));
    }
    let decision = look(&policy, &dial(20, *newest, now()), &mut history, now());
    assert_eq!(decision.replicas.0, typed::<u32>(&case["expected_scale_down_to"]));
}

/// 10 replicas at a target of 100 %: 120 % asks for two more, and 130 % of the 10 for three more, of which two are there.
fn the_difference_is_added(case: &Value) {
    let policy = policy(1, 100, &[("cpu", Target::Utilization(100))]);
    let mut history = History::default();
    let look_at = |percent, current, history: &mut History| {
        look(&policy, &seen(at_rest(current), &[utilization(percent)]), history, now()).replicas.0
    };
    let first = 10 + typed::<u32>(&case["first"]);
    assert_eq!(look_at(120.0, 10, &mut history), first);
    history.scaled(&at_rest(10), Replicas(first), &policy, now());
    assert_eq!(look_at(130.0, first, &mut history) - first, typed::<u32>(&case["expected_extra"]));
}
