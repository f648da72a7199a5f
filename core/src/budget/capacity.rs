//! How many connections a database leaves to ordinary roles, and how far a reading of it is believed.

use serde::{Deserialize, Serialize};

use crate::units::Connections;

/// The settings of a PostgreSQL server that decide how many connections ordinary roles may open together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostgresLimits {
    /// `max_connections`.
    pub max_connections: Connections,
    /// `superuser_reserved_connections` (default 3).
    pub superuser_reserved: Connections,
    /// `reserved_connections`, which PostgreSQL has since version 16; 0 before.
    pub reserved: Connections,
    /// `rds.rds_superuser_reserved_connections` of Amazon RDS (2 there); 0 elsewhere.
    pub rds_superuser_reserved: Connections,
}

impl PostgresLimits {
    /// The connections that ordinary roles may open together.
    #[must_use]
    pub const fn usable(&self) -> Connections {
        self.max_connections.minus(self.superuser_reserved).minus(self.reserved).minus(self.rds_superuser_reserved)
    }
}

/// Readings in a row that must lie above the believed capacity before it grows.
pub const GROWTH_READINGS: u8 = 3;

/// Readings in a row that must lie below the confirmed capacity before any consumer is lowered for it.
pub const DRAIN_READINGS: u8 = 3;

/// What is believed of a database's capacity after every reading so far.
///
/// A smaller reading counts at once: connections beyond it are refused now. A greater one counts after
/// [`GROWTH_READINGS`] in a row, as the least of them, since a fail-over can show the larger of two servers for a moment. A source that
/// cannot be read keeps the last value but freezes it: no grant grows on a number that nobody can confirm, and nothing is scaled in.
///
/// What lowers consumers is held to more than what stops their growth: [`Capacity::confirmed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Connections that managed and unmanaged clients may open together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usable: Option<Connections>,
    /// Whether the newest attempt to read the source succeeded.
    #[serde(default)]
    source: Source,
    /// Readings above `usable` that have not been believed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    growing: Option<Growing>,
    /// Readings below what was confirmed that have not been confirmed themselves; missing when `usable` is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    falling: Option<Falling>,
}

/// Whether the capacity's source answered when it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Source {
    /// It answered, or was never asked.
    #[default]
    Readable,
    /// It did not answer.
    Unreadable,
}

/// Readings in a row above the believed capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Growing {
    /// The least of them.
    to: Connections,
    /// How many there were.
    readings: u8,
}

/// Readings in a row below the confirmed capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Falling {
    /// The confirmed capacity; missing when none ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Connections>,
    /// The greatest of them.
    to: Connections,
    /// How many there were.
    readings: u8,
}

impl Capacity {
    /// A capacity that a person wrote down, believed at once in both directions.
    #[must_use]
    pub const fn fixed(usable: Connections) -> Self {
        Self { usable: Some(usable), source: Source::Readable, growing: None, falling: None }
    }

    /// What is believed after one more reading; `None` when the source could not be read.
    #[must_use]
    pub fn read(self, reading: Option<Connections>) -> Self {
        let Some(read) = reading else {
            let falling = self.falling.map(|falling| Falling { to: Connections::ZERO, readings: 0, ..falling });
            return Self { source: Source::Unreadable, growing: None, falling, ..self };
        };
        let grown = self.grow(read);
        let falling = Some(self.fall(read)).filter(|falling| falling.from != grown.usable);
        Self { falling, ..grown }
    }

    /// What may be granted after `read`.
    fn grow(self, read: Connections) -> Self {
        let Some(usable) = self.usable.filter(|usable| read > *usable) else {
            return Self::fixed(read);
        };
        let growing = match self.growing {
            Some(Growing { to, readings }) => Growing { to: to.min(read), readings: readings.saturating_add(1) },
            None => Growing { to: read, readings: 1 },
        };
        if growing.readings >= GROWTH_READINGS {
            return Self::fixed(growing.to);
        }
        Self { usable: Some(usable), source: Source::Readable, growing: Some(growing), falling: None }
    }

    /// What is confirmed after `read`, and the readings below it.
    fn fall(self, read: Connections) -> Falling {
        let none_below = |from| Falling { from, to: Connections::ZERO, readings: 0 };
        let confirmed = self.confirmed();
        if confirmed.is_some_and(|confirmed| read >= confirmed) {
            return none_below(Some(read));
        }
        let earlier = self.falling.unwrap_or(none_below(confirmed));
        let falling =
            Falling { from: confirmed, to: earlier.to.max(read), readings: earlier.readings.saturating_add(1) };
        if falling.readings >= DRAIN_READINGS { none_below(Some(falling.to)) } else { falling }
    }

    /// The connections that may be open at once; `None` before the first reading.
    #[must_use]
    pub const fn usable(&self) -> Option<Connections> {
        self.usable
    }

    /// The connections that may be open at once by every reading of late, which is what lowering consumers goes by; `None` before there
    /// is such a number.
    ///
    /// A greater reading counts at once, and a smaller one after [`DRAIN_READINGS`] in a row, as the greatest of them: a fail-over can
    /// show the smaller of two servers for a moment, and replicas that were stopped for it would have been stopped for nothing.
    #[must_use]
    pub const fn confirmed(&self) -> Option<Connections> {
        match self.falling {
            Some(falling) => falling.from,
            None => self.usable,
        }
    }

