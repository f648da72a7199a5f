//! Numbers and arithmetic as people write them.

use alloc::{format, string::String};
use core::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{
    Step,
    limit::{Bound, Cause},
};
use crate::{
    demand::{Counted, Demand, Measure, PodsSeen, PodsUse, Ruling, Winner},
    history::{Cooling, Settled},
    policy::{Enough, Queue, RateKind, RatePolicy, Target},
    units::Replicas,
};

/// A count with its thousands set apart: `1,440`.
pub(super) struct Grouped(pub(super) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1000 {
            return self.0.fmt(f);
        }
        write!(f, "{},{:03}", Self(self.0 / 1000), self.0 % 1000)
    }
}

/// A percentage with one decimal where that says something: `65 %`, `81.3 %`.
pub(super) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = format!("{:.1}", self.0);
        write!(f, "{} %", rounded.strip_suffix(".0").unwrap_or(&rounded))
    }
}

/// An age in whole seconds: `1m 4s`.
pub(super) struct Age(pub(super) SignedDuration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", SignedDuration::from_secs(self.0.as_secs()))
    }
}

/// A load as it was read.
pub(super) struct Read<'a>(pub(super) &'a Measure);

impl fmt::Display for Read<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            Measure::Queue { visible, in_flight, delayed, .. } => {
                let [visible, in_flight, delayed] = [visible, in_flight, delayed].map(Grouped);
                write!(f, "{visible} visible, {in_flight} in flight, {delayed} delayed")
            }
            Measure::Utilization { percent, .. } => Percent(percent).fmt(f),
            Measure::Pods { seen: PodsSeen { ready, unready, missing, ignored, .. }, base: _ } => {
                write!(f, "{ready} pods ready, {unready} not ready, {missing} not measured, {ignored} gone or going")
            }
            Measure::Value { milli, .. } => Milli(milli).fmt(f),
        }
    }
}

/// Thousandths with as many decimals as say something: `1,440`, `0.5`.
pub(super) struct Milli(pub(super) u64);

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Grouped(self.0 / 1000).fmt(f)?;
        match self.0 % 1000 {
            0 => Ok(()),
            rest => f.write_str(format!(".{rest:03}").trim_end_matches('0')),
        }
    }
}

/// The arithmetic behind a proposal.
pub(super) struct Arithmetic<'a>(pub(super) &'a Counted, pub(super) Target);

impl fmt::Display for Arithmetic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(counted, target) = self;
        match (counted.measure, target) {
            (Measure::Queue { visible, in_flight, ahead, arrivals, .. }, Target::Queue(queue)) => {
                write_queue(f, counted.ruling, [visible, in_flight, ahead], arrivals, queue)
            }
            (Measure::Utilization { percent, base }, Target::Utilization(target)) => {
                let (percent, target) = (Percent(percent), Percent(f64::from(*target)));
                match counted.ruling {
                    Ruling::More | Ruling::Fewer => write!(f, "{base} x {percent} / {target}"),
                    Ruling::CapacityOnItsWay => write!(f, "{base} x {percent} / {target}, asked for already"),
                    Ruling::WholeReplicas => write!(f, "{percent} of {target}, with one fewer it would be above"),
                    _ => write!(f, "{percent} of {target}, within tolerance"),
                }
            }
            (Measure::Pods { seen, base }, target) => write_pods(f, counted.ruling, &seen, base, target),
            (Measure::Value { milli, base }, Target::Value { milli: target }) => {
                let (value, target) = (Milli(milli), Milli(*target));
                match counted.ruling {
                    Ruling::WithinTolerance => write!(f, "{value} of {target}, within tolerance"),
                    Ruling::CapacityOnItsWay => write!(f, "{base} x {value} / {target}, asked for already"),
                    _ if base == Replicas::ZERO => write!(f, "{value} / {target}"),
                    _ => write!(f, "{base} x {value} / {target}"),
                }
            }
            (Measure::Value { milli, base }, Target::AverageValue { milli: target }) => {
                let (value, target) = (Milli(milli), Milli(*target));
                match counted.ruling {
                    Ruling::WithinTolerance => write!(f, "{value} / {base} of {target} each, within tolerance"),
                    _ => write!(f, "{value} / {target}"),
                }
            }
            (measure, _) => Read(&measure).fmt(f),
        }
    }
}

