//! Policies, observations and histories of every kind, edges included: a reading may be of the wrong kind, stale or of the future, a
//! number at the end of its range, a history one that no process ever wrote.

use std::ops::Range;

use hybridscaler_core::{
    Replicas,
    history::{Activity, History, Recommendations, Run, ScaleEvent, Standstill, Trend},
    observation::{Observation, Rollout, Workload},
    policy::{
        Behavior, Enough, Fallback, FallbackBehavior, Mode, Outage, Pace, Policy, Queue, RateKind, RatePolicy,
        Schedule, SelectPolicy, Target, Trigger,
    },
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Unread, Usage},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::support::at;

/// Everything that one decision looks at, apart from the time.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) policy: Policy,
    pub(crate) seen: Observation,
    pub(crate) history: History,
}

fn edge(usual: Range<u32>) -> impl Strategy<Value = u32> + Clone {
    prop_oneof![12 => usual, 1 => Just(0), 1 => Just(i32::MAX as u32), 1 => Just(u32::MAX)]
}

fn amount(usual: Range<u64>) -> impl Strategy<Value = u64> + Clone {
    prop_oneof![12 => usual, 1 => Just(0), 1 => Just(u64::MAX)]
}

fn replicas(usual: Range<u32>) -> impl Strategy<Value = Replicas> + Clone {
    edge(usual).prop_map(Replicas)
}

fn time(usual: Range<i64>) -> impl Strategy<Value = SignedDuration> + Clone {
    prop_oneof![24 => usual, 1 => Just(0), 1 => Just(i64::MAX), 1 => Just(i64::MIN)].prop_map(SignedDuration::from_secs)
}

