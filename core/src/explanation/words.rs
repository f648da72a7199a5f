//! Numbers and arithmetic as people write them.

use alloc::format;
use core::fmt;

use jiff::SignedDuration;

use crate::{
    demand::{Counted, Ruling},
    history::{Cooling, Settled},
    policy::Target,
    reading::Load,
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
pub(super) struct Read<'a>(pub(super) &'a Load);

impl fmt::Display for Read<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Load::Queue { visible, in_flight, delayed } => {
                write!(
                    f,
                    "{} visible, {} in flight, {} delayed",
                    Grouped(*visible),
                    Grouped(*in_flight),
                    Grouped(*delayed)
                )
            }
            Load::Utilization { percent } => Percent(*percent).fmt(f),
            Load::Pods(pods) => write!(f, "{} pods", pods.len()),
            Load::Value { milli } => Grouped(milli / 1000).fmt(f),
        }
    }
}

/// The arithmetic behind a proposal.
pub(super) struct Arithmetic<'a>(pub(super) &'a Counted, pub(super) Target);

impl fmt::Display for Arithmetic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(counted, target) = self;
        match (&counted.load, target) {
            (Load::Queue { visible, in_flight, .. }, Target::MessagesPerReplica(per_replica)) => {
                let (visible, in_flight, per_replica) =
                    (Grouped(*visible), Grouped(*in_flight), Grouped(u64::from(*per_replica)));
                match counted.ruling {
                    Ruling::More => write!(f, "{visible} visible / {per_replica}"),
                    Ruling::Fewer => write!(f, "({visible} visible + {in_flight} in flight) / {per_replica}"),
                    Ruling::WorkInFlight => write!(f, "{visible} visible + {in_flight} in flight need them"),
                    Ruling::WholeReplicas => {
                        write!(f, "{visible} visible + {in_flight} in flight at {per_replica} a replica need every one")
                    }
                    Ruling::WithinTolerance | Ruling::CapacityOnItsWay => {
                        write!(f, "{visible} visible at {per_replica} a replica, within tolerance")
                    }
                }
            }
            (Load::Utilization { percent }, Target::Utilization(target)) => {
                let (percent, target) = (Percent(*percent), Percent(f64::from(*target)));
                match (counted.ruling, counted.base) {
                    (Ruling::More | Ruling::Fewer, Some(base)) => write!(f, "{base} x {percent} / {target}"),
                    (Ruling::CapacityOnItsWay, Some(base)) => {
                        write!(f, "{base} x {percent} / {target}, asked for already")
                    }
                    (Ruling::WholeReplicas, _) => write!(f, "{percent} of {target}, with one fewer it would be above"),
                    _ => write!(f, "{percent} of {target}, within tolerance"),
                }
            }
            (load, _) => Read(load).fmt(f),
        }
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
