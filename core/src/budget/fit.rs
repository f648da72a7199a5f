//! How many replicas a number of connections carries, for each setting that changes the answer.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::peak::{Footprint, RolloutReserve, Shape};
use crate::units::{Connections, Replicas};

/// How many replicas one combination of settings allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What the replicas open together under these settings; its `covers` says what they risk and which setting frees more.
    pub footprint: Footprint,
    /// The most replicas that fit when nothing terminates.
    pub replicas: Replicas,
}

/// Counts the replicas that fit into `usable` connections: one row for each shape and each reserve, the reserve that covers most
/// first.
#[must_use]
pub fn fit(usable: Connections, per_replica: Connections, shapes: &[Shape]) -> Vec<Row> {
    let row = |footprint: Footprint| Row { footprint, replicas: footprint.greatest(usable, Replicas::ZERO) };
    let rows =
        |shape: &Shape| RolloutReserve::ALL.map(|reserve| row(Footprint { shape: *shape, reserve, per_replica }));
    shapes.iter().flat_map(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{PostgresLimits, Surge};

    #[test]
    fn a_server_of_360_slots_carries_17_or_28_or_35_replicas_by_what_is_reserved() {
        let limits = PostgresLimits {
            max_connections: Connections(360),
            superuser_reserved: Connections(3),
            reserved: Connections::ZERO,
            rds_superuser_reserved: Connections::ZERO,
        };
        let shape = Shape::RollingUpdate { max_surge: Surge::Percent(25) };
        let rows = fit(limits.usable(), Connections(10), &[shape]);
        let found: Vec<_> = rows.iter().map(|row| (row.footprint.reserve, row.replicas.0)).collect();
        assert_eq!(found, [(RolloutReserve::Full, 17), (RolloutReserve::Surge, 28), (RolloutReserve::None, 35)]);
    }

    #[test]
    fn every_shape_has_a_row_for_every_reserve() {
        let rows = fit(Connections(100), Connections(10), &[Shape::StatefulSet, Shape::EcsReplacing]);
        let found: Vec<_> = rows.iter().map(|row| row.replicas.0).collect();
        assert_eq!(found, [10, 10, 10, 5, 5, 10]);
    }
}
