//! A percentage of what the replicas reserved, into replicas: so many that each would be at its target.

use jiff::{SignedDuration, Timestamp};

use super::{Band, Counted, Measure, Ruling};
use crate::{history::History, observation::Workload, policy::Behavior, units::Replicas};

/// The replicas that a ratio is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bases {
    /// Replicas that run: the percentage is their mean.
    pub(super) running: Replicas,
    /// Replicas that ran when the lasting scale-up cooldown began.
    pub(super) cooldown: Option<Replicas>,
}

impl Bases {
    pub(super) fn of(workload: &Workload, history: &History, behavior: &Behavior, now: Timestamp) -> Self {
        Self { running: workload.running, cooldown: history.base(behavior.scale_up.cooldown, now) }
    }
}

/// The replicas that would bring `percent` to `target`, where `desired` are asked for now.
///
/// Counted from what runs, never from what is desired, so replicas that cannot start do not call for more (as Application Auto
/// Scaling does for ECS). In a scale-up cooldown counted from the capacity at its start: what was added since is part of the answer,
/// so one spike is answered once. As in the HPA, nothing changes while `percent / target` is within the tolerance, bounds included,
/// and a result on the other side of the ratio than `desired` changes nothing.
///
/// `percent` must be finite, at least 0 and at most [`crate::reading::MAX_PERCENT`].
pub(super) fn count(
    percent: f64,
    age: SignedDuration,
    target: u32,
    desired: Replicas,
    bases: Bases,
    pace: &Behavior,
) -> Counted {
    let target = u64::from(target.max(1));
    let load = Milli::of(percent);
    let most = target * u64::from(1000_u32.saturating_add(pace.scale_up.tolerance_permille));
    let least = target * u64::from(1000_u32.saturating_sub(pace.scale_down.tolerance_permille));
    let up = |base: Replicas| load.spread(base, target).max(desired);
    let counted = |replicas, after_cooldown, base, ruling, up_base| Counted {
        measure: Measure::Utilization { percent, base },
        age,
        replicas,
        after_cooldown,
        ruling,
        band: Some(band(most, least, target, desired, up_base, bases.running)),
    };

    if load.0 > most {
        let base = bases.cooldown.unwrap_or(bases.running);
        let replicas = up(base);
        let ruling = if replicas > desired { Ruling::More } else { Ruling::CapacityOnItsWay };
        return counted(replicas, up(bases.running), base, ruling, base);
    }
    let base = bases.running;
    let fewer = load.spread(base, target);
    let (replicas, ruling) = if load.0 >= least {
        (desired, Ruling::WithinTolerance)
    } else if fewer < desired {
        (fewer, Ruling::Fewer)
    } else {
        (desired, Ruling::WholeReplicas)
    };
    counted(replicas, replicas, base, ruling, bases.cooldown.unwrap_or(base))
}

/// Thousandths of a percent: integers, since the core has no floating-point rounding and decisions must not depend on its noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Milli(u64);

impl Milli {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the reading's range was checked: 0 to a million"
    )]
    const fn of(percent: f64) -> Self {
        Self((percent * 1000.0 + 0.5) as u64)
    }

    /// `ceil(base × percent / target)`.
    fn spread(self, base: Replicas, target: u64) -> Replicas {
        let replicas = (u128::from(base.0) * u128::from(self.0)).div_ceil(u128::from(target) * 1000);
        Replicas(u32::try_from(replicas).unwrap_or(u32::MAX)).min(Replicas::MOST)
    }
}

/// The percentages at which the answer changes.
fn band(most: u64, least: u64, target: u64, desired: Replicas, up_base: Replicas, down_base: Replicas) -> Band {
    // The load of `replicas` at their target, seen as a mean over `base` replicas.
    let seen = |replicas: u32, base: Replicas| {
        u64::from(replicas).saturating_mul(target).saturating_mul(1000).checked_div(u64::from(base.0))
    };
    let more_above = seen(desired.0, up_base).map(|full| percent(full.max(most)));
    let fewer_below =
        seen(desired.0.saturating_sub(1), down_base).map_or(least, |full| least.min(full.saturating_add(1)));
    Band::Percent { more_above, fewer_below: percent(fewer_below) }
}

fn percent(milli: u64) -> f64 {
    f64::from(u32::try_from(milli).unwrap_or(u32::MAX)) / 1000.0
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::*;
    use crate::policy::{Outage, Pace, SelectPolicy};

    fn tolerating(tolerance_permille: u32) -> Behavior {
        let pace = Pace {
            cooldown: SignedDuration::ZERO,
            window: SignedDuration::ZERO,
            tolerance_permille,
            policies: Vec::new(),
            select: SelectPolicy::Max,
        };
        Behavior { scale_up: pace.clone(), scale_down: pace, outage: Outage::Hold }
    }

    fn answer(percent: f64, desired: u32, running: u32, cooldown: Option<u32>) -> Counted {
        let bases = Bases { running: Replicas(running), cooldown: cooldown.map(Replicas) };
        count(percent, SignedDuration::ZERO, 65, Replicas(desired), bases, &tolerating(100))
    }

    #[test]
    fn the_band_names_the_percentages_at_which_the_answer_changes() {
        for (desired, running, cooldown) in
            [(1, 1, None), (5, 5, None), (40, 40, None), (10, 7, None), (8, 8, Some(5)), (12, 10, Some(10))]
        {
            let at = |percent| answer(percent, desired, running, cooldown).replicas.0;
            let Some(Band::Percent { more_above: Some(above), fewer_below: below }) =
                answer(65.0, desired, running, cooldown).band
            else {
                panic!("something runs")
            };
            assert_eq!((at(above), at(below)), (desired, desired), "{desired} {running} {cooldown:?}");
            assert!(at(above + 0.002) > desired && at(below - 0.002) < desired, "{desired} {running} {cooldown:?}");
        }
    }

    #[test]
    fn where_nothing_runs_no_percentage_asks_for_more() {
        let answer = answer(100.0, 5, 0, None);
        assert_eq!((answer.replicas, answer.ruling), (Replicas(5), Ruling::CapacityOnItsWay));
        assert!(matches!(answer.band, Some(Band::Percent { more_above: None, .. })));
    }

    #[test]
    fn the_noise_of_floating_point_asks_for_no_replica() {
        let third = 65.0 * (0.1 + 0.2) / 0.3 * 2.0;
        assert_eq!(answer(third, 5, 5, None).replicas, Replicas(10));
    }

    #[test]
    fn numbers_at_the_edge_do_not_wrap() {
        let bases = Bases { running: Replicas(1), cooldown: Some(Replicas(u32::MAX)) };
        let at_edge = |target, desired, bases| {
            count(1e6, SignedDuration::ZERO, target, Replicas(desired), bases, &tolerating(u32::MAX)).replicas
        };
        assert_eq!(at_edge(u32::MAX, u32::MAX, bases), Replicas(u32::MAX));
        assert_eq!(at_edge(0, 1, Bases { cooldown: None, ..bases }), Replicas(1));
    }
}
