//! The data points of one metric.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// A statistic of a query. Percentiles are not modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
}

impl Statistic {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => return None,
        })
    }
}

/// Samples, summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) minimum: f64,
    pub(super) maximum: f64,
}

impl Point {
    /// `count` samples of one value.
    pub(super) fn of(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, minimum: value, maximum: value }
    }

    fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }

    fn statistic(self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Average => self.sum / self.count,
            Statistic::Sum => self.sum,
            Statistic::Minimum => self.minimum,
            Statistic::Maximum => self.maximum,
            Statistic::SampleCount => self.count,
        }
    }
}

/// Points by the second their interval begins; some on their way.
#[derive(Debug, Default)]
pub(super) struct Series {
    points: BTreeMap<i64, Point>,
    arriving: Vec<(Instant, i64, Point)>,
}

impl Series {
    /// Adds a point to the interval of `resolution` seconds that holds `second`, to be seen from `visible` on.
    pub(super) fn add(&mut self, second: i64, resolution: i64, point: Point, visible: Instant) {
        let start = second - second.rem_euclid(resolution);
        self.arriving.push((visible, start, point));
    }

    /// Lets points arrive whose time has come.
    pub(super) fn advance(&mut self, now: Instant) {
        for (_, start, point) in self.arriving.extract_if(.., |(visible, ..)| *visible <= now) {
            self.points.entry(start).and_modify(|sum| *sum = sum.with(point)).or_insert(point);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// One value for each period that has points and begins in `start..end`, in order. Periods begin at whole multiples
    /// of their length.
    pub(super) fn query(&self, start: i64, end: i64, period: i64, statistic: Statistic) -> Vec<(i64, f64)> {
        let first = start - start.rem_euclid(period);
        let mut periods: BTreeMap<i64, Point> = BTreeMap::new();
        for (second, point) in self.points.range(first..end.max(first)) {
            let begin = second - second.rem_euclid(period);
            periods.entry(begin).and_modify(|sum| *sum = sum.with(*point)).or_insert(*point);
        }
        periods.into_iter().map(|(begin, point)| (begin, point.statistic(statistic))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn points_of_one_period_are_summed_up_and_others_stand_apart() {
        let now = Instant::now();
        let mut series = Series::default();
        for (second, value) in [(0, 10.0), (59, 30.0), (60, 50.0), (185, 70.0)] {
            series.add(second, 60, Point::of(value, 1.0), now);
        }
        series.advance(now);
        let query = |start, end, period, statistic| series.query(start, end, period, statistic);
        assert_eq!(query(0, 240, 60, Statistic::Average), [(0, 20.0), (60, 50.0), (180, 70.0)]);
        assert_eq!(query(0, 240, 120, Statistic::Sum), [(0, 90.0), (120, 70.0)]);
        assert_eq!(query(0, 240, 120, Statistic::SampleCount), [(0, 3.0), (120, 1.0)]);
        assert_eq!(query(0, 240, 300, Statistic::Minimum), [(0, 10.0)]);
        assert_eq!(query(0, 240, 300, Statistic::Maximum), [(0, 70.0)]);
        assert_eq!(query(30, 60, 60, Statistic::Sum), [(0, 40.0)], "the start is rounded down, the end is left out");
        assert_eq!(query(240, 300, 60, Statistic::Sum), []);
    }

    #[test]
    fn a_point_is_not_seen_before_it_is_delivered() {
        let (now, delay) = (Instant::now(), Duration::from_secs(90));
        let mut series = Series::default();
        series.add(0, 60, Point::of(1.0, 1.0), now + delay);
        series.add(60, 60, Point::of(2.0, 1.0), now);
        series.advance(now);
        assert_eq!(series.query(0, 120, 60, Statistic::Sum), [(60, 2.0)]);
        series.advance(now + delay);
        assert_eq!(series.query(0, 120, 60, Statistic::Sum), [(0, 1.0), (60, 2.0)]);
    }
}
