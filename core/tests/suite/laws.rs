//! What holds for every decision, whatever the readings.

use hybridscaler_core::{
    Decision, Replicas, decide,
    history::{Activity, History},
    look,
    observation::{Rollout, Workload},
    policy::{Behavior, Pace, Policy, Target, Trigger},
    reading::{Load, MAX_PERCENT, Reading, Unknown},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::support::{at, at_rest, messages as enough, now, seen, unhurried};

/// One trigger and its reading; a reading may be of the wrong kind, stale, or of the future.
type Signal = (Target, Reading);

fn edge(usual: std::ops::Range<u32>) -> impl Strategy<Value = u32> {
    prop_oneof![8 => usual, 1 => Just(0), 1 => Just(u32::MAX)]
}

fn messages() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..5_000_u64, 1 => Just(0), 1 => Just(u64::MAX)]
}

fn percent() -> impl Strategy<Value = f64> {
    prop_oneof![16 => 0.0..400.0, 1 => Just(f64::NAN), 1 => Just(1e308), 1 => Just(-1.0), 1 => Just(f64::INFINITY)]
}

fn reading() -> impl Strategy<Value = Reading> {
    let queue = (messages(), messages(), messages()).prop_map(|(visible, in_flight, delayed)| Load::Queue {
        visible,
        in_flight,
        delayed,
    });
    let load = prop_oneof![queue, percent().prop_map(|percent| Load::Utilization { percent })];
    let known = (load, -400..100_i64).prop_map(|(load, age)| Reading::Known { load, at: at(age) });
    let unknown = Just(Reading::unknown(Unknown::Throttled, "throttled"));
    prop_oneof![6 => known, 1 => unknown]
}

fn signal() -> impl Strategy<Value = Signal> {
    let target = prop_oneof![(1..200_u32).prop_map(enough), (1..=100_u32).prop_map(Target::Utilization)];
    (target, reading())
}

fn workload() -> impl Strategy<Value = Workload> {
    let rollout =
        prop_oneof![4 => Just(Rollout::Settled), 1 => Just(Rollout::InProgress), 1 => Just(Rollout::NotObserved)];
    (edge(0..60), edge(0..60), edge(0..10), edge(0..10), rollout).prop_map(
        |(desired, running, starting, terminating, rollout)| Workload {
            desired: Replicas(desired),
            running: Replicas(running),
            starting: Replicas(starting),
            terminating: Replicas(terminating),
            rollout,
        },
    )
}

fn activity() -> impl Strategy<Value = Option<Activity>> {
    let seconds = || prop_oneof![8 => -600..100_i64, 1 => Just(i64::from(i32::MIN)), 1 => Just(i64::from(i32::MAX))];
    let some =
        (edge(0..60), edge(0..60), seconds(), prop::option::of(seconds())).prop_map(|(base, to, start, settled)| {
            Activity { base: Replicas(base), to: Replicas(to), at: at(start), settled: settled.map(at) }
        });
    prop::option::of(some)
}

fn history() -> impl Strategy<Value = History> {
    (activity(), activity()).prop_map(|(scale_up, scale_down)| History { scale_up, scale_down, ..History::default() })
}

fn behavior() -> impl Strategy<Value = Behavior> {
    let pace = || {
        let cooldown =
            prop_oneof![8 => 0..600_i64, 1 => Just(i64::MAX), 1 => Just(-5)].prop_map(SignedDuration::from_secs);
        (cooldown, edge(0..1_000)).prop_map(|(cooldown, tolerance_permille)| Pace {
            cooldown,
            tolerance_permille,
            ..unhurried()
        })
    };
    (pace(), pace()).prop_map(|(scale_up, scale_down)| Behavior { scale_up, scale_down })
}

/// A policy for `signals`, whose readings go stale after five minutes.
fn policy(min: u32, more: u32, behavior: Behavior, signals: &[Signal]) -> Policy {
    let stale_after = SignedDuration::from_mins(5);
    let trigger = |(i, (target, _)): (usize, &Signal)| Trigger {
        name: format!("t{i}").into(),
        target: *target,
        activation: None,
        stale_after,
    };
    Policy {
        min: Replicas(min),
        max: Replicas(min.saturating_add(more)),
        triggers: signals.iter().enumerate().map(trigger).collect(),
        behavior,
        ..crate::support::policy(1, 1, &[])
    }
}

prop_compose! {
    fn case()(
        min in 1..20_u32,
        more in edge(0..60),
        behavior in behavior(),
        signals in prop::collection::vec(signal(), 1..5),
        workload in workload(),
        history in history(),
    ) -> (Policy, Vec<Reading>, Workload, History) {
        let readings = signals.iter().map(|(_, reading)| reading.clone()).collect();
        (policy(min, more, behavior, &signals), readings, workload, history)
    }
}

fn decided(policy: &Policy, workload: Workload, readings: &[Reading], history: &History) -> Decision {
    decide(policy, &seen(workload, readings), history, now())
}

