//! The most replicas that may live at once while a target is told to run `n`: a rollout counts some of them twice.

use serde::{Deserialize, Serialize};

use crate::{
    observation::Workload,
    units::{Connections, Replicas},
};

mod cost;
mod covers;

pub use cost::{Alternative, Cost};
pub use covers::Covers;

/// A Deployment's `maxSurge`: replicas that a rolling update may start beyond the number desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Surge {
    /// So many.
    Count(u32),
    /// Percent of the number desired, rounded up.
    Percent(u32),
}

/// How a target replaces its replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Shape {
    /// A Deployment with strategy `RollingUpdate`.
    RollingUpdate {
        /// `maxSurge`, 25 % by default.
        max_surge: Surge,
    },
    /// A Deployment with strategy `Recreate`.
    Recreate,
    /// A `StatefulSet`: it never runs two replicas of one ordinal, but those above a lowered number drain beside all below it.
    StatefulSet,
    /// Any other scalable kind, whose way is not known: taken for a rolling update without a bound.
    Other,
    /// An ECS service with rolling deployments.
    EcsRolling {
        /// `maximumPercent` of the number desired, rounded down, 200 by default.
        maximum_percent: u32,
    },
    /// An ECS service that runs the new replicas beside the old ones: blue/green, linear, canary, external.
    EcsReplacing,
}

/// How much of a rollout to keep connections free for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RolloutReserve {
    /// Every replica may live twice.
    Full,
    /// The surge that the target's settings allow, on condition that old replicas end as fast as new ones start.
    Surge,
    /// Nothing.
    None,
}

impl RolloutReserve {
    /// Every reserve, the one that covers most first.
    pub const ALL: [Self; 3] = [Self::Full, Self::Surge, Self::None];
}

/// What the replicas of one target may open together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Footprint {
    /// How it replaces its replicas.
    pub shape: Shape,
    /// How much of a rollout is reserved for.
    pub reserve: RolloutReserve,
    /// The most connections that one replica opens: its pool's maximum times its processes.
    pub per_replica: Connections,
}

impl Surge {
    /// The surge of `desired` replicas.
    fn of(self, desired: u64) -> u64 {
        match self {
            Self::Count(count) => u64::from(count),
            Self::Percent(percent) => (desired * u64::from(percent)).div_ceil(100),
        }
    }
}

impl Footprint {
    /// The most replicas that may live at once while `desired` are asked for and `terminating` older ones are on their way out.
    ///
    /// `Full` counts every replica twice: one that terminates has left the surge count of its controller while its connections are
    /// still open, so one rollout can reach `2 × desired` whatever `maxSurge` or `maximumPercent` says.
    #[must_use]
    pub fn peak(&self, desired: Replicas, terminating: Replicas) -> Replicas {
        Replicas(u32::try_from(self.exact_peak(desired, terminating)).unwrap_or(u32::MAX))
    }

    /// The connections that [`Footprint::peak`] replicas open.
    #[must_use]
    pub fn connections(&self, desired: Replicas, terminating: Replicas) -> Connections {
        Connections(u32::try_from(self.exact_connections(desired, terminating)).unwrap_or(u32::MAX))
    }

    /// The greatest number of desired replicas whose [`Footprint::connections`] fit into `room`; 0 when none does.
    ///
    /// Found by bisection: percentages are rounded, so no formula inverts them, but one replica more never needs fewer connections.
    #[must_use]
    pub fn greatest(&self, room: Connections, terminating: Replicas) -> Replicas {
        let fits = |n: u32| self.exact_connections(Replicas(n), terminating) <= u64::from(room.0);
        let (mut fitting, mut beyond) = (0_u32, u32::MAX);
        if fits(beyond) {
            return Replicas(beyond);
        }
        while beyond - fitting > 1 {
            let middle = fitting.midpoint(beyond);
            if fits(middle) { fitting = middle } else { beyond = middle }
        }
        Replicas(fitting)
    }

