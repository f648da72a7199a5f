//! The peaks that the ledger reserves, against the controllers that replace replicas: whatever they do, so many live at once and no
//! more. Each case drives them to the worst that its reserve covers, so a formula that is one too small fails here.
//!
//! A replica lives from the moment it is made until it is gone. What a reserve does not cover is shown by what it comes to.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod deployment;
mod ecs;
mod eviction;
mod growth;
mod pods;
mod recreate;
mod scene;
mod stateful_set;

use std::time::Duration;

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Footprint, RolloutReserve, Shape},
};

/// Many times what anything awaited here takes, since the machine may be busy with a build.
const PATIENCE: Duration = Duration::from_mins(2);

/// The replicas that may live at once, by the core's own formula.
fn peak(reserve: RolloutReserve, shape: Shape, desired: u32, terminating: u32) -> u32 {
    Footprint { shape, reserve, per_replica: Connections(1) }.peak(Replicas(desired), Replicas(terminating)).0
}
