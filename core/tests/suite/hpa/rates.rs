//! Rate policies, and the changes that they remember.

use hybridscaler_core::{
    Replicas,
    history::{History, ScaleEvent},
    look,
    policy::{Pace, Policy, RateKind, RatePolicy, SelectPolicy},
};
use jiff::SignedDuration;
use serde::Deserialize;

use super::scaling_limited;
use crate::{
    dial::{MOST, dial, dialled},
    support::{at, at_rest, now, unhurried},
};

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rules {
    select_policy: SelectPolicy,
    policies: Vec<Rate>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    r#type: RateKind,
    value: u32,
    period_seconds: i64,
}

impl Rules {
    /// Without the window: these cases are of the rates alone.
    fn pace(&self) -> Pace {
        let policies = self.policies.iter().map(|rate| RatePolicy {
            kind: rate.r#type,
            value: rate.value,
            period: SignedDuration::from_secs(rate.period_seconds),
        });
        Pace { policies: policies.collect(), select: self.select_policy, ..unhurried() }
    }
}

#[derive(Clone, Copy, Deserialize)]
struct Event {
    change: i64,
    age_s: i64,
}

fn history(current: u32, ups: &[Event], downs: &[Event]) -> History {
    let event =
        |sign: i64| move |event: &Event| ScaleEvent { change: sign * event.change, at: at(-event.age_s), until: None };
    let mut events: Vec<_> = ups.iter().map(event(1)).chain(downs.iter().map(event(-1))).collect();
    events.sort_by_key(|event| event.at);
    History { since: Some(at(-10_000)), desired: Some(Replicas(current)), events, ..History::default() }
}

/// What `current` becomes when the dial is turned to `wanted`, and what limits it in the HPA's words.
fn becomes(policy: &Policy, mut history: History, current: u32, wanted: u32) -> (u32, &'static str) {
    let decision = look(policy, &dial(current, wanted, now()), &mut history, now());
    (decision.replicas.0, scaling_limited(decision.limited_by))
}

#[derive(Deserialize)]
pub(super) struct Limited {
    current_replicas: u32,
    desired_replicas: u32,
    min_replicas: u32,
    max_replicas: u32,
    scale_up_rules: Rules,
    scale_down_rules: Rules,
    scale_up_events: Vec<Event>,
    scale_down_events: Vec<Event>,
    expected_replicas: u32,
    expected_reason: String,
}

pub(super) fn limited(case: &Limited) {
    let (up, down) = (case.scale_up_rules.pace(), case.scale_down_rules.pace());
    let policy = dialled(case.min_replicas, case.max_replicas, up, down);
    let history = history(case.current_replicas, &case.scale_up_events, &case.scale_down_events);
    let became = becomes(&policy, history, case.current_replicas, case.desired_replicas);
    assert_eq!(became, (case.expected_replicas, &*case.expected_reason));
}

#[derive(Deserialize)]
pub(super) struct WithoutBehavior {
    current_replicas: u32,
    desired_replicas: u32,
    min_replicas: u32,
    max_replicas: u32,
    expected_replicas: u32,
    expected_reason: String,
}

/// Without a `behavior` the HPA lets the replicas grow to `max(factor × current, 4)` at once: the policies that say so for `current`.
pub(super) fn legacy_growth(current: u32, factor: u32) -> Pace {
    let policy = |kind, value| RatePolicy { kind, value, period: SignedDuration::from_secs(15) };
    let to_four = (current < 4).then(|| policy(RateKind::Pods, 4 - current));
    let grown = policy(RateKind::Percent, (factor - 1) * 100);
    Pace { policies: [Some(grown), to_four].into_iter().flatten().collect(), ..unhurried() }
}

pub(super) fn without_behavior(case: &WithoutBehavior) {
    let current = case.current_replicas;
    let policy = dialled(case.min_replicas, case.max_replicas, legacy_growth(current, 2), unhurried());
    // Zero is believed after a while only.
    let history = History { idle_since: Some(at(-600)), ..history(current, &[], &[]) };
    let became = becomes(&policy, history, current, case.desired_replicas);
    assert_eq!(became, (case.expected_replicas, &*case.expected_reason));
}

#[derive(Deserialize)]
pub(super) struct LimitOf {
    current_replicas: u32,
    scale_up_events: Vec<Event>,
    scale_down_events: Vec<Event>,
    rules: Rules,
    expected_limit: u32,
}

impl LimitOf {
    fn reached(&self, policy: &Policy, wanted: u32) -> u32 {
        let history = history(self.current_replicas, &self.scale_up_events, &self.scale_down_events);
        becomes(policy, history, self.current_replicas, wanted).0
    }
}

pub(super) fn up_limit(case: &LimitOf) {
    assert_eq!(case.reached(&dialled(1, MOST, case.rules.pace(), unhurried()), MOST), case.expected_limit);
}

pub(super) fn down_limit(case: &LimitOf) {
    assert_eq!(case.reached(&dialled(1, MOST, unhurried(), case.rules.pace()), 0), case.expected_limit);
}

#[derive(Deserialize)]
pub(super) struct Stored {
    replica_change: u32,
    previous_events: Vec<Event>,
    rules: Option<Rules>,
    expected_change_in_last_60s_before_store: i64,
    expected_events_after: Vec<After>,
}

#[derive(Deserialize)]
struct After {
    change: i64,
    outdated: bool,
}

/// Once up, once down. The HPA marks what is too old to matter and writes over one such; here it is dropped at the next look.
pub(super) fn stored(case: &Stored) {
    const CURRENT: u32 = 100;
    let rules = case.rules.as_ref().map_or_else(unhurried, Rules::pace);
    for (sign, to) in [(1, CURRENT + case.replica_change), (-1, CURRENT - case.replica_change)] {
        let (up, down): (&[Event], &[Event]) =
            if sign > 0 { (&case.previous_events, &[]) } else { (&[], &case.previous_events) };
        let changed = changed_in_the_last_minute(history(CURRENT, up, down), CURRENT);
        if case.rules.is_some() || case.previous_events.is_empty() {
            assert_eq!(changed, sign * case.expected_change_in_last_60s_before_store);
        }

        let policy = dialled(1, MOST, rules.clone(), rules.clone());
        let mut history = history(CURRENT, up, down);
        if case.rules.is_some() {
            history.observed(&policy, &dial(CURRENT, CURRENT, now()), now());
        }
        history.scaled(&at_rest(CURRENT), Replicas(to), &policy, now());
        let kept: Vec<i64> = history.events.iter().map(|event| sign * event.change).collect();
        let mut expected: Vec<i64> =
            case.expected_events_after.iter().filter(|after| !after.outdated).map(|after| after.change).collect();
        expected.sort_unstable();
        let sorted = |mut list: Vec<i64>| {
            list.sort_unstable();
            list
        };
        assert_eq!(sorted(kept), sorted(expected));
    }
}

/// As a rate policy of a minute sees it.
fn changed_in_the_last_minute(history: History, current: u32) -> i64 {
    const MORE: u32 = 1000;
    let minute = RatePolicy { kind: RateKind::Pods, value: MORE, period: SignedDuration::from_secs(60) };
    let pace = Pace { policies: vec![minute], ..unhurried() };
    let (limit, _) = becomes(&dialled(1, MOST, pace.clone(), pace), history, current, MOST);
    i64::from(current + MORE) - i64::from(limit)
}