fn write_queue(
    f: &mut fmt::Formatter<'_>,
    ruling: Ruling,
    [visible, in_flight, ahead]: [u64; 3],
    arrivals: Option<u64>,
    queue: &Queue,
) -> fmt::Result {
    let more = ahead.saturating_sub(visible);
    let [visible, in_flight] = [visible, in_flight].map(Grouped);
    let expected = match more {
        0 => format!("{visible} visible"),
        more => format!("({visible} visible + {} expected)", Grouped(more)),
    };
    let at_once = queue.concurrency.unwrap_or(1);
    let share = match queue.enough {
        Enough::Messages(enough) => format!("{} a replica", Grouped(enough.into())),
        Enough::Latency { target, .. } => format!("{} s to wait", Milli(target)),
    };
    // What can be checked with a pencil.
    let need = |kept: &str| match queue.enough {
        Enough::Messages(enough) if kept.is_empty() => format!("{expected} / {}", Grouped(enough.into())),
        Enough::Messages(enough) => format!("({expected}{kept}) / {}", Grouped(enough.into())),
        Enough::Latency { target, per_message } => {
            let (wait, each) = (Milli(target), Milli(per_message));
            let arriving = arrivals.map_or_else(String::new, |rate| format!("{}/s x {each} s + ", Milli(rate)));
            format!("({arriving}{expected} x {each} s / {wait} s) / {at_once} at once")
        }
    };
    match ruling {
        Ruling::More => f.write_str(&need("")),
        Ruling::MessageGroups => {
            let groups = Grouped(queue.message_groups.unwrap_or(0).into());
            write!(f, "{groups} message groups / {at_once} at once; {visible} visible, {in_flight} in flight")
        }
        Ruling::Fewer => {
            f.write_str(&need(&format!(" + {in_flight} in flight")))?;
            match (queue.enough, queue.concurrency) {
                (Enough::Messages(_), None) => Ok(()),
                _ => write!(f, ", at least {in_flight} in flight / {at_once}"),
            }
        }
        Ruling::WorkInFlight => write!(f, "{visible} visible + {in_flight} in flight need them"),
        Ruling::WholeReplicas => write!(f, "{visible} visible + {in_flight} in flight at {share} need every one"),
        Ruling::RateUnknown => write!(f, "{visible} visible + {in_flight} in flight, arrivals not known yet"),
        Ruling::WithinTolerance | Ruling::CapacityOnItsWay | Ruling::MissingPods => {
            write!(f, "{visible} visible at {share}, within tolerance")
        }
    }
}

fn write_pods(
    f: &mut fmt::Formatter<'_>,
    ruling: Ruling,
    seen: &PodsSeen,
    base: Replicas,
    target: &Target,
) -> fmt::Result {
    let target = match target {
        Target::AverageValue { milli } | Target::Value { milli } => format!("{}", Milli(*milli)),
        Target::Utilization(percent) => format!("{percent} %"),
        Target::Queue(_) => String::new(),
    };
    let words = |usage| match usage {
        PodsUse::Percent(percent) => format!("{percent} %"),
        PodsUse::AverageMilli(milli) => format!("{}", Milli(milli)),
    };
    let usage = seen.careful.map_or(seen.usage, |(usage, _)| usage);
    let careful = if seen.careful.is_some() { " with unknown pods counted the careful way" } else { "" };
    match ruling {
        Ruling::WithinTolerance => write!(f, "{} of {target}, within tolerance", words(usage)),
        Ruling::MissingPods => write!(f, "{} of {target}{careful}: no change", words(usage)),
        Ruling::CapacityOnItsWay => write!(f, "{base} x {} / {target}{careful}, asked for already", words(usage)),
        _ => write!(f, "{base} x {} / {target}{careful}", words(usage)),
    }
}

/// Who has the largest number, when it is no trigger.
pub(super) struct Won<'a>(pub(super) &'a Winner, pub(super) Replicas);

impl fmt::Display for Won<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(winner, replicas) = self;
        match winner {
            Winner::Trigger(name) => write!(f, "{name} wants {replicas}"),
            Winner::Schedule { name, until } => write!(f, "schedule {name} wants {replicas} until {until:.0}"),
            Winner::Fallback { since } => {
                write!(f, "fallback to {replicas}: no signal could be read since {since:.0}")
            }
            Winner::Idle { since } => write!(f, "idle since {since:.0}, so {replicas}"),
            Winner::Resting => write!(f, "no trigger is active, so {replicas}"),
            Winner::Activation => write!(f, "at least {replicas} until nothing is to be done"),
        }
    }
}

