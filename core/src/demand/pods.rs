//! The use of pods, into replicas: the HPA's rules for resource metrics, with their care for pods that are missing, starting or gone.
//!
//! Source: `groupPods`, `GetResourceReplicas` and `calcPlainMetricReplicas` in `pkg/controller/podautoscaler/replica_calculator.go`,
//! and the defaults of the controller manager (`--horizontal-pod-autoscaler-cpu-initialization-period` 5 min,
//! `--horizontal-pod-autoscaler-initial-readiness-delay` 30 s).

use alloc::string::ToString;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Counted, Measure, Ruling,
    arithmetic::{ceil, float, within_tolerance},
};
use crate::{
    history::after,
    policy::Behavior,
    reading::{Phase, Pod, Resource, Unknown, Unread, Usage},
    units::Replicas,
};

/// For so long after its start the CPU of a pod is that of its start, unless it was measured after the pod became ready.
const CPU_INITIALIZATION: SignedDuration = SignedDuration::from_mins(5);

/// A pod that became unready within this time of its start was never ready.
const READINESS_DELAY: SignedDuration = SignedDuration::from_secs(30);

/// How pods are judged and what is desired of them now.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// What is measured.
    pub resource: Resource,
    /// The tolerances.
    pub behavior: &'a Behavior,
    /// What the target is told to run.
    pub desired: Replicas,
    /// The time.
    pub now: Timestamp,
    /// See the HPA's `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization: SignedDuration,
    /// See the HPA's `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub readiness_delay: SignedDuration,
}

/// How much a pod's use says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// It counts.
    Ready(u64),
    /// It has not started to carry load: it counts as 0, and only against a scale-up.
    Unready,
    /// Its use is not known: it counts the careful way.
    Missing,
    /// It is gone, or going.
    Ignored,
}

/// How many pods of each group there were, and what the ready ones use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PodsSeen {
    /// Pods whose use counts.
    pub ready: u32,
    /// Pods that have not started to carry load.
    pub unready: u32,
    /// Pods whose use is not known.
    pub missing: u32,
    /// Pods that are gone, or going.
    pub ignored: u32,
    /// What the ready ones use.
    pub usage: PodsUse,
    /// The same with missing and unready pods counted the careful way, and how many pods that is; none when there was no need.
    pub careful: Option<(PodsUse, u32)>,
}

/// What pods use on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum PodsUse {
    /// Whole percent of what they request, rounded down.
    Percent(u64),
    /// Thousandths a pod, rounded down.
    AverageMilli(u64),
}

/// The number that pods ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The replicas proposed.
    pub replicas: Replicas,
    /// Why.
    pub ruling: Ruling,
    /// What it rests on.
    pub seen: PodsSeen,
}

impl Answer {
    pub(super) fn counted(self, age: SignedDuration) -> Counted {
        let Self { replicas, ruling, seen } = self;
        let base = Replicas(seen.careful.map_or(seen.ready, |(_, pods)| pods));
        Counted { measure: Measure::Pods { seen, base }, age, replicas, after_cooldown: replicas, ruling, band: None }
    }
}

impl<'a> Rules<'a> {
    /// The HPA's rules for a resource; [`Rules::desired`] is 0 and [`Rules::now`] the epoch until they are set.
    pub const fn of(resource: Resource, behavior: &'a Behavior) -> Self {
        Self {
            resource,
            behavior,
            desired: Replicas::ZERO,
            now: Timestamp::UNIX_EPOCH,
            cpu_initialization: CPU_INITIALIZATION,
            readiness_delay: READINESS_DELAY,
        }
    }

    /// How much a pod's use says.
    #[must_use]
    pub fn group(&self, pod: &Pod) -> Group {
        if pod.deleting || matches!(pod.phase, Phase::Failed | Phase::Succeeded) {
            return Group::Ignored;
        }
        if pod.phase == Phase::Pending {
            return Group::Unready;
        }
        match pod.usage {
            None => Group::Missing,
            Some(usage) if self.resource == Resource::Cpu && self.is_unready(pod, &usage) => Group::Unready,
            Some(usage) => Group::Ready(usage.milli),
        }
    }

    fn is_unready(&self, pod: &Pod, usage: &Usage) -> bool {
        let (Some(ready), Some(started)) = (pod.ready, pod.started) else { return true };
        if after(started, self.cpu_initialization) > self.now {
            return !ready.ready || usage.at < after(ready.since, usage.window);
        }
        !ready.ready && after(started, self.readiness_delay) > ready.since
    }

