//! Why a proposal is what it is, and what it rests on: a number alone does not tell a right reason from a wrong one.

use hybridscaler_core::{
    Replicas,
    budget::Waiting,
    decide,
    demand::{Counted, Measure, Ruling, Verdict},
    explanation::{BudgetStep, Explanation, Limit},
    history::{Activity, Cooling, History, Settled},
    observation::Workload,
    policy::{Enough, Pace, Queue, RateKind, RatePolicy, Target},
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Usage},
};
use jiff::SignedDuration;

use crate::support::{at, at_rest, messages, now, policy, queue, seen, unhurried, unknown};

fn counted(target: Target, load: Load, workload: Workload, history: &History) -> Counted {
    let policy = policy(1, 50, &[("signal", target)]);
    let readings = [Reading::Known { load, at: now() }];
    let decision = decide(&policy, &seen(workload, &readings), history, now());
    match &decision.explanation.demand.proposals[0].verdict {
        Verdict::Known(counted) => *counted,
        Verdict::Unknown(unread) => unreachable!("it was read: {unread}"),
    }
}

/// A cooldown of 30 s that began with 5 replicas, 10 s ago.
fn cooling() -> History {
    let up = Activity { base: Replicas(5), to: Replicas(8), at: at(-10), settled: Some(at(-10)) };
    History { scale_up: Some(up), ..History::default() }
}

fn pods(usages: &[Option<u64>]) -> Load {
    let pod = |usage: &Option<u64>| Pod {
        phase: Phase::Running,
        deleting: false,
        started: Some(at(-3_600)),
        ready: Some(Ready { ready: true, since: at(-3_600) }),
        request_milli: Some(1_000),
        usage: usage.map(|milli| Usage { milli, at: now(), window: SignedDuration::from_secs(30) }),
    };
    Load::Pods { resource: Resource::Cpu, pods: usages.iter().map(pod).collect() }
}

fn ruling(target: Target, load: Load, replicas: u32) -> (u32, Ruling) {
    let counted = counted(target, load, at_rest(replicas), &History::default());
    (counted.replicas.0, counted.ruling)
}

#[test]
fn in_a_scale_up_cooldown_a_ratio_is_multiplied_by_the_replicas_at_its_start() {
    let base = |counted: Counted| match counted.measure {
        Measure::Pods { base, .. } | Measure::Value { base, .. } => (counted.replicas.0, base.0, counted.ruling),
        measure => unreachable!("{measure:?}"),
    };
    let cases = [
        (Target::Value { milli: 100_000 }, Load::Value { milli: 300_000 }, (15, 5), (24, 8)),
        (Target::Utilization(50), pods(&[Some(1_500); 8]), (15, 5), (24, 8)),
        (Target::AverageValue { milli: 500 }, pods(&[Some(1_500); 8]), (15, 5), (24, 8)),
    ];
    for (target, load, (asked, from), (asked_without, from_without)) in cases {
        let during = counted(target, load.clone(), at_rest(8), &cooling());
        assert_eq!(base(during), (asked, from, Ruling::More), "{target:?}");
        assert_eq!(during.after_cooldown, Replicas(asked_without), "{target:?}");
        let without = counted(target, load, at_rest(8), &History::default());
        assert_eq!(base(without), (asked_without, from_without, Ruling::More), "{target:?}");
    }
}

#[test]
fn in_a_scale_up_cooldown_a_ratio_that_the_added_replicas_will_carry_asks_for_nothing() {
    for (target, load) in [
        (Target::Value { milli: 100_000 }, Load::Value { milli: 150_000 }),
        (Target::Utilization(50), pods(&[Some(750); 8])),
    ] {
        let counted = counted(target, load, at_rest(8), &cooling());
        assert_eq!((counted.replicas, counted.ruling), (Replicas(8), Ruling::CapacityOnItsWay), "{target:?}");
    }
}

#[test]
fn pods_below_their_target_keep_their_number_where_one_fewer_could_not_carry_it() {
    let target = Target::Utilization(100);
    assert_eq!(ruling(target, pods(&[Some(850); 3]), 3), (3, Ruling::WholeReplicas));
    assert_eq!(ruling(target, pods(&[Some(600); 3]), 3), (2, Ruling::Fewer));
    assert_eq!(ruling(target, pods(&[Some(950); 3]), 3), (3, Ruling::WithinTolerance));
}