    /// Whether the source could not be read when it was last asked, so that no grant may grow.
    #[must_use]
    pub fn frozen(&self) -> bool {
        self.source == Source::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Capacity, readings: &[u32]) -> Option<u32> {
        let end = readings.iter().fold(start, |capacity, reading| capacity.read(Some(Connections(*reading))));
        end.usable().map(|usable| usable.0)
    }

    #[test]
    fn ordinary_roles_may_use_what_all_reserves_leave() {
        let limits = |max, superuser, reserved, rds| PostgresLimits {
            max_connections: Connections(max),
            superuser_reserved: Connections(superuser),
            reserved: Connections(reserved),
            rds_superuser_reserved: Connections(rds),
        };
        assert_eq!(limits(12, 3, 2, 0).usable(), Connections(7));
        assert_eq!(limits(100, 3, 0, 2).usable(), Connections(95));
        assert_eq!(limits(2, 3, 2, 2).usable(), Connections::ZERO);
    }

    #[test]
    fn the_first_reading_and_every_smaller_one_count_at_once() {
        assert_eq!(after(Capacity::default(), &[]), None);
        assert_eq!(after(Capacity::default(), &[360]), Some(360));
        assert_eq!(after(Capacity::default(), &[360, 180]), Some(180));
    }

    #[test]
    fn a_greater_reading_counts_as_the_least_of_three_in_a_row() {
        let start = Capacity::fixed(Connections(100));
        assert_eq!(after(start, &[200, 300]), Some(100));
        assert_eq!(after(start, &[200, 300, 250]), Some(200));
        assert_eq!(
            after(start, &[200, 300, 100, 250, 260]),
            Some(100),
            "a reading that is not greater starts the count anew"
        );
        assert_eq!(after(start, &[200, 300, 90, 250, 260]), Some(90));
    }

    #[test]
    fn an_unreadable_source_keeps_the_last_value_frozen_until_it_is_read_again() {
        let start = Capacity::fixed(Connections(100)).read(Some(Connections(200))).read(Some(Connections(200)));
        let frozen = start.read(None);
        assert_eq!((frozen.usable(), frozen.frozen()), (Some(Connections(100)), true));
        let read = frozen.read(Some(Connections(200)));
        assert_eq!(
            (read.usable(), read.frozen()),
            (Some(Connections(100)), false),
            "readings before the gap do not count"
        );
        assert_eq!(after(read, &[200, 200]), Some(200));
    }

    #[test]
    fn a_source_that_was_never_read_is_unknown_and_frozen() {
        let never = Capacity::default().read(None);
        assert_eq!((never.usable(), never.frozen()), (None, true));
    }

    fn confirmed(start: Capacity, readings: &[Option<u32>]) -> Option<u32> {
        let end = readings.iter().fold(start, |capacity, reading| capacity.read(reading.map(Connections)));
        end.confirmed().map(|confirmed| confirmed.0)
    }

    #[test]
    fn a_smaller_reading_is_confirmed_as_the_greatest_of_three_in_a_row() {
        let start = Capacity::fixed(Connections(360));
        assert_eq!(confirmed(start, &[Some(180), Some(180)]), Some(360));
        assert_eq!(confirmed(start, &[Some(180), Some(200), Some(190)]), Some(200));
        assert_eq!(confirmed(start, &[Some(180), Some(200), Some(190), Some(180), Some(180)]), Some(200));
        assert_eq!(confirmed(start, &[Some(180), Some(200), Some(190), Some(180), Some(180), Some(180)]), Some(180));
    }

    #[test]
    fn a_greater_reading_is_confirmed_at_once_and_starts_the_count_of_smaller_ones_anew() {
        let start = Capacity::fixed(Connections(360));
        assert_eq!(confirmed(start, &[Some(400)]), Some(400), "though nothing may be granted on it yet");
        assert_eq!(confirmed(start, &[Some(180), Some(180), Some(360), Some(180), Some(180)]), Some(360));
        assert_eq!(
            after(start, &[180, 180, 360, 180, 180]),
            Some(180),
            "though no more is granted than the least allows"
        );
    }

    #[test]
    fn an_unreadable_source_confirms_nothing_and_starts_the_count_anew() {
        let start = Capacity::fixed(Connections(360));
        assert_eq!(confirmed(start, &[Some(180), Some(180), None, None, None]), Some(360));
        assert_eq!(confirmed(start, &[Some(180), Some(180), None, Some(180), Some(180)]), Some(360));
        assert_eq!(confirmed(start, &[Some(180), Some(180), None, Some(180), Some(180), Some(180)]), Some(180));
    }

    #[test]
    fn the_very_first_readings_confirm_nothing_before_there_are_three() {
        assert_eq!(confirmed(Capacity::default(), &[Some(180), Some(180)]), None);
        assert_eq!(confirmed(Capacity::default(), &[Some(180), Some(180), Some(180)]), Some(180));
        assert_eq!(
            confirmed(Capacity::fixed(Connections(360)), &[]),
            Some(360),
            "what a person wrote down is confirmed"
        );
    }

    #[test]
    fn a_steady_reading_changes_nothing() {
        let steady = Capacity::fixed(Connections(100));
        assert_eq!(steady.read(Some(Connections(100))), steady);
    }
}
