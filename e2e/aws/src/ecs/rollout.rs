//! What the scheduler of a service does next, from counts alone.
//!
//! The bounds are those of the rolling update (developer guide, "Deploy Amazon ECS services by replacing tasks"):
//! `maximumPercent` of the desired count, rounded down, bounds the tasks that start or run; `minimumHealthyPercent`,
//! rounded up, is what stays healthy. Tasks that stop are outside both.

/// `maximumPercent` and `minimumHealthyPercent` of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percentages {
    pub(super) maximum: u32,
    pub(super) minimum_healthy: u32,
}

impl Default for Percentages {
    /// The defaults of a REPLICA service.
    fn default() -> Self {
        Self { maximum: 200, minimum_healthy: 100 }
    }
}

impl Percentages {
    /// The most tasks that may start or run.
    pub(super) fn most(self, desired: u32) -> u32 {
        narrow(u64::from(desired) * u64::from(self.maximum) / 100)
    }

    /// The fewest healthy tasks that a deployment leaves.
    pub(super) fn least(self, desired: u32) -> u32 {
        narrow((u64::from(desired) * u64::from(self.minimum_healthy)).div_ceil(100))
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A service, counted. The old deployments are taken together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) desired: u32,
    pub(super) percentages: Percentages,
    /// Of the newest deployment.
    pub(super) primary: Tasks,
    /// Of those it replaces.
    pub(super) old: Tasks,
    /// The tasks the old deployments keep up until they are replaced: one that crashes comes back in its own revision.
    pub(super) old_target: u32,
    /// Whether the newest deployment may start tasks now, and the old ones likewise: `false` while one backs off.
    pub(super) primary_may_start: bool,
    pub(super) old_may_start: bool,
}

/// Tasks meant to run on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tasks {
    /// All of them, starting ones included.
    pub(super) live: u32,
    /// Those that run and count as healthy.
    pub(super) healthy: u32,
}

/// One move. The scheduler counts again after each, until there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    StopPrimary(u32),
    StopOld(u32),
    StartPrimary(u32),
    StartOld(u32),
    /// Nothing now.
    Rest,
    /// Nothing ever: the percentages leave no room to replace a task.
    Stuck,
}