/// What a rule did, in a few words.
pub(super) struct Rule<'a>(pub(super) &'a Step, pub(super) &'a Demand);

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Step { to, cause, from: _ }, demand) = self;
        match cause {
            Cause::UnknownSignal => {
                f.write_str("no scale-in while ")?;
                let last = demand.unknown().count().saturating_sub(1);
                for (i, (name, _)) in demand.unknown().enumerate() {
                    let before = match i {
                        0 => "",
                        i if i == last => " and ",
                        _ => ", ",
                    };
                    write!(f, "{before}{name}")?;
                }
                f.write_str(if last == 0 { " is unknown" } else { " are unknown" })
            }
            Cause::ScaleUpStabilized { run, until, .. } => {
                write!(f, "scale-up window: {} was recommended{}", run.replicas, Until(*until))
            }
            Cause::ScaleDownStabilized { run, until, .. } => {
                write!(f, "scale-down window: {} was recommended{}", run.replicas, Until(*until))
            }
            Cause::ScaleUpLimit { policy, .. } => write!(f, "scale-up policy {}", Rate(policy)),
            Cause::ScaleDownLimit { policy, .. } => write!(f, "scale-down policy {}", Rate(policy)),
            Cause::ScaleUpDisabled { .. } => f.write_str("scale-up is disabled"),
            Cause::ScaleDownDisabled { .. } => f.write_str("scale-down is disabled"),
            Cause::MinReplicas(Bound { schedule: None }) => write!(f, "minReplicas is {to}"),
            Cause::MinReplicas(Bound { schedule: Some(name) }) => write!(f, "minReplicas is {to} by schedule {name}"),
            Cause::IdleReplicas => write!(f, "idleReplicas is {to}"),
            Cause::LastReplica => write!(f, "{to} is kept until nothing is to be done"),
            Cause::MaxReplicas(Bound { schedule: None }) => write!(f, "maxReplicas is {to}"),
            Cause::MaxReplicas(Bound { schedule: Some(name) }) => write!(f, "maxReplicas is {to} by schedule {name}"),
            Cause::RolloutInProgress => f.write_str("no scale-in during a rollout"),
            Cause::ScaleUpCooldown { cooling, .. } => write!(f, "scale-up cooldown {}", Lasting(*cooling)),
            Cause::ScaleDownCooldown { cooling, .. } => write!(f, "scale-down cooldown {}", Lasting(*cooling)),
            Cause::PausedByHand => f.write_str("paused by hand at 0"),
            Cause::Paused { .. } => f.write_str("mode is Paused"),
            Cause::ScaleUpPaused { .. } => f.write_str("mode is ScaleDownOnly"),
            Cause::ScaleDownPaused { .. } => f.write_str("mode is ScaleUpOnly"),
            Cause::Pinned { .. } => write!(f, "pinnedReplicas is {to}"),
        }
    }
}

/// Until when a recommendation counts.
struct Until(Option<Timestamp>);

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(until) => write!(f, ", it counts until {until:.0}"),
            None => Ok(()),
        }
    }
}

/// A rate policy as people write it: `4 pods in 15s`, `100 % in 1m`.
struct Rate<'a>(&'a RatePolicy);

impl fmt::Display for Rate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RatePolicy { kind, value, period } = self.0;
        let unit = match kind {
            RateKind::Pods => "pods",
            RateKind::Percent => "%",
        };
        write!(f, "{value} {unit} in {period:#}")
    }
}

/// Until when a cooldown lasts.
pub(super) struct Lasting(pub(super) Cooling);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cooling::Over => f.write_str("over"),
            Cooling::Settling { latest } => write!(f, "until the change has settled, {latest:.0} at the latest"),
            Cooling::Until { end, since: Settled::AtRest } => write!(f, "until {end:.0}"),
            Cooling::Until { end, since: Settled::SettleTimeout } => {
                write!(f, "until {end:.0} (SettleTimeout: the change never settled)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let written = [0, 999, 1_000, 12_034, 1_000_007].map(|count| Grouped(count).to_string());
        assert_eq!(written, ["0", "999", "1,000", "12,034", "1,000,007"]);
    }

    #[test]
    fn percentages_have_a_decimal_only_where_it_says_something() {
        assert_eq!([65.0, 81.29, 52.001].map(|percent| Percent(percent).to_string()), ["65 %", "81.3 %", "52 %"]);
    }
}
