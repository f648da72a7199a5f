//! Evidence that there is nothing to do.

use jiff::Timestamp;

use crate::{
    demand::activation::{self, Activation},
    observation::Observation,
    policy::Policy,
};

/// Since when every trigger was idle: the earliest time of the values that say so, in one row of looks. A single look that says
/// something else, or nothing, ends the row.
pub(super) fn since(
    known: Option<Timestamp>,
    policy: &Policy,
    seen: &Observation,
    now: Timestamp,
) -> Option<Timestamp> {
    match activation::of(policy, seen, now) {
        Activation::Idle { at } => Some(known.map_or(at, |known| known.min(now))),
        Activation::Active | Activation::Uncertain | Activation::Unwatched => None,
    }
}
