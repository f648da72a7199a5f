//! What a reserve costs in replicas, and which setting would free how many.

use core::fmt;

use super::{Footprint, RolloutReserve, Shape, Surge};
use crate::units::{Connections, Replicas};

/// What a reserve costs of so many connections; for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// What there is to share between replicas and reserve.
    pub connections: Connections,
    /// The replicas that it lets run.
    pub allowed: Replicas,
    /// The replicas that it would let run without a reserve.
    pub carried: Replicas,
    /// The setting that would let more of them run, if one does.
    pub alternative: Option<Alternative>,
}

/// A setting that needs a smaller reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// What to set.
    pub setting: &'static str,
    /// The replicas that could run then.
    pub replicas: Replicas,
}

impl Footprint {
    /// What this reserve costs of `connections`, when nothing terminates.
    #[must_use]
    pub fn cost(&self, connections: Connections) -> Cost {
        let fitting = |footprint: Self| footprint.greatest(connections, Replicas::ZERO);
        let allowed = fitting(*self);
        let alternative =
            self.alternative().map(|(setting, footprint)| Alternative { setting, replicas: fitting(footprint) });
        Cost {
            connections,
            allowed,
            carried: fitting(Self { reserve: RolloutReserve::None, ..*self }),
            alternative: alternative.filter(|alternative| alternative.replicas > allowed),
        }
    }

    /// The setting that frees most and still covers rollouts, where there is one.
    fn alternative(self) -> Option<(&'static str, Self)> {
        let (setting, shape, reserve) = match (self.reserve, self.shape) {
            (RolloutReserve::None, _) | (_, Shape::Recreate | Shape::StatefulSet) => return None,
            (_, Shape::RollingUpdate { .. }) => (
                "maxSurge 0 with rolloutReserve Surge",
                Shape::RollingUpdate { max_surge: Surge::Count(0) },
                RolloutReserve::Surge,
            ),
            (_, Shape::EcsRolling { .. }) => (
                "maximumPercent 100 with rolloutReserve Surge",
                Shape::EcsRolling { maximum_percent: 100 },
                RolloutReserve::Surge,
            ),
            (_, Shape::EcsReplacing) => (
                "rolling deployments of maximumPercent 100 with rolloutReserve Surge",
                Shape::EcsRolling { maximum_percent: 100 },
                RolloutReserve::Surge,
            ),
            (_, Shape::Other) => ("rolloutReserve None, which covers no rollout,", Shape::Other, RolloutReserve::None),
        };
        Some((setting, Self { shape, reserve, ..self }))
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, allowed, carried, alternative } = self;
        write!(f, "allows {allowed} of the {carried} replicas that {connections} connections carry")?;
        match alternative {
            Some(Alternative { setting, replicas }) => write!(f, "; {setting} would allow {replicas}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    /// In words, of 357 connections at 10 a replica.
    fn cost(reserve: RolloutReserve, shape: Shape) -> String {
        Footprint { shape, reserve, per_replica: Connections(10) }.cost(Connections(357)).to_string()
    }

    const CARRIED: &str = "of the 35 replicas that 357 connections carry";

    #[test]
    fn a_reserve_is_told_in_replicas_with_the_setting_that_would_free_most_of_them() {
        let surge = |max_surge| Shape::RollingUpdate { max_surge };
        let freed = "maxSurge 0 with rolloutReserve Surge would allow 35";
        let rolling = surge(Surge::Percent(25));
        assert_eq!(cost(RolloutReserve::Full, rolling), format!("allows 17 {CARRIED}; {freed}"));
        assert_eq!(cost(RolloutReserve::Surge, rolling), format!("allows 28 {CARRIED}; {freed}"));
        assert_eq!(cost(RolloutReserve::Full, surge(Surge::Count(0))), format!("allows 17 {CARRIED}; {freed}"));
        let freed = "maximumPercent 100 with rolloutReserve Surge would allow 35";
        assert_eq!(
            cost(RolloutReserve::Surge, Shape::EcsRolling { maximum_percent: 150 }),
            format!("allows 23 {CARRIED}; {freed}")
        );
        assert_eq!(
            cost(RolloutReserve::Full, Shape::EcsReplacing),
            format!("allows 17 {CARRIED}; rolling deployments of {freed}")
        );
        assert_eq!(
            cost(RolloutReserve::Surge, Shape::Other),
            format!("allows 17 {CARRIED}; rolloutReserve None, which covers no rollout, would allow 35")
        );
    }

    #[test]
    fn a_reserve_that_costs_nothing_names_no_setting() {
        let all = format!("allows 35 {CARRIED}");
        assert_eq!(cost(RolloutReserve::Surge, Shape::RollingUpdate { max_surge: Surge::Count(0) }), all);
        assert_eq!(cost(RolloutReserve::Full, Shape::Recreate), all);
        assert_eq!(cost(RolloutReserve::Full, Shape::StatefulSet), all);
        assert_eq!(cost(RolloutReserve::None, Shape::Other), all);
    }
}
