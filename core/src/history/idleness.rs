//! Evidence that there is nothing to do.

use jiff::Timestamp;

use crate::{
    demand::activation::{self, Activation},
    observation::Observation,
    policy::Policy,
};

/// Since when every trigger was idle, in one row of looks: the newest of the values that said so first. A single look that says
/// something else, or nothing, ends the row; so do values older than its start, since a clock was set back then.
pub(super) fn since(
    known: Option<Timestamp>,
    policy: &Policy,
    seen: &Observation,
    now: Timestamp,
) -> Option<Timestamp> {
    match activation::of(policy, seen, now) {
        Activation::Idle { newest, .. } => Some(known.filter(|known| *known <= newest).unwrap_or(newest)),
        Activation::Active | Activation::Uncertain | Activation::Unwatched => None,
    }
}