    /// The replicas that may live beside [`Footprint::peak`] of `desired` when a target is scaled up to it in the middle of a rollout.
    ///
    /// A Deployment spreads the new replicas over its old and new `ReplicaSets`, `desired + maxSurge` in all. By then everything that
    /// lives now may be draining, and the refilled old ones drain later beside `desired` new ones. An ECS service gives all of them to
    /// the newest deployment, so nothing is refilled.
    #[must_use]
    pub(crate) fn beside_rollout(&self, desired: Replicas, workload: &Workload) -> Replicas {
        let n = u64::from(desired.0);
        let held = |replicas: u64| Replicas(u32::try_from(replicas).unwrap_or(u32::MAX));
        match (self.reserve, self.shape) {
            (RolloutReserve::Full, Shape::RollingUpdate { max_surge }) => workload.live().plus(held(max_surge.of(n))),
            (RolloutReserve::Surge, Shape::RollingUpdate { max_surge }) => {
                workload.terminating.plus(held(max_surge.of(n).saturating_sub(n)))
            }
            (_, Shape::Other) => workload.live().plus(desired),
            (_, Shape::Recreate) => workload.live(),
            (_, Shape::EcsRolling { .. } | Shape::EcsReplacing | Shape::StatefulSet)
            | (RolloutReserve::None, Shape::RollingUpdate { .. }) => workload.terminating,
        }
    }

    pub(super) fn exact_connections(&self, desired: Replicas, terminating: Replicas) -> u64 {
        self.exact_peak(desired, terminating).saturating_mul(u64::from(self.per_replica.0))
    }

