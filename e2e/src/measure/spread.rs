//! A few numbers that stand for many durations.

use std::time::Duration;

/// The spread of some durations; each number is one of them (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spread {
    /// The shortest.
    pub(super) min: Duration,
    /// Half of them took no longer.
    pub(super) median: Duration,
    /// 95 % of them took no longer.
    pub(super) p95: Duration,
    /// 99 % of them took no longer.
    pub(super) p99: Duration,
    /// The longest.
    pub(super) max: Duration,
}

impl Spread {
    /// The spread of `samples`, in any order; `None` when there are none.
    pub(super) fn of(samples: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut sorted: Vec<_> = samples.into_iter().collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { min: at(0)?, median: at(50)?, p95: at(95)?, p99: at(99)?, max: at(100)? })
    }

    /// Four of them, in the order of the columns of the operator's table.
    pub(super) fn columns(self) -> [Duration; 4] {
        [self.min, self.median, self.p95, self.max]
    }

    /// Four of them, in the order of the columns of the budget's table, which has a goal for the last but one.
    pub(super) fn tail(self) -> [Duration; 4] {
        [self.median, self.p95, self.p99, self.max]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Option<[u128; 4]> {
        let spread = Spread::of(millis.into_iter().map(Duration::from_millis))?;
        Some(spread.columns().map(|duration| duration.as_millis()))
    }

    #[test]
    fn each_number_is_the_one_of_its_rank_whatever_the_order() {
        assert_eq!(of((1..=50).rev()), Some([1, 25, 48, 50]));
        assert_eq!(of([30, 10, 20]), Some([10, 20, 30, 30]));
        assert_eq!(of([7]), Some([7, 7, 7, 7]));
    }

    #[test]
    fn the_tail_tells_the_last_hundredth_from_the_longest() {
        let spread = Spread::of((1..=200).map(Duration::from_millis));
        assert_eq!(spread.map(|spread| spread.tail().map(|time| time.as_millis())), Some([100, 190, 198, 200]));
    }

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(of([]), None);
    }
}