#[test]
fn pods_with_a_missing_one_are_counted_the_careful_way() {
    let target = Target::Utilization(100);
    // 60 % of four, and the fifth may use all it requests: 68 % of five.
    assert_eq!(ruling(target, pods(&[Some(600), Some(600), Some(600), Some(600), None]), 5), (4, Ruling::Fewer));
    // 160 % of four, and the fifth may use nothing: 128 % of five.
    assert_eq!(ruling(target, pods(&[Some(1_600), Some(1_600), Some(1_600), Some(1_600), None]), 5), (7, Ruling::More));
    // 120 % of one and 60 % of both are on two sides of the target; 92 % of both is within the tolerance.
    assert_eq!(ruling(target, pods(&[Some(1_200), None]), 2), (2, Ruling::MissingPods));
    assert_eq!(ruling(target, pods(&[Some(850), None]), 2), (2, Ruling::MissingPods));
}

#[test]
fn the_careful_way_never_turns_a_scale_down_into_a_scale_up_of_what_is_desired() {
    let target = Target::Utilization(100);
    // Six pods live, three are desired: 83 % of six asks for five, which is more than desired.
    let six = pods(&[Some(800), Some(800), Some(800), Some(800), Some(800), None]);
    assert_eq!(ruling(target, six.clone(), 3), (3, Ruling::MissingPods));
    assert_eq!(ruling(target, six.clone(), 5), (5, Ruling::WholeReplicas));
    assert_eq!(ruling(target, six, 6), (5, Ruling::Fewer));
    // Two pods live, nine are desired: 150 % of two asks for three, which is fewer than desired.
    assert_eq!(ruling(target, pods(&[Some(3_000), None]), 9), (9, Ruling::MissingPods));
    assert_eq!(ruling(target, pods(&[Some(3_000), None]), 3), (3, Ruling::WholeReplicas));
}

#[test]
fn of_pods_that_request_nothing_no_percentage_is_taken() {
    let Load::Pods { resource, pods } = pods(&[Some(600), Some(600)]) else { unreachable!("pods were made") };
    let pods = pods.iter().map(|pod| Pod { request_milli: Some(0), ..pod.clone() }).collect();
    let policy = policy(1, 50, &[("signal", Target::Utilization(65))]);
    let readings = [Reading::Known { load: Load::Pods { resource, pods }, at: now() }];
    let decision = decide(&policy, &seen(at_rest(5), &readings), &History::default(), now());
    assert_eq!((decision.replicas, decision.limited_by), (Replicas(5), Limit::UnknownSignal));
}

#[test]
fn every_pod_is_counted_in_one_group() {
    let Load::Pods { resource, pods } = pods(&[Some(600), Some(600), None, None, Some(600)]) else {
        unreachable!("pods were made")
    };
    let of = |(at, pod): (usize, &Pod)| match at {
        0 | 2 => Pod { deleting: true, ..pod.clone() },
        1 => Pod { phase: Phase::Pending, ..pod.clone() },
        _ => pod.clone(),
    };
    let pods = pods.iter().enumerate().map(of).collect();
    let counted = counted(Target::Utilization(65), Load::Pods { resource, pods }, at_rest(5), &History::default());
    let Measure::Pods { seen, .. } = counted.measure else { unreachable!("pods were read") };
    assert_eq!([seen.ready, seen.unready, seen.missing, seen.ignored], [1, 1, 1, 2]);
}

#[test]
fn a_value_below_its_target_keeps_its_replicas_where_one_fewer_could_not_carry_it() {
    let target = Target::AverageValue { milli: 100_000 };
    let value = |milli| ruling(target, Load::Value { milli }, 4);
    assert_eq!(value(350_000), (4, Ruling::WholeReplicas));
    assert_eq!(value(200_000), (2, Ruling::Fewer));
    assert_eq!(value(401_000), (4, Ruling::WithinTolerance));
    assert_eq!(value(500_000), (5, Ruling::More));
}

#[test]
fn message_groups_are_named_only_where_they_keep_a_proposal_down() {
    let target = Target::Queue(Queue { enough: Enough::Messages(60), concurrency: None, message_groups: Some(5) });
    let visible = |visible| ruling(target, Load::Queue { visible, in_flight: 0, delayed: 0 }, 3);
    assert_eq!(visible(300), (5, Ruling::More));
    assert_eq!(visible(301), (5, Ruling::MessageGroups));
}

