//! The Horizontal Pod Autoscaler a second time: from one metric to a number of replicas, as Kubernetes publishes it
//! (`pkg/controller/podautoscaler/replica_calculator.go`). Written without a look at ours.

/// What one metric is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Metric {
    /// A resource, in percent of the pods' requests.
    PodsUtilization { cpu: bool, percent: i64 },
    /// A resource, in thousandths a pod.
    PodsAverage { cpu: bool, milli: i64 },
    /// External metric, in thousandths for all pods.
    Value(i64),
    /// External metric, in thousandths a pod.
    AverageValue(i64),
}

impl Metric {
    pub(crate) fn is_external(self) -> bool {
        matches!(self, Self::Value(_) | Self::AverageValue(_))
    }
}

/// What one metric was.
#[derive(Clone, Debug)]
pub(crate) enum Sample {
    Pods(Vec<Pod>),
    /// The values of an external metric's series.
    Series(Vec<i64>),
    Failed,
}

/// A pod as the controller sees it; times in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) phase: Phase,
    pub(crate) deleting: bool,
    pub(crate) start: Option<i64>,
    /// The condition `Ready`: whether it is true, and its last transition.
    pub(crate) ready: Option<(bool, i64)>,
    pub(crate) request: Option<i64>,
    /// Usage, the time of its sample and its window.
    pub(crate) usage: Option<(i64, i64, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// The target's scale, its pods that run and are ready, and all of its pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) spec: i64,
    pub(crate) status: i64,
    pub(crate) ready: i64,
    pub(crate) pods: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerances {
    pub(crate) up: f64,
    pub(crate) down: f64,
}

impl Tolerances {
    fn hold(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// The metric leads to no number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Invalid;

/// `--horizontal-pod-autoscaler-cpu-initialization-period`.
const INITIALIZATION: i64 = 300;
/// `--horizontal-pod-autoscaler-initial-readiness-delay`.
const READINESS_DELAY: i64 = 30;
/// Where a number of replicas ends.
const MOST: f64 = i32::MAX as f64;

/// The replicas that one metric asks for.
pub(crate) fn proposal(
    metric: &Metric,
    sample: &Sample,
    scale: Scale,
    tolerances: Tolerances,
    now: i64,
) -> Result<i64, Invalid> {
    match (metric, sample) {
        (Metric::PodsUtilization { cpu, percent }, Sample::Pods(pods)) => {
            utilization(pods, &groups(pods, *cpu, now), *percent, scale, tolerances)
        }
        (Metric::PodsAverage { cpu, milli }, Sample::Pods(pods)) => {
            average(pods, &groups(pods, *cpu, now), *milli, scale, tolerances)
        }
        (Metric::Value(target), Sample::Series(series)) => value(sum(series), *target, scale, tolerances),
        (Metric::AverageValue(target), Sample::Series(series)) => {
            Ok(average_value(sum(series), *target, scale, tolerances))
        }
        _ => Err(Invalid),
    }
}

fn sum(series: &[i64]) -> i64 {
    series.iter().fold(0, |sum: i64, value| sum.saturating_add(*value))
}

fn value(usage: i64, target: i64, scale: Scale, tolerances: Tolerances) -> Result<i64, Invalid> {
    let ratio = usage as f64 / target as f64;
    if scale.spec == 0 {
        return Ok(ratio.ceil().min(MOST) as i64);
    }
    if tolerances.hold(ratio) {
        return Ok(scale.spec);
    }
    if scale.pods == 0 {
        return Err(Invalid);
    }
    Ok((ratio * scale.ready as f64).ceil().min(MOST) as i64)
}

fn average_value(usage: i64, target: i64, scale: Scale, tolerances: Tolerances) -> i64 {
    let ratio = usage as f64 / (target as f64 * scale.status as f64);
    if tolerances.hold(ratio) { scale.status } else { (usage as f64 / target as f64).ceil().min(MOST) as i64 }
}

/// Which pods count, by their place in the list.
struct Groups {
    ready: Vec<usize>,
    unready: Vec<usize>,
    missing: Vec<usize>,
}

fn groups(pods: &[Pod], cpu: bool, now: i64) -> Groups {
    let mut groups = Groups { ready: vec![], unready: vec![], missing: vec![] };
    for (place, pod) in pods.iter().enumerate() {
        if pod.deleting || pod.phase == Phase::Failed || pod.phase == Phase::Succeeded {
            continue;
        }
        if pod.phase == Phase::Pending {
            groups.unready.push(place);
            continue;
        }
        let Some((_, sampled, window)) = pod.usage else {
            groups.missing.push(place);
            continue;
        };
        let unready = match (pod.ready, pod.start) {
            (Some((ready, since)), Some(start)) => {
                if start + INITIALIZATION > now {
                    !ready || sampled < since + window
                } else {
                    !ready && start + READINESS_DELAY > since
                }
            }
            _ => true,
        };
        if cpu && unready { groups.unready.push(place) } else { groups.ready.push(place) }
    }
    groups
}

fn utilization(
    pods: &[Pod],
    groups: &Groups,
    target: i64,
    scale: Scale,
    tolerances: Tolerances,
) -> Result<i64, Invalid> {
    if groups.ready.is_empty() || pods.iter().any(|pod| pod.request.is_none()) {
        return Err(Invalid);
    }
    let request = |place: usize| pods[place].request.unwrap();
    let ratio_of = |metrics: &[(usize, i64)]| {
        let requests: i64 = metrics.iter().map(|(place, _)| request(*place)).sum();
        let usage: i64 = metrics.iter().map(|(_, usage)| usage).sum();
        if requests == 0 { Err(Invalid) } else { Ok((usage * 100 / requests) as f64 / target as f64) }
    };
    let full = |place: usize| request(place) * target.max(100) / 100;
    counted(pods, groups, scale, tolerances, ratio_of, full)
}

fn average(pods: &[Pod], groups: &Groups, target: i64, scale: Scale, tolerances: Tolerances) -> Result<i64, Invalid> {
    if groups.ready.is_empty() {
        return Err(Invalid);
    }
    let ratio_of = |metrics: &[(usize, i64)]| {
        let usage: i64 = metrics.iter().map(|(_, usage)| usage).sum();
        Ok((usage / metrics.len() as i64) as f64 / target as f64)
    };
    counted(pods, groups, scale, tolerances, ratio_of, |_| target)
}

/// The number that follows from the pods with a sample, and again with a guess for those without, when there are such.
fn counted(
    pods: &[Pod],
    groups: &Groups,
    scale: Scale,
    tolerances: Tolerances,
    ratio_of: impl Fn(&[(usize, i64)]) -> Result<f64, Invalid>,
    full: impl Fn(usize) -> i64,
) -> Result<i64, Invalid> {
    let mut metrics: Vec<(usize, i64)> =
        groups.ready.iter().map(|&place| (place, pods[place].usage.unwrap().0)).collect();
    let ratio = ratio_of(&metrics)?;
    let rises_with_unready = !groups.unready.is_empty() && ratio > 1.0;
    if !rises_with_unready && groups.missing.is_empty() {
        return Ok(if tolerances.hold(ratio) { scale.spec } else { (ratio * groups.ready.len() as f64).ceil() as i64 });
    }
    if ratio < 1.0 {
        metrics.extend(groups.missing.iter().map(|&place| (place, full(place))));
    } else if ratio > 1.0 {
        metrics.extend(groups.missing.iter().map(|&place| (place, 0)));
    }
    if rises_with_unready {
        metrics.extend(groups.unready.iter().map(|&place| (place, 0)));
    }
    let again = ratio_of(&metrics)?;
    if tolerances.hold(again) || (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0) {
        return Ok(scale.spec);
    }
    let replicas = (again * metrics.len() as f64).ceil() as i64;
    let turned = (again < 1.0 && replicas > scale.spec) || (again > 1.0 && replicas < scale.spec);
    Ok(if turned { scale.spec } else { replicas })
}
