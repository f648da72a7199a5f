//! Counts with their unit in the type, so that replicas are never added to connections by mistake.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A number of replicas: pods of a workload or tasks of an ECS service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Replicas(pub u32);

/// A number of database connections (slots of the server's connection limit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Connections(pub u32);

impl Replicas {
    /// No replica.
    pub const ZERO: Self = Self(0);

    /// The most that a target can be told to run: Kubernetes and ECS both count in 32 bits with a sign.
    pub const MOST: Self = Self(i32::MAX as u32);

    /// The sum, held at the type's maximum instead of wrapping.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, never below zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The connections that this many replicas open when each opens `per_replica`.
    #[must_use]
    pub const fn connections(self, per_replica: Connections) -> Connections {
        Connections(self.0.saturating_mul(per_replica.0))
    }
}

impl Connections {
    /// No connection.
    pub const ZERO: Self = Self(0);

    /// The sum, held at the type's maximum instead of wrapping.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, never below zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// How many whole replicas fit when each opens `per_replica`; a replica that opens none fits without limit.
    #[must_use]
    pub const fn replicas(self, per_replica: Connections) -> Replicas {
        match self.0.checked_div(per_replica.0) {
            Some(whole) => Replicas(whole),
            None => Replicas(u32::MAX),
        }
    }
}

impl core::iter::Sum for Connections {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_are_held_at_the_edges() {
        let most = u32::MAX;
        assert_eq!(Replicas(most).plus(Replicas(1)), Replicas(most));
        assert_eq!(Connections(3).minus(Connections(4)), Connections::ZERO);
        assert_eq!(Replicas(most).connections(Connections(2)), Connections(most));
        assert_eq!([Connections(most), Connections(1)].into_iter().sum::<Connections>(), Connections(most));
    }

    #[test]
    fn whole_replicas_fit_and_those_without_connections_fit_without_limit() {
        assert_eq!(Connections(29).replicas(Connections(10)), Replicas(2));
        assert_eq!(Connections::ZERO.replicas(Connections::ZERO), Replicas(u32::MAX));
    }
}
