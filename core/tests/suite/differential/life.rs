//! Lives of a workload: a policy, and what is seen at each of a row of looks.
//!
//! Loads are given relative to their targets, and times in steps of five seconds, so that the bounds of tolerances and the edges of
//! windows and periods are met often.

use super::{
    dice::Dice,
    reference::{
        Policy, Rules, Select,
        metrics::{Metric, Phase},
    },
};

#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) min: i64,
    pub(super) max: i64,
    /// What is desired before the first look.
    pub(super) start: i64,
    pub(super) metrics: Vec<Metric>,
    /// In thousandths.
    pub(super) tolerance_up: u32,
    pub(super) tolerance_down: u32,
    pub(super) up: Rules,
    pub(super) down: Rules,
    pub(super) looks: Vec<Look>,
}

/// What is seen at one look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Seconds since the look before.
    pub(super) after: i64,
    /// How many of the desired replicas are ready, in percent.
    pub(super) ready: i64,
    /// Replicas that start.
    pub(super) starting: i64,
    /// Replicas that end.
    pub(super) terminating: i64,
    /// One a metric; none: it cannot be read.
    pub(super) levels: Vec<Option<Level>>,
}

/// What one metric is.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// Its value, in percent of its target.
    pub(super) percent: i64,
    /// How many series an external metric has.
    pub(super) series: i64,
    pub(super) pods: Vec<PodSketch>,
}

/// A pod, in ages.
#[derive(Clone, Debug)]
pub(super) struct PodSketch {
    pub(super) phase: Phase,
    pub(super) deleting: bool,
    pub(super) started: Option<i64>,
    pub(super) ready: Option<(bool, i64)>,
    pub(super) request: Option<i64>,
    /// Percent by which its use differs from the level, the age of its sample and the sample's window.
    pub(super) usage: Option<(i64, i64, i64)>,
}

impl Life {
    /// The same with one metric, no windows and the longest period that there is: many changes are remembered.
    pub(super) fn restless(mut self) -> Self {
        (self.min, self.max) = (1, 100);
        self.metrics = vec![Metric::AverageValue(1000)];
        for rules in [&mut self.up, &mut self.down] {
            (rules.window, rules.select) = (0, Select::Max);
            rules.policies.truncate(1);
            rules.policies.iter_mut().for_each(|policy| policy.period = 1800);
        }
        self
    }

    /// The life of this number, of `least` to `most` looks.
    pub(super) fn of(number: u64, least: i64, most: i64) -> Self {
        let dice = &mut Dice::new(number);
        let mut metrics = dice.several(1, 4, metric);
        let min = if dice.percent(15) { 0 } else { dice.between(1, 6) };
        // Only an external metric tells that nothing is to be done.
        if min == 0 && !metrics.iter().any(|metric| metric.is_external()) {
            metrics.push(Metric::Value(1000));
        }
        let max = min + if dice.percent(80) { dice.between(3, 20) } else { dice.between(40, 200) };
        let start = match dice.between(1, 25) {
            1 => 0,
            2 => max + 3,
            3 => (min - 1).max(0),
            _ => dice.between(min.max(1), max),
        };
        let (tolerance_up, tolerance_down) = (tolerance(dice), tolerance(dice));
        let (up, down) = (direction(dice), direction(dice));
        let looks = dice.several(least, most, |dice| look(dice, metrics.len()));
        Self { min, max, start, metrics, tolerance_up, tolerance_down, up, down, looks }
    }
}

fn tolerance(dice: &mut Dice) -> u32 {
    if dice.percent(60) { 100 } else { u32::try_from(dice.between(0, 500)).unwrap() }
}

fn metric(dice: &mut Dice) -> Metric {
    match dice.between(1, 9) {
        1..=3 => Metric::PodsUtilization { cpu: dice.percent(80), percent: dice.between(1, 200) },
        4..=5 => Metric::PodsAverage { cpu: dice.percent(50), milli: dice.between(1, 2000) },
        6..=7 => Metric::Value(dice.between(1, 50_000)),
        _ => Metric::AverageValue(dice.between(1, 50_000)),
    }
}

fn direction(dice: &mut Dice) -> Rules {
    let any = 5 * dice.between(1, 60);
    Rules {
        window: dice.one_of(&[0, 0, 0, 0, 60, any]),
        select: if dice.percent(4) { Select::Disabled } else { dice.one_of(&[Select::Max, Select::Max, Select::Min]) },
        policies: dice.several(1, 3, policy),
    }
}

fn policy(dice: &mut Dice) -> Policy {
    let percent = dice.percent(50);
    let (few, many) = if percent {
        (dice.between(1, 100), dice.between(100, 1000))
    } else {
        (dice.between(1, 10), dice.between(1, 200))
    };
    let any = 5 * dice.between(1, 60);
    Policy { percent, value: dice.one_of(&[few, few, many, 100]), period: dice.one_of(&[15, 60, any]) }
}

fn look(dice: &mut Dice, metrics: usize) -> Look {
    let (soon, late) = (5 * dice.between(1, 12), 5 * dice.between(1, 80));
    Look {
        after: dice.one_of(&[15, 15, 15, 15, soon, soon, soon, soon, late]),
        ready: if dice.percent(85) { 100 } else { dice.between(0, 100) },
        starting: if dice.percent(85) { 0 } else { dice.between(1, 4) },
        terminating: if dice.percent(85) { 0 } else { dice.between(1, 4) },
        levels: (0..metrics).map(|_| dice.some(93, level)).collect(),
    }
}

fn level(dice: &mut Dice) -> Level {
    let (any, pods) = (dice.between(0, 200), if dice.percent(5) { 0 } else { 2 });
    Level {
        percent: dice.one_of(&[100, 100, 110, 90, 0, any, any, any, any, any]),
        series: dice.between(1, 3),
        pods: dice.several(pods, 12, pod),
    }
}

fn pod(dice: &mut Dice) -> PodSketch {
    let phase = match dice.between(1, 40) {
        1 => Phase::Failed,
        2 => Phase::Succeeded,
        3 => Phase::Unknown,
        4..=5 => Phase::Pending,
        _ => Phase::Running,
    };
    let age = |dice: &mut Dice| if dice.percent(40) { 10_000 } else { 5 * dice.between(0, 80) };
    PodSketch {
        phase,
        deleting: dice.percent(3),
        started: dice.some(95, age),
        ready: dice.some(98, |dice| (dice.percent(90), age(dice))),
        request: match dice.between(1, 500) {
            1 => None,
            2 => Some(0),
            _ => Some(dice.one_of(&[100, 250, 500, 1000, 333])),
        },
        usage: dice.some(93, |dice| {
            let jitter = if dice.percent(60) { 0 } else { dice.between(-20, 20) };
            (jitter, 5 * dice.between(0, 24), dice.one_of(&[15, 30, 60]))
        }),
    }
}
