//! How far consumers are lowered while more is granted than the database accepts, under [`OnShrink::Drain`].
//!
//! The largest grants are lowered first, like water that finds its level: the level is the greatest for which everything that stands
//! below it, and everything above cut down to it, fits. Whoever holds no more than the level keeps all of it. Each consumer then
//! runs as many whole replicas as fit below the level, its bounds notwithstanding; what the rounding leaves is shared as usual once
//! the grants fit.
//!
//! A consumer that only watches is not lowered, so the others make room for what it holds. What a consumer gives up of its own accord
//! counts as gone, or the others would be lowered for it too. The capacity must be [confirmed](super::Capacity::confirmed): a source that cannot
//! be read, or one wrong reading, lowers nobody.

use alloc::vec::Vec;

use super::ledger::{Control, Entry, Ledger, OnShrink};
use crate::units::Connections;

impl Ledger {
    /// The most that any active consumer may hold; `None` when nobody has to be lowered.
    #[must_use]
    pub fn drain_level(&self) -> Option<Connections> {
        level(self, self.entries.values())
    }
}

/// [`Ledger::drain_level`], with `entries` in place of the ledger's own.
pub(super) fn level<'a>(ledger: &Ledger, entries: impl Iterator<Item = &'a Entry>) -> Option<Connections> {
    if ledger.on_shrink == OnShrink::Hold || ledger.capacity.frozen() {
        return None;
    }
    let limit = ledger.capacity.confirmed()?.minus(ledger.reserve);
    let (active, watching): (Vec<&Entry>, Vec<&Entry>) = entries.partition(|entry| entry.control == Control::Active);
    let kept: Connections = watching.into_iter().map(|entry| entry.grant).sum();
    let coming = |entry: &Entry| entry.due.map_or(entry.grant, |due| due.min(entry.grant));
    water_level(active.into_iter().map(coming).collect(), limit.minus(kept))
}

/// The greatest level at which `parts`, each cut down to it, fit into `room`; `None` when they fit uncut.
fn water_level(mut parts: Vec<Connections>, room: Connections) -> Option<Connections> {
    parts.sort_unstable();
    let mut uncut = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let mut left = room;
    for part in parts {
        let even = Connections(left.0.checked_div(uncut)?);
        if part > even {
            return Some(even);
        }
        left = left.minus(part);
        uncut = uncut.saturating_sub(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(parts: &[u32], room: u32) -> Option<u32> {
        water_level(parts.iter().copied().map(Connections).collect(), Connections(room)).map(|level| level.0)
    }

    #[test]
    fn the_largest_are_cut_to_one_level_and_the_smaller_keep_all_they_have() {
        assert_eq!(level_of(&[10, 200, 120], 250), Some(120));
        assert_eq!(level_of(&[10, 200, 120], 210), Some(100));
        assert_eq!(level_of(&[50, 50], 0), Some(0));
    }

    #[test]
    fn what_fits_is_not_cut() {
        assert_eq!(level_of(&[10, 200, 120], 330), None);
        assert_eq!(level_of(&[], 0), None);
        assert_eq!(level_of(&[0, 0], 0), None);
    }
}