    /// New replicas never exceed `desired`, so a surge beyond 100 % adds nothing to `2 × desired`. No sum here exceeds `u64`.
    fn exact_peak(&self, desired: Replicas, terminating: Replicas) -> u64 {
        let (n, leaving) = (u64::from(desired.0), u64::from(terminating.0));
        match (self.reserve, self.shape) {
            (RolloutReserve::None, _) | (_, Shape::Recreate | Shape::StatefulSet) => n + leaving,
            (RolloutReserve::Surge, Shape::RollingUpdate { max_surge }) => n + max_surge.of(n).min(n) + leaving,
            (RolloutReserve::Surge, Shape::EcsRolling { maximum_percent }) => {
                (n * u64::from(maximum_percent) / 100).clamp(n, 2 * n) + leaving
            }
            (RolloutReserve::Surge, Shape::Other | Shape::EcsReplacing) | (RolloutReserve::Full, _) => 2 * n + leaving,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observation::Rollout;

    const SHAPES: [Shape; 8] = [
        Shape::RollingUpdate { max_surge: Surge::Percent(25) },
        Shape::RollingUpdate { max_surge: Surge::Count(3) },
        Shape::RollingUpdate { max_surge: Surge::Count(0) },
        Shape::Recreate,
        Shape::StatefulSet,
        Shape::Other,
        Shape::EcsRolling { maximum_percent: 150 },
        Shape::EcsReplacing,
    ];

    fn peaks(reserve: RolloutReserve, desired: u32, terminating: u32) -> [u32; 8] {
        let footprint = |shape| Footprint { shape, reserve, per_replica: Connections(10) };
        SHAPES.map(|shape| footprint(shape).peak(Replicas(desired), Replicas(terminating)).0)
    }

    #[test]
    fn each_shape_has_its_peak() {
        //                                            25%  +3   +0  Recreate  Stateful  Other  150%  replacing
        assert_eq!(peaks(RolloutReserve::Full, 9, 2), [20, 20, 20, 11, 11, 20, 20, 20]);
        assert_eq!(peaks(RolloutReserve::Surge, 9, 2), [14, 14, 11, 11, 11, 20, 15, 20]);
        // What drains keeps its connections, whatever is reserved.
        assert_eq!(peaks(RolloutReserve::None, 9, 2), [11; 8]);
    }

    #[test]
    fn each_shape_has_what_may_live_beside_its_peak_in_a_rollout() {
        let [running, starting, terminating] = [6, 1, 2].map(Replicas);
        let workload = Workload { desired: Replicas(5), running, starting, terminating, rollout: Rollout::InProgress };
        let beside = |reserve, shape| {
            Footprint { shape, reserve, per_replica: Connections(10) }.beside_rollout(Replicas(8), &workload).0
        };
        //                  25%  +3  +0  Recreate  Stateful  Other  150%  replacing
        assert_eq!(SHAPES.map(|shape| beside(RolloutReserve::Full, shape)), [11, 12, 9, 9, 2, 17, 2, 2]);
        assert_eq!(SHAPES.map(|shape| beside(RolloutReserve::Surge, shape)), [2, 2, 2, 9, 2, 17, 2, 2]);
        let beyond_twice = Shape::RollingUpdate { max_surge: Surge::Count(20) };
        assert_eq!(beside(RolloutReserve::Surge, beyond_twice), 14);
    }

    #[test]
    fn a_maximum_percent_below_one_hundred_still_leaves_every_desired_task_its_place() {
        let shape = Shape::EcsRolling { maximum_percent: 50 };
        let footprint = Footprint { shape, reserve: RolloutReserve::Surge, per_replica: Connections(1) };
        assert_eq!(footprint.peak(Replicas(10), Replicas(1)), Replicas(11));
    }

    #[test]
    fn numbers_beyond_the_type_are_held_at_its_maximum() {
        let shape = Shape::RollingUpdate { max_surge: Surge::Percent(u32::MAX) };
        let footprint = Footprint { shape, reserve: RolloutReserve::Surge, per_replica: Connections(u32::MAX) };
        let most = Replicas(u32::MAX);
        assert_eq!((footprint.peak(most, most), footprint.connections(most, most)), (most, Connections(u32::MAX)));
        assert_eq!(footprint.greatest(Connections(u32::MAX), most), Replicas::ZERO);
    }

    #[test]
    fn replicas_without_connections_fit_without_limit() {
        let shape = Shape::Other;
        let footprint = Footprint { shape, reserve: RolloutReserve::Full, per_replica: Connections::ZERO };
        assert_eq!(footprint.greatest(Connections::ZERO, Replicas(7)), Replicas(u32::MAX));
    }

    fn footprint() -> impl Strategy<Value = Footprint> {
        let surge = prop_oneof![(0..40_u32).prop_map(Surge::Count), (0..250_u32).prop_map(Surge::Percent)];
        let shape = prop_oneof![
            surge.prop_map(|max_surge| Shape::RollingUpdate { max_surge }),
            Just(Shape::Recreate),
            Just(Shape::StatefulSet),
            Just(Shape::Other),
            (0..300_u32).prop_map(|maximum_percent| Shape::EcsRolling { maximum_percent }),
            Just(Shape::EcsReplacing),
        ];
        (shape, prop::sample::select(&RolloutReserve::ALL), 1..50_u32).prop_map(|(shape, reserve, per_replica)| {
            Footprint { shape, reserve, per_replica: Connections(per_replica) }
        })
    }

    proptest! {
        #[test]
        fn the_greatest_number_is_the_one_that_counting_up_finds(
            footprint in footprint(), room in 0..4_000_u32, terminating in 0..60_u32,
        ) {
            let (room, terminating) = (Connections(room), Replicas(terminating));
            let counted = (0..=room.0 + 1)
                .map(Replicas)
                .take_while(|n| footprint.connections(*n, terminating) <= room)
                .last()
                .unwrap_or(Replicas::ZERO);
            prop_assert_eq!(footprint.greatest(room, terminating), counted);
        }

        #[test]
        fn one_replica_more_never_needs_fewer_connections(
            footprint in footprint(), desired in 0..u32::MAX, terminating: u32,
        ) {
            let terminating = Replicas(terminating);
            let more = footprint.connections(Replicas(desired + 1), terminating);
            prop_assert!(footprint.connections(Replicas(desired), terminating) <= more);
        }

        #[test]
        fn a_fuller_reserve_never_keeps_fewer_connections(
            footprint in footprint(), desired in 0..1_000_u32, terminating in 0..100_u32,
        ) {
            let kept = RolloutReserve::ALL.map(|reserve| {
                Footprint { reserve, ..footprint }.connections(Replicas(desired), Replicas(terminating))
            });
            prop_assert!(kept.is_sorted_by(|fuller, lesser| fuller >= lesser), "{kept:?}");
        }
    }
}
