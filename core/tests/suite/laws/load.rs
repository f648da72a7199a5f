//! More load, and no fewer replicas.
//!
//! Held for queues and mean utilizations whatever is seen. For the HPA's amounts (pods, values) only while every replica is ready and
//! measured: its rules multiply by the replicas that are ready, or exist, where those within the tolerance keep what is desired. So with
//! 10 desired and 5 ready, 105 % of the target keeps 10 and 120 % asks for 6.

use std::sync::Arc;

use hybridscaler_core::{
    observation::Observation,
    policy::Target,
    reading::{Load, MAX_PERCENT, Phase, Pod, Reading, Ready, Resource, Usage},
};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    bounds::decided,
    generate::{Case, case},
};
use crate::support::{at, at_rest, now};

/// How much more of each.
#[derive(Clone, Copy, Debug)]
struct More {
    messages: u64,
    percents: f64,
    milli: u64,
}

fn more() -> impl Strategy<Value = More> {
    (0..1_000_u64, 0.0..100.0, 0..100_000_u64).prop_map(|(messages, percents, milli)| More {
        messages,
        percents,
        milli,
    })
}

/// The same load, a little higher; what is no usable number stays one.
fn heavier(load: &Load, more: More) -> Load {
    match load.clone() {
        Load::Queue { visible, in_flight, delayed } => {
            Load::Queue { visible: visible.saturating_add(more.messages), in_flight, delayed }
        }
        Load::Utilization { percent } if (0.0..=MAX_PERCENT).contains(&percent) => {
            Load::Utilization { percent: (percent + more.percents).min(MAX_PERCENT) }
        }
        Load::Value { milli } => Load::Value { milli: milli.saturating_add(more.milli) },
        Load::Pods { resource, pods } => {
            let heavier = |pod: &Pod| Pod {
                usage: pod.usage.map(|usage| Usage { milli: usage.milli.saturating_add(more.milli / 100), ..usage }),
                ..pod.clone()
            };
            Load::Pods { resource, pods: pods.iter().map(heavier).collect() }
        }
        unusable @ Load::Utilization { .. } => unusable,
    }
}

fn with_more(case: &Case, more: More) -> Case {
    let heavier = |reading: &Reading| match reading {
        Reading::Known { load, at } => Reading::Known { load: heavier(load, more), at: *at },
        unknown @ Reading::Unknown(_) => unknown.clone(),
    };
    let readings = case.seen.readings.iter().map(heavier).collect();
    Case { seen: Observation { readings, ..case.seen.clone() }, ..case.clone() }
}

/// Pods that are ready and measured, one for each replica.
fn ready_pods(usages: &[u64]) -> Load {
    let window = SignedDuration::from_secs(30);
    let pod = |milli: &u64| Pod {
        phase: Phase::Running,
        deleting: false,
        started: Some(at(-3_600)),
        ready: Some(Ready { ready: true, since: at(-3_500) }),
        request_milli: Some(500),
        usage: Some(Usage { milli: *milli, at: at(-10), window }),
    };
    Load::Pods { resource: Resource::Cpu, pods: usages.iter().map(pod).collect::<Arc<[_]>>() }
}

fn counts_what_is_ready(target: Target, reading: &Reading) -> bool {
    let hpa = matches!(target, Target::AverageValue { .. } | Target::Value { .. });
    hpa || matches!(reading, Reading::Known { load: Load::Pods { .. }, .. })
}

proptest! {
    #[test]
    fn more_load_of_queues_and_utilizations_never_means_fewer_replicas(mut case in case(), more in more()) {
        for (trigger, reading) in case.policy.triggers.iter().zip(&mut case.seen.readings) {
            if counts_what_is_ready(trigger.target, reading) {
                *reading = Reading::Known { load: Load::Utilization { percent: 50.0 }, at: now() };
            }
        }
        let (lighter, heavier) = (decided(&case), decided(&with_more(&case, more)));
        prop_assert!(heavier.replicas >= lighter.replicas, "{} < {}", heavier.replicas, lighter.replicas);
    }

    #[test]
    fn more_load_of_pods_and_values_never_means_fewer_replicas_while_all_are_ready(
        mut case in case(), more in more(), usages in prop::collection::vec(0..2_000_u64, 1..40), value in 0..500_000_u64,
    ) {
        let replicas = u32::try_from(usages.len()).unwrap();
        case.seen.workload = at_rest(replicas);
        for (trigger, reading) in case.policy.triggers.iter().zip(&mut case.seen.readings) {
            if counts_what_is_ready(trigger.target, reading) {
                let pods = matches!(trigger.target, Target::Utilization(_))
                    || matches!(reading, Reading::Known { load: Load::Pods { .. }, .. });
                let load = if pods && !matches!(trigger.target, Target::Value { .. }) {
                    ready_pods(&usages)
                } else {
                    Load::Value { milli: value }
                };
                *reading = Reading::Known { load, at: now() };
            }
        }
        let (lighter, heavier) = (decided(&case), decided(&with_more(&case, more)));
        prop_assert!(heavier.replicas >= lighter.replicas, "{} < {}", heavier.replicas, lighter.replicas);
    }
}