/// The next move.
pub(super) fn next(count: Count) -> Move {
    let Count { desired, percentages, primary, old, old_target, primary_may_start, old_may_start } = count;
    if primary.live > desired {
        return Move::StopPrimary(primary.live - desired);
    }
    // Healthy tasks above the minimum may go, starting ones always.
    let least = percentages.least(desired);
    let spare = (primary.healthy + old.healthy).saturating_sub(least);
    let stoppable_old = (old.live - old.healthy) + old.healthy.min(spare);
    let keep_old = old_target.min(desired.saturating_sub(primary.healthy));
    let replaced = old.live.saturating_sub(keep_old).min(stoppable_old);
    if replaced > 0 {
        return Move::StopOld(replaced);
    }
    // Too many when the desired count or the maximum was lowered during a deployment.
    let excess = (primary.live + old.live).saturating_sub(percentages.most(desired));
    if excess > 0 {
        let starting = primary.live - primary.healthy;
        return match (excess.min(stoppable_old), excess.min(starting)) {
            (0, 0) => Move::Rest,
            (0, stopped) => Move::StopPrimary(stopped),
            (stopped, _) => Move::StopOld(stopped),
        };
    }
    let room = percentages.most(desired).saturating_sub(primary.live + old.live);
    let missing = desired - primary.live;
    // A crashed task of an old revision comes back at once where the minimum needs it, else after the new ones.
    let spare_old = (primary.healthy + old.live).saturating_sub(least);
    let short_old = least.saturating_sub(primary.healthy + old.live);
    let crashed_old = keep_old.saturating_sub(old.live).min(if missing > 0 { short_old } else { u32::MAX });
    if old_may_start && crashed_old.min(room) > 0 {
        return Move::StartOld(crashed_old.min(room));
    }
    if missing == 0 || !primary_may_start {
        return Move::Rest;
    }
    if room > 0 {
        return Move::StartPrimary(missing.min(room));
    }
    let make_room = missing.min(spare_old).min(old.live);
    if make_room > 0 {
        return Move::StopOld(make_room);
    }
    let all_healthy = primary.live == primary.healthy && old.live == old.healthy;
    if all_healthy { Move::Stuck } else { Move::Rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(desired: u32, maximum: u32, minimum_healthy: u32, primary: (u32, u32), old: (u32, u32)) -> Count {
        let tasks = |(live, healthy)| Tasks { live, healthy };
        Count {
            desired,
            percentages: Percentages { maximum, minimum_healthy },
            primary: tasks(primary),
            old: tasks(old),
            old_target: old.0,
            primary_may_start: true,
            old_may_start: true,
        }
    }

    #[test]
    fn the_maximum_is_rounded_down_and_the_minimum_up() {
        let percentages = Percentages { maximum: 125, minimum_healthy: 75 };
        assert_eq!((percentages.most(3), percentages.least(3)), (3, 3));
        assert_eq!((percentages.most(4), percentages.least(4)), (5, 3));
        let halves = Percentages { maximum: 150, minimum_healthy: 50 };
        assert_eq!((halves.most(35), halves.least(35)), (52, 18));
        assert_eq!(Percentages::default().most(u32::MAX), u32::MAX);
    }

    #[test]
    fn without_a_deployment_the_desired_count_is_all_there_is() {
        assert_eq!(next(count(50, 100, 50, (5, 5), (0, 0))), Move::StartPrimary(45));
        assert_eq!(next(count(5, 200, 100, (50, 50), (0, 0))), Move::StopPrimary(45));
        assert_eq!(next(count(5, 200, 100, (5, 0), (0, 0))), Move::Rest);
    }

    #[test]
    fn twice_the_tasks_lets_all_new_ones_start_before_an_old_one_stops() {
        assert_eq!(next(count(4, 200, 100, (0, 0), (4, 4))), Move::StartPrimary(4));
        assert_eq!(next(count(4, 200, 100, (4, 0), (4, 4))), Move::Rest);
        assert_eq!(next(count(4, 200, 100, (4, 1), (4, 4))), Move::StopOld(1));
    }

    #[test]
    fn no_room_above_the_desired_count_lets_half_of_the_old_tasks_stop_first() {
        assert_eq!(next(count(4, 100, 50, (0, 0), (4, 4))), Move::StopOld(2));
        assert_eq!(next(count(4, 100, 50, (0, 0), (2, 2))), Move::StartPrimary(2));
        assert_eq!(next(count(4, 100, 50, (2, 0), (2, 2))), Move::Rest);
        assert_eq!(next(count(4, 100, 50, (2, 2), (2, 2))), Move::StopOld(2));
    }

    #[test]
    fn a_crashed_task_of_the_old_revision_comes_back_in_it() {
        let crashed = Count { old_target: 2, ..count(4, 100, 50, (2, 0), (1, 1)) };
        assert_eq!(next(crashed), Move::StartOld(1));
        assert_eq!(next(Count { old_may_start: false, ..crashed }), Move::StartPrimary(1));
    }

    #[test]
    fn a_deployment_that_can_neither_start_nor_stop_is_stuck() {
        // The guide's own examples: 125 % of 3 is 3, and 75 % of 2 is 2.
        assert_eq!(next(count(3, 125, 100, (0, 0), (3, 3))), Move::Stuck);
        assert_eq!(next(count(2, 100, 75, (0, 0), (2, 2))), Move::Stuck);
    }

    #[test]
    fn a_desired_count_lowered_in_a_deployment_brings_the_total_back_under_the_maximum() {
        assert_eq!(next(count(4, 100, 50, (4, 0), (4, 4))), Move::StopOld(2));
        assert_eq!(next(count(4, 100, 50, (4, 0), (2, 2))), Move::StopPrimary(2));
        assert_eq!(next(count(4, 100, 50, (2, 0), (2, 2))), Move::Rest);
    }

    #[test]
    fn a_deployment_that_backs_off_stops_no_old_task_to_make_room() {
        let backing_off = Count { primary_may_start: false, ..count(4, 100, 50, (0, 0), (4, 4)) };
        assert_eq!(next(backing_off), Move::Rest);
    }
}

#[cfg(test)]
mod laws {
    use proptest::prelude::*;

    use super::*;

    fn tasks() -> impl Strategy<Value = Tasks> {
        (0..60_u32).prop_flat_map(|live| (Just(live), 0..=live)).prop_map(|(live, healthy)| Tasks { live, healthy })
    }

    prop_compose! {
        fn counts()(
            desired in 0..60_u32,
            maximum in 100..=200_u32,
            minimum_healthy in 0..=100_u32,
            primary in tasks(),
            old in tasks(),
            crashed in 0..5_u32,
            primary_may_start: bool,
            old_may_start: bool,
        ) -> Count {
            let percentages = Percentages { maximum, minimum_healthy };
            let old_target = old.live + crashed;
            Count { desired, percentages, primary, old, old_target, primary_may_start, old_may_start }
        }
    }

    proptest! {
        #[test]
        fn a_start_never_passes_the_maximum(count in counts()) {
            let total = count.primary.live + count.old.live;
            if let Move::StartPrimary(n) | Move::StartOld(n) = next(count) {
                prop_assert!(n > 0 && total + n <= count.percentages.most(count.desired), "{count:?}");
            }
        }

        #[test]
        fn a_stop_of_old_tasks_leaves_the_minimum_healthy(count in counts()) {
            if let Move::StopOld(n) = next(count) {
                let starting = count.old.live - count.old.healthy;
                let healthy_left = count.primary.healthy + count.old.healthy - n.saturating_sub(starting);
                prop_assert!(n > 0 && n <= count.old.live, "{count:?}");
                let least = count.percentages.least(count.desired);
                prop_assert!(n <= starting || healthy_left >= least, "{count:?}");
            }
        }
    }
}
