//! Chance from a seed: the same on every machine and in every release, so that a seed names a schedule for good.

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Dice of their own for one purpose: more throws of theirs shift no others.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// A number of `from..=to`.
    pub(super) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    /// As [`Dice::within`], for a count.
    pub(super) fn count(&mut self, from: u32, to: u32) -> u32 {
        u32::try_from(self.within(from.into(), to.into())).unwrap_or(to)
    }

    /// True in `per_mille` of 1000 cases.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }

    /// The number of one of `of` things.
    pub(super) fn index(&mut self, of: usize) -> usize {
        usize::try_from(self.next() % of as u64).unwrap_or_default()
    }
}
