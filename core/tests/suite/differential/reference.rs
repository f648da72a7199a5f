//! The Horizontal Pod Autoscaler a second time: one controller with its rules and its memory, as Kubernetes publishes them
//! (`pkg/controller/podautoscaler/horizontal.go`, with `HPAScaleToZero`). Written without a look at ours, with plain lists of samples
//! that are never thrown away.
//!
//! The controller writes over samples that are too old for every policy of their own direction. That makes it forget a change which a
//! longer period of the other direction would count; it is how it reuses memory, not a rule, so it is left out here.

use std::cmp::Ordering;

pub(super) mod metrics;

use self::metrics::{Invalid, Metric, Sample, Scale, Tolerances, proposal};

/// `autoscaling/v2` `HPAScalingRules`.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) window: i64,
    pub(super) select: Select,
    pub(super) policies: Vec<Policy>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Select {
    Max,
    Min,
    Disabled,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) percent: bool,
    pub(super) value: i64,
    pub(super) period: i64,
}

/// One autoscaler: its spec, and what the controller remembers of it.
#[derive(Clone, Debug)]
pub(super) struct Hpa {
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) metrics: Vec<Metric>,
    pub(super) tolerances: Tolerances,
    pub(super) up: Rules,
    pub(super) down: Rules,
    /// Time and number of each recommendation.
    pub(super) recommendations: Vec<(i64, i64)>,
    /// Time and size of each change upwards.
    pub(super) ups: Vec<(i64, i64)>,
    /// Time and size of each change downwards.
    pub(super) downs: Vec<(i64, i64)>,
    /// The condition `ScaledToZero`: the present zero is the autoscaler's own.
    pub(super) zeroed: bool,
}

/// What one reconciliation ended in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// The scale is at zero by another's hand.
    Disabled,
    /// The scale was out of bounds: metrics were not read.
    Bounds,
    /// No number came of the metrics.
    Failed,
    /// The metrics were followed; they ask for so many.
    Followed { wanted: i64 },
}

impl Hpa {
    /// One reconciliation: the number that `spec.replicas` has after it, and how it came about.
    pub(super) fn reconcile(&mut self, now: i64, scale: Scale, samples: &[Sample]) -> (i64, Outcome) {
        let current = scale.spec;
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
        if current == 0 {
            if !(self.zeroed && (self.min != 0 || self.has_external())) {
                return (0, Outcome::Disabled);
            }
        } else if current > self.max || current < self.min {
            let to = if current > self.max { self.max } else { self.min };
            self.store(now, current, to);
            return (to, Outcome::Bounds);
        }
        let Ok(wanted) = self.wanted(now, scale, samples) else { return (current, Outcome::Failed) };
        let mut to = self.normalized(now, current, wanted);
        if current == 0 && self.min != 0 {
            to = to.max(self.min);
        }
        if to != current {
            self.store(now, current, to);
        }
        (to, Outcome::Followed { wanted })
    }

    /// The largest proposal; an error when all metrics are invalid, or some are and the rest would scale in.
    fn wanted(&self, now: i64, scale: Scale, samples: &[Sample]) -> Result<i64, Invalid> {
        let proposals: Vec<_> = self
            .metrics
            .iter()
            .zip(samples)
            .map(|(metric, sample)| proposal(metric, sample, scale, self.tolerances, now))
            .collect();
        let largest = proposals.iter().filter_map(|each| each.as_ref().ok()).max().copied();
        let invalid = proposals.iter().any(Result::is_err);
        largest.filter(|&largest| !(invalid && largest < scale.spec)).ok_or(Invalid)
    }

    /// Stabilization, then the rates and the bounds.
    fn normalized(&mut self, now: i64, current: i64, wanted: i64) -> i64 {
        let within = |window: i64| {
            self.recommendations.iter().filter(move |(at, _)| *at > now - window).map(|(_, replicas)| *replicas)
        };
        let least = within(self.up.window).fold(wanted, i64::min);
        let most = within(self.down.window).fold(wanted, i64::max);
        let mut stable = current;
        if stable < least {
            stable = least;
        }
        if stable > most {
            stable = most;
        }
        self.recommendations.push((now, wanted));
        match stable.cmp(&current) {
            Ordering::Greater => stable.min(self.max.min(self.up_limit(now, current).max(current))),
            Ordering::Less => stable.max(self.min.max(self.down_limit(now, current).min(current))),
            Ordering::Equal => stable,
        }
    }

    fn up_limit(&self, now: i64, current: i64) -> i64 {
        let limits = self.up.policies.iter().map(|policy| {
            let start = self.start(now, current, policy.period);
            if policy.percent {
                (start as f64 * (1.0 + policy.value as f64 / 100.0)).ceil() as i64
            } else {
                start + policy.value
            }
        });
        match self.up.select {
            Select::Disabled => current,
            Select::Max => limits.max().unwrap(),
            Select::Min => limits.min().unwrap(),
        }
    }

    fn down_limit(&self, now: i64, current: i64) -> i64 {
        let limits = self.down.policies.iter().map(|policy| {
            let start = self.start(now, current, policy.period);
            if policy.percent {
                (start as f64 * (1.0 - policy.value as f64 / 100.0)) as i64
            } else {
                start - policy.value
            }
        });
        match self.down.select {
            Select::Disabled => current,
            Select::Max => limits.min().unwrap(),
            Select::Min => limits.max().unwrap(),
        }
    }

    /// The replicas at the start of a period: what there is without what the period added, with what it took.
    fn start(&self, now: i64, current: i64, period: i64) -> i64 {
        let sum = |events: &[(i64, i64)]| {
            events.iter().filter(|(at, _)| *at > now - period).map(|(_, change)| change).sum::<i64>()
        };
        current - sum(&self.ups) + sum(&self.downs)
    }

    fn store(&mut self, now: i64, from: i64, to: i64) {
        if to > from {
            self.ups.push((now, to - from));
        } else {
            self.downs.push((now, from - to));
        }
        self.zeroed = from > 0 && to == 0 && self.min == 0 && self.has_external();
    }

    fn has_external(&self) -> bool {
        self.metrics.iter().any(|metric| metric.is_external())
    }
}