    /// The replicas that would bring the pods' use to `target` percent of what they request.
    ///
    /// # Errors
    /// No pod has a usable value, or a pod lacks the request, be it one that ends (`calculateRequests` asks all of them).
    pub fn utilization(&self, pods: &[Pod], target: u32) -> Result<Answer, Unread> {
        if let Some(without) = pods.iter().position(|pod| pod.request_milli.is_none()) {
            let message = alloc::format!(
                "pod {} of {} requests nothing of the resource, so no percentage can be taken: set its request, or use targetAverageValue",
                without + 1,
                pods.len()
            );
            return Err(Unread::new(Unknown::Invalid, message));
        }
        let percent = u64::from(target.max(1));
        let usage =
            |sum: Sum| PodsUse::Percent(sum.used.saturating_mul(100).checked_div(sum.requested).map_or(0, narrow));
        // A missing pod may use all that it requests; where the target is above that, it may use the target.
        let most = |pod: &Pod| pod.request_milli.unwrap_or(0).saturating_mul(percent.max(100)) / 100;
        let answer = self.answer(pods, percent, usage, most);
        match answer {
            Some((answer, sum)) if sum.requested > 0 => Ok(answer),
            _ => Err(nothing_to_count(pods)),
        }
    }

    /// The replicas that would bring the pods' use to `target` thousandths each.
    ///
    /// # Errors
    /// No pod has a usable value.
    pub fn average_value(&self, pods: &[Pod], target: u64) -> Result<Answer, Unread> {
        let target = target.max(1);
        let usage = |sum: Sum| PodsUse::AverageMilli(sum.used.checked_div(u128::from(sum.pods)).map_or(0, narrow));
        self.answer(pods, target, usage, |_| target).map(|(answer, _)| answer).ok_or_else(|| nothing_to_count(pods))
    }

    /// `most` is what a missing pod may use, as far as a scale-down is concerned.
    fn answer(
        &self,
        pods: &[Pod],
        target: u64,
        usage: impl Fn(Sum) -> PodsUse,
        most: impl Fn(&Pod) -> u64,
    ) -> Option<(Answer, Sum)> {
        let mut seen =
            PodsSeen { ready: 0, unready: 0, missing: 0, ignored: 0, usage: PodsUse::Percent(0), careful: None };
        let mut sum = Sum::default();
        for pod in pods {
            match self.group(pod) {
                Group::Ready(used) => {
                    seen.ready += 1;
                    sum.add(used, pod);
                }
                Group::Unready => seen.unready += 1,
                Group::Missing => seen.missing += 1,
                Group::Ignored => seen.ignored += 1,
            }
        }
        if sum.pods == 0 {
            return None;
        }
        seen.usage = usage(sum);
        let ratio = seen.usage.ratio(target);
        let unready_count = seen.unready > 0 && ratio > 1.0;
        let stays = |ruling| (self.desired, ruling);
        let asks = |replicas: Replicas| match replicas {
            more if more > self.desired => (more, Ruling::More),
            fewer if fewer < self.desired => (fewer, Ruling::Fewer),
            same => (same, Ruling::WholeReplicas),
        };
        if !unready_count && seen.missing == 0 {
            let (replicas, ruling) = if within_tolerance(ratio, self.behavior) {
                stays(Ruling::WithinTolerance)
            } else {
                asks(ceil(ratio * f64::from(seen.ready)))
            };
            return Some((Answer { replicas, ruling, seen }, sum));
        }
        let mut careful = sum;
        for pod in pods {
            match self.group(pod) {
                Group::Missing if ratio < 1.0 => careful.add(most(pod), pod),
                Group::Missing if ratio > 1.0 => careful.add(0, pod),
                Group::Unready if unready_count => careful.add(0, pod),
                _ => {}
            }
        }
        let careful_use = usage(careful);
        seen.careful = Some((careful_use, careful.pods));
        let new = careful_use.ratio(target);
        let turned = (ratio < 1.0 && new > 1.0) || (ratio > 1.0 && new < 1.0);
        let (replicas, ruling) = if within_tolerance(new, self.behavior) || turned {
            stays(Ruling::MissingPods)
        } else {
            let asked = ceil(new * f64::from(careful.pods));
            let contrary = (new < 1.0 && asked > self.desired) || (new > 1.0 && asked < self.desired);
            if contrary { stays(Ruling::MissingPods) } else { asks(asked) }
        };
        Some((Answer { replicas, ruling, seen }, sum))
    }
}

impl PodsUse {
    /// The ratio of this use to a target in its unit.
    pub(super) fn ratio(self, target: u64) -> f64 {
        let (Self::Percent(usage) | Self::AverageMilli(usage)) = self;
        float(usage) / float(target)
    }
}

/// What some pods use and request together.
#[derive(Clone, Copy, Default)]
struct Sum {
    used: u128,
    requested: u128,
    pods: u32,
}

impl Sum {
    fn add(&mut self, used: u64, pod: &Pod) {
        self.used += u128::from(used);
        self.requested += u128::from(pod.request_milli.unwrap_or(0));
        self.pods += 1;
    }
}

fn narrow(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

fn nothing_to_count(pods: &[Pod]) -> Unread {
    let mut message = "no pod has a usable value: ".to_string();
    message.push_str(if pods.is_empty() {
        "the selector finds none"
    } else {
        "they start, end, or are not measured yet"
    });
    Unread::new(Unknown::Empty, message)
}
