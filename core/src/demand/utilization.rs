//! A percentage of what the replicas reserved, into replicas: so many that each would be at its target.

use super::{Band, Ruling};
use crate::{policy::Behavior, units::Replicas};

/// The replicas that a ratio is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bases {
    /// Replicas that run: the percentage is their mean.
    pub(super) running: Replicas,
    /// Replicas that ran when the lasting scale-up cooldown began.
    pub(super) cooldown: Option<Replicas>,
}

/// What a utilization asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) replicas: Replicas,
    /// The same without the cooldown's base.
    pub(super) after_cooldown: Replicas,
    pub(super) base: Replicas,
    pub(super) ruling: Ruling,
    pub(super) band: Band,
}

/// The replicas that would bring `percent` to `target`, where `desired` are asked for now.
///
/// Counted from what runs, never from what is desired, so replicas that cannot start do not call for more (as Application Auto
/// Scaling does for ECS). In a scale-up cooldown counted from the capacity at its start: what was added since is part of the answer,
/// so one spike is answered once. As in the HPA, nothing changes while `percent / target` is within the tolerance, bounds included,
/// and a result on the other side of the ratio than `desired` changes nothing.
///
/// `percent` must be finite, at least 0 and at most [`crate::reading::MAX_PERCENT`].
pub(super) fn count(percent: f64, target: u32, desired: Replicas, bases: Bases, pace: &Behavior) -> Answer {
    let target = u64::from(target.max(1));
    let load = Milli::of(percent);
    let most = target * u64::from(1000_u32.saturating_add(pace.scale_up.tolerance_permille));
    let least = target * u64::from(1000_u32.saturating_sub(pace.scale_down.tolerance_permille));
    let up = |base: Replicas| load.spread(base, target).max(desired);

    if load.0 > most {
        let base = bases.cooldown.unwrap_or(bases.running);
        let replicas = up(base);
        let ruling = if replicas > desired { Ruling::More } else { Ruling::CapacityOnItsWay };
        let band = band(most, least, target, desired, base, bases.running);
        return Answer { replicas, after_cooldown: up(bases.running), base, ruling, band };
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
    let band = band(most, least, target, desired, bases.cooldown.unwrap_or(base), base);
    Answer { replicas, after_cooldown: replicas, base, ruling, band }
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
        Replicas(u32::try_from(replicas).unwrap_or(u32::MAX))
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

    use jiff::SignedDuration;

    use super::*;
    use crate::policy::Pace;

    fn answer(percent: f64, desired: u32, running: u32, cooldown: Option<u32>) -> Answer {
        let pace = Pace { cooldown: SignedDuration::ZERO, tolerance_permille: 100 };
        let bases = Bases { running: Replicas(running), cooldown: cooldown.map(Replicas) };
        count(percent, 65, Replicas(desired), bases, &Behavior { scale_up: pace, scale_down: pace })
    }

    #[test]
    fn the_band_names_the_percentages_at_which_the_answer_changes() {
        for (desired, running, cooldown) in
            [(1, 1, None), (5, 5, None), (40, 40, None), (10, 7, None), (8, 8, Some(5)), (12, 10, Some(10))]
        {
            let at = |percent| answer(percent, desired, running, cooldown).replicas.0;
            let Band::Percent { more_above: Some(above), fewer_below: below } =
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
        assert!(matches!(answer.band, Band::Percent { more_above: None, .. }));
    }

    #[test]
    fn the_noise_of_floating_point_asks_for_no_replica() {
        let third = 65.0 * (0.1 + 0.2) / 0.3 * 2.0;
        assert_eq!(answer(third, 5, 5, None).replicas, Replicas(10));
    }

    #[test]
    fn numbers_at_the_edge_do_not_wrap() {
        let pace = Pace { cooldown: SignedDuration::ZERO, tolerance_permille: u32::MAX };
        let bases = Bases { running: Replicas(1), cooldown: Some(Replicas(u32::MAX)) };
        let behavior = Behavior { scale_up: pace, scale_down: pace };
        let most = count(1e6, u32::MAX, Replicas(u32::MAX), bases, &behavior);
        assert_eq!(most.replicas, Replicas(u32::MAX));
        assert_eq!(count(1e6, 0, Replicas(1), Bases { cooldown: None, ..bases }, &behavior).replicas, Replicas(1));
    }
}
