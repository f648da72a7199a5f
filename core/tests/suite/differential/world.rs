//! One look of a life as both sides see it.

use hybridscaler_core::{
    Replicas,
    observation::{Observation, Rollout, Workload},
    policy::{self, Behavior, Outage, Pace, RateKind, RatePolicy, SelectPolicy, Target},
    reading::{self, Load, Reading, Ready, Resource, Unknown, Usage},
};
use jiff::SignedDuration;

use super::{
    life::{Level, Life, Look, PodSketch},
    reference::{
        Hpa, Rules, Select,
        metrics::{Metric, Phase, Pod, Sample, Scale, Tolerances},
    },
};
use crate::support::{at, policy, unhurried, unknown};

/// The autoscaler of a life, as Kubernetes has it. A zero that it starts from with a minimum of 0 is its own.
pub(super) fn theirs(life: &Life) -> Hpa {
    let fraction = |permille: u32| f64::from(permille) * 0.001;
    Hpa {
        min: life.min,
        max: life.max,
        metrics: life.metrics.clone(),
        tolerances: Tolerances { up: fraction(life.tolerance_up), down: fraction(life.tolerance_down) },
        up: life.up.clone(),
        down: life.down.clone(),
        recommendations: Vec::new(),
        ups: Vec::new(),
        downs: Vec::new(),
        zeroed: life.start == 0 && life.min == 0,
    }
}

/// The same as a policy of ours.
pub(super) fn ours(life: &Life) -> policy::Policy {
    let targets: Vec<_> = life.metrics.iter().map(|metric| ("metric", target(*metric))).collect();
    let mut policy = policy(count(life.min).0, count(life.max).0, &targets);
    for ((trigger, metric), n) in policy.triggers.iter_mut().zip(&life.metrics).zip(0..) {
        trigger.name = format!("metric-{n}").into();
        trigger.activation = metric.is_external().then_some(1);
    }
    policy.behavior = Behavior {
        scale_up: pace(&life.up, life.tolerance_up),
        scale_down: pace(&life.down, life.tolerance_down),
        outage: Outage::PassOver,
    };
    policy
}

fn target(metric: Metric) -> Target {
    match metric {
        Metric::PodsUtilization { percent, .. } => Target::Utilization(count(percent).0),
        Metric::PodsAverage { milli, .. } | Metric::AverageValue(milli) => {
            Target::AverageValue { milli: milli.unsigned_abs() }
        }
        Metric::Value(milli) => Target::Value { milli: milli.unsigned_abs() },
    }
}

fn pace(rules: &Rules, tolerance_permille: u32) -> Pace {
    let policies = rules.policies.iter().map(|policy| RatePolicy {
        kind: if policy.percent { RateKind::Percent } else { RateKind::Pods },
        value: count(policy.value).0,
        period: SignedDuration::from_secs(policy.period),
    });
    let select = match rules.select {
        Select::Max => SelectPolicy::Max,
        Select::Min => SelectPolicy::Min,
        Select::Disabled => SelectPolicy::Disabled,
    };
    Pace {
        window: SignedDuration::from_secs(rules.window),
        policies: policies.collect(),
        select,
        tolerance_permille,
        ..unhurried()
    }
}

/// What there is of a number of desired replicas.
pub(super) fn scale(look: &Look, spec: i64) -> Scale {
    if spec == 0 {
        return Scale { spec, status: 0, ready: 0, pods: 0 };
    }
    let ready = spec * look.ready / 100;
    Scale { spec, status: ready + look.starting, ready, pods: ready + look.starting + look.terminating }
}

/// What the metrics are at a look; without replicas there are no pods.
pub(super) fn samples(life: &Life, look: &Look, scale: Scale, now: i64) -> Vec<Sample> {
    let sample = |(metric, level): (&Metric, &Option<Level>)| match (metric, level) {
        (_, None) => Sample::Failed,
        (Metric::Value(target), Some(level)) => series(target * level.percent / 100, level.series),
        (Metric::AverageValue(target), Some(level)) => {
            series(target * level.percent * scale.status.max(1) / 100, level.series)
        }
        (Metric::PodsUtilization { percent, .. }, Some(level)) => {
            pods(level, scale, now, |request| request * percent * level.percent / 10_000)
        }
        (Metric::PodsAverage { milli, .. }, Some(level)) => pods(level, scale, now, |_| milli * level.percent / 100),
    };
    life.metrics.iter().zip(&look.levels).map(sample).collect()
}

fn series(sum: i64, count: i64) -> Sample {
    let first = sum - sum / count * (count - 1);
    Sample::Series(std::iter::once(first).chain((1..count).map(|_| sum / count)).collect())
}

fn pods(level: &Level, scale: Scale, now: i64, uses: impl Fn(i64) -> i64) -> Sample {
    let pod = |sketch: &PodSketch| Pod {
        phase: sketch.phase,
        deleting: sketch.deleting,
        start: sketch.started.map(|age| now - age),
        ready: sketch.ready.map(|(ready, age)| (ready, now - age)),
        request: sketch.request,
        usage: sketch.usage.map(|(jitter, age, window)| {
            (uses(sketch.request.unwrap_or(1000)) * (100 + jitter) / 100, now - age, window)
        }),
    };
    Sample::Pods(if scale.spec == 0 { Vec::new() } else { level.pods.iter().map(pod).collect() })
}

pub(super) fn workload(scale: Scale) -> Workload {
    Workload {
        desired: count(scale.spec),
        running: count(scale.ready),
        starting: count(scale.status - scale.ready),
        terminating: count(scale.pods - scale.status),
        rollout: Rollout::Settled,
    }
}

/// The same look as ours.
pub(super) fn observation(life: &Life, scale: Scale, samples: &[Sample], now: i64) -> Observation {
    let reading = |(metric, sample): (&Metric, &Sample)| {
        let load = match (metric, sample) {
            (_, Sample::Failed) => return unknown(Unknown::Unreachable),
            (_, Sample::Series(series)) => Load::Value { milli: series.iter().map(|value| value.unsigned_abs()).sum() },
            (Metric::PodsUtilization { cpu, .. } | Metric::PodsAverage { cpu, .. }, Sample::Pods(pods)) => Load::Pods {
                resource: if *cpu { Resource::Cpu } else { Resource::Other },
                pods: pods.iter().map(our_pod).collect(),
            },
            (_, Sample::Pods(_)) => panic!("an external metric has no pods"),
        };
        Reading::Known { load, at: at(now) }
    };
    let workload = workload(scale);
    Observation { workload, readings: life.metrics.iter().zip(samples).map(reading).collect(), schedules: Vec::new() }
}

fn our_pod(pod: &Pod) -> reading::Pod {
    reading::Pod {
        phase: match pod.phase {
            Phase::Pending => reading::Phase::Pending,
            Phase::Running => reading::Phase::Running,
            Phase::Succeeded => reading::Phase::Succeeded,
            Phase::Failed => reading::Phase::Failed,
            Phase::Unknown => reading::Phase::Unknown,
        },
        deleting: pod.deleting,
        started: pod.start.map(at),
        ready: pod.ready.map(|(ready, since)| Ready { ready, since: at(since) }),
        request_milli: pod.request.map(i64::unsigned_abs),
        usage: pod.usage.map(|(milli, time, window)| Usage {
            milli: milli.unsigned_abs(),
            at: at(time),
            window: SignedDuration::from_secs(window),
        }),
    }
}

fn count(number: i64) -> Replicas {
    Replicas(number.try_into().unwrap())
}
