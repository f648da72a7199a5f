//! Fair shares: how many replicas each consumer of a budget may run when not all that is wanted fits.
//!
//! A consumer's *share* is found one replica at a time. Floors come first, then what is wanted beyond them; in each of the two rounds
//! a class of higher priority takes all it wants before the next one takes anything; inside a class the next replica goes to the
//! consumer that would then hold the fewest connections for its weight (weighted max-min fairness, by progressive filling), and of
//! equal ones to the first by name. A consumer whose next replica does not fit is done, and the others go on: no room is left that
//! somebody's next replica would fit into.
//!
//! The more connections there are, the more are shared out. One consumer may get fewer of them, though, where replicas differ in
//! size: room that was too small for a large replica was lent to small ones.

use alloc::{collections::BinaryHeap, vec::Vec};
use core::{
    cmp::{Ordering, Reverse},
    num::NonZeroU32,
};

use super::peak::Footprint;
use crate::units::{Connections, Replicas};

/// What one consumer would have of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Its name in the ledger. It breaks ties, so no two claims may share one.
    pub consumer: &'a str,
    /// What its replicas open together.
    pub footprint: Footprint,
    /// Replicas on their way out. Where the footprint's reserve counts them, they are charged whatever the share is.
    pub terminating: Replicas,
    /// The replicas that its signals ask for, its own maximum applied.
    pub wanted: Replicas,
    /// The replicas it gets before anybody gets more than a floor; no more than it wants.
    pub floor: Replicas,
    /// Its class: a higher one is served first.
    pub priority: i32,
    /// Its part among those of its class: twice the weight, twice the connections.
    pub weight: NonZeroU32,
}

/// Shares `capacity` out: the replicas of each claim, in the order of `claims`.
///
/// Where the floors do not fit together, they are filled by the same rules: by class, and by weight inside a class. What terminates
/// is charged first of all; where that alone exceeds `capacity`, nobody gets a replica that opens a connection.
#[must_use]
pub fn allocate(capacity: Connections, claims: &[Claim<'_>]) -> Vec<Replicas> {
    let charged: u64 = claims.iter().map(|claim| claim.connections(Replicas::ZERO)).sum();
    let mut left = u64::from(capacity.0).saturating_sub(charged);
    let mut shares = alloc::vec![Replicas::ZERO; claims.len()];
    let floor: fn(&Claim<'_>) -> Replicas = |claim| claim.floor.min(claim.wanted);
    for goal in [floor, |claim| claim.wanted] {
        let waiting = claims.iter().zip(&mut shares).filter(|(claim, share)| **share < goal(claim));
        let mut queue: BinaryHeap<_> = waiting.map(|(claim, share)| Reverse(Next::of(claim, share))).collect();
        while let Some(Reverse(next)) = queue.pop() {
            let Next { claim, share, held, cost } = next;
            let Some(rest) = left.checked_sub(cost) else { continue };
            left = rest;
            *share = share.plus(Replicas(1));
            if *share < goal(claim) {
                queue.push(Reverse(Next::after(claim, share, held)));
            }
        }
    }
    shares
}

impl Claim<'_> {
    fn connections(&self, replicas: Replicas) -> u64 {
        // Exact: one that saturates would make every further replica seem free.
        self.footprint.exact_connections(replicas, self.terminating)
    }
}

/// The next replica of a claim: the least one is given first.
struct Next<'a, 'b> {
    claim: &'a Claim<'a>,
    share: &'b mut Replicas,
    /// The connections that the consumer holds with it.
    held: u64,
    /// The connections that it adds to them.
    cost: u64,
}

impl<'a, 'b> Next<'a, 'b> {
    fn of(claim: &'a Claim<'a>, share: &'b mut Replicas) -> Self {
        let held = claim.connections(*share);
        Self::after(claim, share, held)
    }

    /// The one after those that hold `before` connections.
    fn after(claim: &'a Claim<'a>, share: &'b mut Replicas, before: u64) -> Self {
        let held = claim.connections(share.plus(Replicas(1)));
        Self { claim, share, held, cost: held.saturating_sub(before) }
    }

    /// Connections for each unit of weight, as a product that compares without rounding.
    fn level(&self, other: &Self) -> u128 {
        u128::from(self.held) * u128::from(other.claim.weight.get())
    }
}

impl Ord for Next<'_, '_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_class = other.claim.priority.cmp(&self.claim.priority);
        let by_level = || self.level(other).cmp(&other.level(self));
        by_class.then_with(by_level).then_with(|| self.claim.consumer.cmp(other.claim.consumer))
    }
}

impl PartialOrd for Next<'_, '_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next<'_, '_> {}