/// The same load, a little higher; what is no usable number stays one.
fn heavier(reading: &Reading, messages: u64, percents: f64) -> Reading {
    let Reading::Known { load, at } = reading else {
        return reading.clone();
    };
    let load = match load.clone() {
        Load::Queue { visible, in_flight, delayed } => {
            Load::Queue { visible: visible.saturating_add(messages), in_flight, delayed }
        }
        Load::Utilization { percent } if (0.0..=MAX_PERCENT).contains(&percent) => {
            Load::Utilization { percent: (percent + percents).min(MAX_PERCENT) }
        }
        unusable => unusable,
    };
    Reading::Known { load, at: *at }
}

proptest! {
    #[test]
    fn a_decision_is_never_above_the_maximum_nor_below_the_minimum_unless_paused((policy, readings, workload, history) in case()) {
        let replicas = decided(&policy, workload, &readings, &history).replicas;
        if workload.desired == Replicas::ZERO {
            prop_assert_eq!(replicas, Replicas::ZERO);
        } else {
            prop_assert!((policy.min..=policy.max).contains(&replicas), "{replicas}");
        }
    }

    #[test]
    fn an_unknown_signal_never_lowers_the_number((policy, mut readings, workload, history) in case(), which: prop::sample::Index) {
        let which = which.index(readings.len());
        readings[which] = Reading::unknown(Unknown::Unreachable, "");
        let replicas = decided(&policy, workload, &readings, &history).replicas;
        prop_assert!(replicas >= workload.desired.min(policy.max), "{replicas}");
    }

    #[test]
    fn more_load_never_means_fewer_replicas(
        (policy, readings, workload, history) in case(), messages in 0..1_000_u64, percents in 0.0..100.0,
    ) {
        let lighter = decided(&policy, workload, &readings, &history);
        let readings: Vec<_> = readings.iter().map(|reading| heavier(reading, messages, percents)).collect();
        let heavier = decided(&policy, workload, &readings, &history);
        prop_assert!(heavier.replicas >= lighter.replicas, "{} < {}", heavier.replicas, lighter.replicas);
    }

    #[test]
    fn the_order_of_the_triggers_changes_nothing(
        (policy, readings, workload, history) in case(), by in any::<prop::sample::Index>(),
    ) {
        let first = decided(&policy, workload, &readings, &history);
        let (mut turned, mut readings) = (policy.clone(), readings);
        let by = by.index(readings.len());
        turned.triggers.rotate_left(by);
        readings.rotate_left(by);
        let second = decided(&turned, workload, &readings, &history);
        prop_assert_eq!((first.replicas, first.limited_by), (second.replicas, second.limited_by));
        prop_assert_eq!(first.explanation.demand.winner, second.explanation.demand.winner);
    }

    #[test]
    fn the_same_question_has_the_same_answer((policy, readings, workload, history) in case()) {
        let first = decided(&policy, workload, &readings, &history);
        prop_assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&decided(&policy, workload, &readings, &history)).unwrap());
    }

    /// A queue that stays as it is, and a machine load that spreads over what runs: one decision, and no other after it.
    #[test]
    fn a_constant_load_is_answered_once(
        desired in 1..60_u32, min in 1..10_u32, visible in 0..4_000_u64, in_flight in 0..2_000_u64, machine_load in 0.0..4_000.0,
        behavior in behavior(),
    ) {
        let signals = |running: u32| [
            (enough(60), Load::Queue { visible, in_flight, delayed: 0 }),
            (Target::Utilization(65), Load::Utilization { percent: machine_load / f64::from(running) }),
        ].map(|(target, load)| (target, Reading::Known { load, at: now() }));
        let policy = policy(min, 40, behavior, &signals(1));
        let answer = |replicas: Replicas| {
            let readings = signals(replicas.0).map(|(_, reading)| reading);
            decided(&policy, at_rest(replicas.0), &readings, &History::default()).replicas
        };
        let once = answer(Replicas(desired));
        prop_assert_eq!(answer(once), once);
    }

    #[test]
    fn no_headline_is_too_long_and_no_history_breaks((policy, readings, workload, history) in case(), ahead in -400_000..400_000_i64) {
        let decision = decided(&policy, workload, &readings, &history);
        prop_assert!(decision.explanation.headline().to_string().chars().count() <= 160);
        prop_assert!(!decision.explanation.to_string().is_empty());
        let mut later = history;
        later.observed(&policy, &seen(workload, &readings), at(ahead));
        later.scaled(&workload, decision.replicas, &policy, at(ahead));
        for activity in [later.scale_up, later.scale_down].into_iter().flatten() {
            prop_assert!(activity.at <= at(ahead) && activity.settled.is_none_or(|settled| settled <= at(ahead)));
        }
    }

    #[test]
    fn no_moment_in_time_breaks_a_decision((policy, readings, workload, history) in case(), latest: bool) {
        let moment = if latest { Timestamp::MAX } else { Timestamp::MIN };
        let mut history = history;
        let replicas = look(&policy, &seen(workload, &readings), &mut history, moment).replicas;
        prop_assert!(replicas <= policy.max);
        history.scaled(&workload, replicas, &policy, moment);
        prop_assert!(history.scale_up.is_none_or(|up| up.at <= moment));
    }
}
