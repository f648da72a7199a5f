//! Ratios in a scale-up cooldown: one spike is answered once.

use super::{
    Counted, Measure, Ruling,
    arithmetic::{ceil, float},
};
use crate::{policy::Target, units::Replicas};

/// What a ratio of load to target asks for while a scale-up cooldown lasts that began with `base` replicas.
///
/// A ratio stays what it is until the replicas added carry their load, so multiplied by what runs now it would ask for them a second
/// time. Counted from the capacity at the start of the cooldown, what was added since is part of the answer (Application Auto Scaling
/// adds only the difference in a cooldown). A proposal for fewer replicas is left as it is.
pub(super) fn answer_once(counted: Counted, target: Target, desired: Replicas, base: Option<Replicas>) -> Counted {
    let (Some(base), Ruling::More) = (base, counted.ruling) else { return counted };
    let (ratio, multiplied, measure) = match (counted.measure, target) {
        (Measure::Pods { seen, base: multiplied }, Target::Utilization(target)) => {
            let usage = seen.careful.map_or(seen.usage, |(usage, _)| usage);
            (usage.ratio(target.max(1).into()), multiplied, Measure::Pods { seen, base })
        }
        (Measure::Pods { seen, base: multiplied }, Target::AverageValue { milli }) => {
            let usage = seen.careful.map_or(seen.usage, |(usage, _)| usage);
            (usage.ratio(milli.max(1)), multiplied, Measure::Pods { seen, base })
        }
        (Measure::Value { milli, base: multiplied }, Target::Value { milli: target }) => {
            (float(milli) / float(target.max(1)), multiplied, Measure::Value { milli, base })
        }
        _ => return counted,
    };
    if multiplied <= base {
        return counted;
    }
    let replicas = ceil(ratio * f64::from(base.0)).max(desired);
    let ruling = if replicas > desired { Ruling::More } else { Ruling::CapacityOnItsWay };
    Counted { measure, replicas, ruling, ..counted }
}