fn moment(usual: Range<i64>) -> impl Strategy<Value = Timestamp> + Clone {
    prop_oneof![24 => usual.prop_map(at), 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

fn percent() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![16 => 0.0..400.0, 1 => Just(1e308), 1 => Just(-1.0), 1 => Just(5e-324)]
}

fn resource() -> impl Strategy<Value = Resource> + Clone {
    select(vec![Resource::Cpu, Resource::Other])
}

fn pod() -> BoxedStrategy<Pod> {
    let phase = prop_oneof![
        8 => Just(Phase::Running),
        3 => select(vec![Phase::Pending, Phase::Succeeded, Phase::Failed, Phase::Unknown]),
    ];
    let ready = (any::<bool>(), moment(-900..60)).prop_map(|(ready, since)| Ready { ready, since });
    let usage = (amount(0..2_000), moment(-120..60), time(0..120));
    let usage = usage.prop_map(|(milli, at, window)| Usage { milli, at, window });
    let request = prop_oneof![9 => amount(1..2_000).prop_map(Some), 1 => Just(None)];
    (phase, prop::bool::weighted(0.1), option::of(moment(-900..60)), option::of(ready), request, option::of(usage))
        .prop_map(|(phase, deleting, started, ready, request_milli, usage)| Pod {
            phase,
            deleting,
            started,
            ready,
            request_milli,
            usage,
        })
        .boxed()
}

fn load() -> BoxedStrategy<Load> {
    let queue = [amount(0..5_000), amount(0..5_000), amount(0..500)];
    prop_oneof![
        4 => queue.prop_map(|[visible, in_flight, delayed]| Load::Queue { visible, in_flight, delayed }),
        3 => percent().prop_map(|percent| Load::Utilization { percent }),
        3 => (resource(), vec(pod(), 0..8)).prop_map(|(resource, pods)| Load::Pods { resource, pods: pods.into() }),
        2 => amount(0..500_000).prop_map(|milli| Load::Value { milli }),
    ]
    .boxed()
}

fn unknown() -> impl Strategy<Value = Reading> {
    (option::of(moment(-600..10)), edge(0..6)).prop_map(|(since, failures)| {
        Reading::Unknown(Unread { since, failures, ..Unread::new(Unknown::Throttled, "throttled") })
    })
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![6 => (load(), moment(-400..100)).prop_map(|(load, at)| Reading::Known { load, at }), 1 => unknown()]
}

fn queue() -> BoxedStrategy<Queue> {
    let latency = (amount(1..60_000), amount(1..5_000));
    let enough = prop_oneof![
        edge(1..200).prop_map(Enough::Messages),
        latency.prop_map(|(target, per_message)| Enough::Latency { target, per_message }),
    ];
    (enough, option::of(edge(1..20)), option::weighted(0.2, edge(1..50)))
        .prop_map(|(enough, concurrency, message_groups)| Queue { enough, concurrency, message_groups })
        .boxed()
}

pub(crate) fn target() -> BoxedStrategy<Target> {
    prop_oneof![
        3 => queue().prop_map(Target::Queue),
        3 => edge(1..100).prop_map(Target::Utilization),
        2 => amount(1..2_000).prop_map(|milli| Target::AverageValue { milli }),
        1 => amount(1..200_000).prop_map(|milli| Target::Value { milli }),
    ]
    .boxed()
}

/// Mostly a load of the target's own kind: the others lead nowhere.
fn fitting(target: Target) -> BoxedStrategy<Reading> {
    let at = moment(-400..100);
    let pods =
        || (resource(), vec(pod(), 0..8)).prop_map(|(resource, pods)| Load::Pods { resource, pods: pods.into() });
    let value = || amount(0..500_000).prop_map(|milli| Load::Value { milli });
    let load = match target {
        Target::Queue(_) => [amount(0..5_000), amount(0..5_000), amount(0..500)]
            .prop_map(|[visible, in_flight, delayed]| Load::Queue { visible, in_flight, delayed })
            .boxed(),
        Target::Utilization(_) => {
            prop_oneof![percent().prop_map(|percent| Load::Utilization { percent }), pods()].boxed()
        }
        Target::AverageValue { .. } => prop_oneof![pods(), value()].boxed(),
        Target::Value { .. } => value().boxed(),
    };
    prop_oneof![8 => (load, at).prop_map(|(load, at)| Reading::Known { load, at }), 1 => reading(), 2 => unknown()]
        .boxed()
}

fn signals() -> BoxedStrategy<Vec<(Trigger, Reading)>> {
    let signal = target().prop_flat_map(|target| {
        let activation = match target {
            Target::Utilization(_) => Just(None).boxed(),
            _ => option::weighted(0.8, amount(1..50)).boxed(),
        };
        (Just(target), activation, time(60..600), fitting(target))
    });
    vec(signal, 1..5)
        .prop_map(|signals| {
            let named = |(i, (target, activation, stale_after, reading))| {
                (Trigger { name: format!("t{i}").into(), target, activation, stale_after }, reading)
            };
            signals.into_iter().enumerate().map(named).collect()
        })
        .boxed()
}

fn pace() -> BoxedStrategy<Pace> {
    let kind = select(vec![RateKind::Pods, RateKind::Percent]);
    let rate =
        (kind, edge(1..150), time(1..1_800)).prop_map(|(kind, value, period)| RatePolicy { kind, value, period });
    let select = prop_oneof![
        4 => Just(SelectPolicy::Max), 2 => Just(SelectPolicy::Min), 1 => Just(SelectPolicy::Disabled)
    ];
    let rates = prop_oneof![2 => Just(Vec::new()), 1 => vec(rate, 0..3)];
    let often_none = || prop_oneof![1 => Just(SignedDuration::ZERO), 1 => time(0..600)];
    (often_none(), often_none(), edge(0..1_000), rates, select)
        .prop_map(|(cooldown, window, tolerance_permille, policies, select)| Pace {
            cooldown,
            window,
            tolerance_permille,
            policies,
            select,
        })
        .boxed()
}

pub(crate) fn behavior() -> BoxedStrategy<Behavior> {
    let outage = select(vec![Outage::Hold, Outage::PassOver]);
    (pace(), pace(), outage)
        .prop_map(|(scale_up, scale_down, outage)| Behavior { scale_up, scale_down, outage })
        .boxed()
}

pub(crate) fn fallback() -> impl Strategy<Value = Fallback> + Clone {
    use FallbackBehavior::{Hold, OnlyIfHigher, OnlyIfLower, Static};
    (select(vec![Hold, Static, OnlyIfHigher, OnlyIfLower]), replicas(0..60), edge(0..6), time(0..600))
        .prop_map(|(behavior, replicas, after_failures, after)| Fallback { behavior, replicas, after_failures, after })
}

pub(crate) fn schedules() -> BoxedStrategy<Vec<(Schedule, Option<Timestamp>)>> {
    let bound = || option::of(replicas(0..60));
    vec((bound(), bound(), bound(), option::of(moment(0..3_600))), 0..3)
        .prop_map(|schedules| {
            let named =
                |(i, (floor, min, max, open))| (Schedule { name: format!("s{i}").into(), floor, min, max }, open);
            schedules.into_iter().enumerate().map(named).collect()
        })
        .boxed()
}

fn mode() -> impl Strategy<Value = Mode> + Clone {
    prop_oneof![
        12 => Just(Mode::Active),
        4 => select(vec![Mode::DryRun, Mode::Paused, Mode::ScaleUpOnly, Mode::ScaleDownOnly]),
    ]
}

pub(crate) fn workload() -> impl Strategy<Value = Workload> {
    let rollout =
        prop_oneof![4 => Just(Rollout::Settled), 1 => Just(Rollout::InProgress), 1 => Just(Rollout::NotObserved)];
    (replicas(0..60), replicas(0..60), replicas(0..10), replicas(0..10), rollout).prop_map(
        |(desired, running, starting, terminating, rollout)| Workload {
            desired,
            running,
            starting,
            terminating,
            rollout,
        },
    )
}

fn activity() -> impl Strategy<Value = Activity> {
    (replicas(0..60), replicas(0..60), moment(-600..100), option::of(moment(-600..100)))
        .prop_map(|(base, to, at, settled)| Activity { base, to, at, settled })
}

/// Runs as a process keeps them: one after the other, the last may still be recommended, each number `further` than the one before.
fn runs(further: fn(Replicas) -> i64) -> BoxedStrategy<Vec<Run>> {
    (vec(replicas(0..60), 0..6), vec(-900..0_i64, 12), any::<bool>())
        .prop_map(move |(mut numbers, mut moments, open)| {
            numbers.sort_unstable_by_key(|number| further(*number));
            numbers.dedup();
            moments.sort_unstable();
            let last = numbers.len();
            let run = |(i, (replicas, moments)): (usize, (Replicas, &[i64]))| {
                let ended = (i + 1 < last || !open).then(|| at(moments[1]));
                Run { replicas, from: at(moments[0]), until: ended }
            };
            numbers.into_iter().zip(moments.chunks(2)).enumerate().map(run).collect()
        })
        .boxed()
}

fn events() -> impl Strategy<Value = Vec<ScaleEvent>> {
    let change = prop_oneof![8 => -20..20_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let event = (change, moment(-900..60), option::of(moment(-900..60)));
    vec(event.prop_map(|(change, at, until)| ScaleEvent { change, at, until }), 0..40)
}

fn trend() -> BoxedStrategy<Trend> {
    let growth = prop_oneof![6 => -50_000..50_000_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let counts = || (amount(0..5_000), amount(0..5_000));
    let still = (moment(-600..10), counts(), replicas(0..60), option::of(moment(-600..10))).prop_map(
        |(since, (visible, in_flight), running, outgrown)| Standstill { since, visible, in_flight, running, outgrown },
    );
    (0..5_u32, moment(-600..10), counts(), option::of(growth), option::of(amount(0..50_000)), option::of(still))
        .prop_map(|(trigger, at, (visible, in_flight), growth, arrivals, still)| Trend {
            trigger: format!("t{trigger}").into(),
            at,
            visible,
            in_flight,
            growth,
            arrivals,
            still,
        })
        .boxed()
}

pub(crate) fn history() -> BoxedStrategy<History> {
    let looks = (option::of(moment(-60..60)), option::of(moment(-900..60)));
    let known = (option::of(moment(-9_000..60)), looks, option::of(replicas(0..60)));
    let changes = (option::of(activity()), option::of(activity()));
    let idle_since = option::of(moment(-600..60));
    (
        known,
        changes,
        [runs(|number| number.0.into()), runs(|number| -i64::from(number.0))],
        events(),
        idle_since,
        vec(trend(), 0..3),
    )
        .prop_map(
            |((since, (looked, told), desired), (scale_up, scale_down), [up, down], events, idle_since, trends)| {
                History {
                    // A process that looked has recommendations from then on.
                    since: since.or((!up.is_empty() || !down.is_empty()).then(|| at(-900))),
                    looked,
                    told,
                    desired,
                    scale_up,
                    scale_down,
                    recommendations: Recommendations { scale_up: up, scale_down: down },
                    events,
                    idle_since,
                    trends,
                }
            },
        )
        .boxed()
}

pub(crate) fn policy() -> BoxedStrategy<Policy> {
    let bounds = (edge(0..20), edge(0..60), option::weighted(0.3, replicas(0..10)));
    let startup = prop_oneof![2 => Just(SignedDuration::ZERO), 1 => time(0..600)];
    let pinned = option::weighted(0.1, replicas(0..60));
    (bounds, startup, behavior(), fallback(), mode(), pinned)
        .prop_map(|((min, more, idle), startup, behavior, fallback, mode, pinned)| Policy {
            min: Replicas(min),
            max: Replicas(min.saturating_add(more)),
            idle: idle.filter(|idle| idle.0 < min),
            startup,
            triggers: Vec::new(),
            schedules: Vec::new(),
            behavior,
            fallback,
            mode,
            pinned,
        })
        .boxed()
}

/// Everything at once.
pub(crate) fn case() -> BoxedStrategy<Case> {
    (policy(), signals(), schedules(), workload(), history())
        .prop_map(|(policy, signals, schedules, workload, history)| {
            let (triggers, readings) = signals.into_iter().unzip();
            let (windows, open) = schedules.into_iter().unzip();
            let policy = Policy { triggers, schedules: windows, ..policy };
            Case { policy, seen: Observation { workload, readings, schedules: open }, history }
        })
        .boxed()
}