#[test]
fn a_budget_that_gives_all_that_is_wanted_limits_nothing() {
    let policy = policy(1, 50, &[("signal", messages(60))]);
    let decision = decide(&policy, &seen(at_rest(5), &[queue(300)]), &History::default(), now());
    let limit = |to| {
        let waiting = Some(Waiting::NotObserved);
        let step =
            BudgetStep { name: "db".into(), from: Replicas(5), to: Replicas(to), allowed: Replicas(to), waiting };
        Explanation { budget: Some(step), ..decision.explanation.clone() }.limited_by()
    };
    assert_eq!((limit(5), limit(4)), (Limit::None, Limit::RolloutInProgress));
}

#[test]
fn a_percentage_of_pods_is_rounded_down() {
    let counted = counted(Target::Utilization(50), pods(&[Some(1_119), Some(1_120)]), at_rest(2), &History::default());
    let Measure::Pods { seen, .. } = counted.measure else { unreachable!("pods were read") };
    assert_eq!(seen.usage, hybridscaler_core::demand::PodsUse::Percent(111));
    assert_eq!(counted.replicas, Replicas(5));
}

#[test]
fn a_workload_at_rest_whose_signals_are_unknown_says_that_no_signal_can_be_read() {
    let policy = policy(0, 50, &[("backlog", messages(60))]);
    let seen = seen(at_rest(0), &[unknown(Unknown::Unreachable)]);
    let decision = decide(&policy, &seen, &History::default(), now());
    assert_eq!((decision.replicas, decision.explanation.demand.winner), (Replicas::ZERO, None));
}

#[test]
fn a_trigger_that_was_not_read_yet_is_no_mismatch() {
    let policy = policy(1, 50, &[("one", messages(60)), ("two", messages(60))]);
    let decision = decide(&policy, &seen(at_rest(5), &[queue(300)]), &History::default(), now());
    let whys: Vec<_> = decision.explanation.demand.unknown().map(|(name, unread)| (name, unread.why)).collect();
    assert_eq!(whys, [("two", Unknown::NotReadYet)]);
}

#[test]
fn a_change_that_nobody_looked_at_gives_up_settling_by_the_clock_alone() {
    let change = Activity { base: Replicas(5), to: Replicas(8), at: at(0), settled: None };
    let cooldown = SignedDuration::from_secs(30);
    assert_eq!(change.cooling(cooldown, at(299)), Cooling::Settling { latest: at(330) });
    assert_eq!(change.cooling(cooldown, at(300)), Cooling::Until { end: at(330), since: Settled::SettleTimeout });
    assert_eq!(change.cooling(cooldown, at(330)), Cooling::Over);
}

#[test]
fn messages_in_flight_stand_still_while_they_move_by_no_more_than_a_hundredth() {
    let policy = policy(1, 50, &[("backlog", messages(60))]);
    let still_after = |in_flight| {
        let mut history = History::default();
        for (seconds, in_flight) in [(0, 2_050), (15, in_flight)] {
            let load = Load::Queue { visible: 500, in_flight, delayed: 0 };
            let readings = [Reading::Known { load, at: at(seconds) }];
            history.observed(&policy, &seen(at_rest(5), &readings), at(seconds));
        }
        history.trends[0].still.map(|still| still.since)
    };
    assert_eq!([2_030, 2_070].map(still_after), [Some(at(0)); 2]);
    assert_eq!([2_029, 2_071].map(still_after), [Some(at(15)); 2]);
}

#[test]
fn a_rate_policy_is_named_only_where_it_keeps_a_change_smaller() {
    let mut policy = policy(1, 50, &[("backlog", messages(60))]);
    let rate = RatePolicy { kind: RateKind::Pods, value: 2, period: SignedDuration::from_secs(60) };
    policy.behavior.scale_up = Pace { policies: vec![rate], ..unhurried() };
    policy.behavior.scale_down = Pace { policies: vec![rate], ..unhurried() };
    let outcome = |messages| {
        let decision = decide(&policy, &seen(at_rest(10), &[queue(messages)]), &History::default(), now());
        (decision.replicas.0, decision.limited_by)
    };
    assert_eq!([480, 420].map(outcome), [(8, Limit::None), (8, Limit::ScaleDownLimit)]);
    assert_eq!([720, 780].map(outcome), [(12, Limit::None), (12, Limit::ScaleUpLimit)]);
    // Where a bound allows no more than the policy, it is the bound.
    let bound = |running, messages| {
        let decision = decide(&policy, &seen(at_rest(running), &[queue(messages)]), &History::default(), now());
        (decision.replicas.0, decision.limited_by)
    };
    assert_eq!([bound(48, 3_600), bound(3, 0)], [(50, Limit::MaxReplicas), (1, Limit::MinReplicas)]);
}
