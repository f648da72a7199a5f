//! What a reserve covers and what it costs, in words for the status.

use core::fmt;

use super::{Footprint, RolloutReserve, Shape};

/// What a reserve covers, what it does not, and which setting would let more replicas run; for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covers {
    /// What happens without a refused connection.
    pub covered: &'static str,
    /// What may still open more connections than were granted.
    pub uncovered: &'static str,
    /// The setting that would let more replicas run, with its price; `None` when the reserve costs nothing.
    pub free: Option<&'static str>,
}

impl Footprint {
    /// What this reserve covers for this shape.
    #[must_use]
    pub const fn covers(&self) -> Covers {
        match (self.reserve, self.shape) {
            (RolloutReserve::Full | RolloutReserve::Surge, Shape::StatefulSet) => Covers {
                covered: "rollouts and evictions, since no ordinal runs twice",
                uncovered: "pods deleted by force while their connections are open, and another `ordinals.start`",
                free: None,
            },
            (RolloutReserve::None, Shape::StatefulSet) => Covers {
                covered: "rollouts and evictions, since no ordinal runs twice",
                uncovered: "evictions while replicas above a lowered number drain, and pods deleted by force",
                free: None,
            },
            (RolloutReserve::Full | RolloutReserve::Surge, Shape::Recreate) => Covers {
                covered: "rollouts, since every old replica ends before a new one starts",
                uncovered: "evictions, whose replacements start beside the replicas that drain",
                free: None,
            },
            (RolloutReserve::Full, Shape::RollingUpdate { .. } | Shape::Other) => Covers {
                covered: "one rollout, or the eviction of every replica once",
                uncovered: "both at once, or a second rollout while the first one drains",
                free: Some(
                    "`rolloutReserve: Surge` with a small `maxSurge` lets more replicas run, if old ones end as fast as new ones start",
                ),
            },
            (RolloutReserve::Full, Shape::EcsRolling { .. }) => Covers {
                covered: "one deployment, or the replacement of every task once",
                uncovered: "both at once, or a second deployment while the first one drains",
                free: Some(
                    "`rolloutReserve: Surge` with a `maximumPercent` near 100 lets more tasks run, if old ones end as fast as new ones start",
                ),
            },
            (RolloutReserve::Full | RolloutReserve::Surge, Shape::EcsReplacing) => Covers {
                covered: "one deployment that runs the new tasks beside the old ones",
                uncovered: "a second deployment, or the replacement of tasks, while the first one drains",
                free: Some(
                    "rolling deployments with `rolloutReserve: Surge` and a `maximumPercent` near 100 let more tasks run",
                ),
            },
            (RolloutReserve::Surge, Shape::RollingUpdate { .. }) => Covers {
                covered: "a rollout whose old replicas end as fast as new ones start",
                uncovered: "replicas that drain for longer, and evictions",
                free: Some("a smaller `maxSurge` lets more replicas run, and rollouts take longer"),
            },
            (RolloutReserve::Surge, Shape::Other) => Covers {
                covered: "one rollout of any kind, since the limits of this kind's rollouts are not known",
                uncovered: "a second rollout, or evictions, while the first one drains",
                free: Some("`rolloutReserve: None` lets more replicas run, and covers no rollout"),
            },
            (RolloutReserve::Surge, Shape::EcsRolling { .. }) => Covers {
                covered: "a deployment whose old tasks end as fast as new ones start",
                uncovered: "tasks that drain for longer, and tasks replaced during a deployment",
                free: Some("a smaller `maximumPercent` lets more tasks run, and deployments take longer"),
            },
            (RolloutReserve::None, _) => Covers {
                covered: "the replicas asked for",
                uncovered: "rollouts, evictions and replicas that drain",
                free: None,
            },
        }
    }
}

impl fmt::Display for Covers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { covered, uncovered, free } = self;
        write!(f, "covers {covered}; does not cover {uncovered}")?;
        match free {
            Some(free) => write!(f, "; {free}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::{budget::Surge, units::Connections};

    fn covers(reserve: RolloutReserve, shape: Shape) -> String {
        Footprint { shape, reserve, per_replica: Connections(10) }.covers().to_string()
    }

    #[test]
    fn a_deployment_is_told_what_a_full_reserve_covers_and_which_setting_would_free_it() {
        let shape = Shape::RollingUpdate { max_surge: Surge::Percent(25) };
        assert_eq!(
            covers(RolloutReserve::Full, shape),
            "covers one rollout, or the eviction of every replica once; does not cover both at once, or a second rollout while the \
             first one drains; `rolloutReserve: Surge` with a small `maxSurge` lets more replicas run, if old ones end as fast as new \
             ones start"
        );
    }

    #[test]
    fn no_reserve_says_that_it_covers_no_rollout_except_where_none_runs_twice() {
        assert!(covers(RolloutReserve::None, Shape::Other).contains("does not cover rollouts"));
        assert!(covers(RolloutReserve::None, Shape::StatefulSet).contains("no ordinal runs twice"));
    }
}
