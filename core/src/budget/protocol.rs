//! One turn of a consumer: what to promise it, what to write to its target, and in which order.
//!
//! ```text
//! RAISE    settled?  ->  grant = max(grant, peak(n)) if it fits, by compare-and-swap  ->  write the target
//! LOWER    intent into the ledger  ->  write the target
//! RELEASE  settled, and the entry unchanged since before the look  ->  grant = max(peak(desired), what lives)
//! DRAIN    more is granted than the limit, for certain  ->  LOWER to this consumer's part of it
//! ```
//!
//! A promise grows before the target may use it and shrinks after the target was seen to do without it, so at every moment the
//! promises cover what lives. The caller keeps four rules, without which that is not true:
//!
//! 1. [`Plan::ledger`] is stored by compare-and-swap against the ledger that was planned on; when it is refused, plan again on the
//!    newer ledger, with the same [`Turn::seen_version`].
//! 2. [`Plan::write`] comes after that store, and only if the target is still as it was observed. A write that is refused needs no
//!    undoing: the promise stays until a later release, which is waste but no danger.
//! 3. [`Turn::workload`] is read from the source, not from a cache, and counts replicas that terminate.
//! 4. [`Turn::seen_version`] is `None` while a write of unknown outcome may still arrive.
//!
//! Two controllers that take turns for one consumer at the same time keep the first three rules by themselves; the fourth they
//! cannot, since neither knows of the other's write. So one controller at a time, for now.

use core::cmp::Ordering;

use super::{ledger::Ledger, peak::Footprint, waiting::Waiting};
use crate::{
    observation::{Rollout, Workload},
    units::Replicas,
};

mod account;

use account::Account;

/// One consumer's turn.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// `namespace/name` of the scaler: the ledger's key.
    pub consumer: &'a str,
    /// The scaler's UID.
    pub uid: &'a str,
    /// The scaled target, in words that tell it from every other.
    pub target: &'a str,
    /// What its replicas may open together.
    pub footprint: Footprint,
    /// What was seen of the target.
    pub workload: Workload,
    /// The decision's replicas. A scaler that only watches (dry run, paused) passes `workload.desired`.
    pub wanted: Replicas,
    /// Whether this consumer's grant may grow.
    pub growth: Growth,
    /// The entry's version, read *before* the target was observed; `None` when a release would be unsafe, because that order was not
    /// kept, because a write of unknown outcome may still reach the target, or because the target is read without a quorum and has
    /// not been seen twice alike.
    pub seen_version: Option<u64>,
}

/// Whether a consumer's grant may grow in this turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Within the budget.
    Allowed,
    /// Not beyond the grant it holds; not at all before the capacity is known, for [`Waiting::ConsumersUnknown`], since a ledger that is
    /// rebuilt may have charged for too much, which nobody sees before all are charged, and for [`Waiting::Moving`], since what would be
    /// started would count against another ledger.
    Frozen(Waiting),
}

/// What to do in one turn: store, then write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a plan that is not carried out promises nothing"]
pub struct Plan {
    /// The ledger to store by compare-and-swap BEFORE the write; `None` when it stays as it is.
    pub ledger: Option<Ledger>,
    /// The replicas to write to the target, on condition that it has not changed since it was observed.
    pub write: Option<Replicas>,
    /// The most replicas that this consumer may run now.
    pub allowed: Replicas,
    /// What it waits for when that is fewer than wanted.
    pub waiting: Option<Waiting>,
}

/// Plans one turn. Pure: the same ledger and turn give the same plan.
pub fn plan(ledger: &Ledger, turn: &Turn<'_>) -> Plan {
    let account = Account::open(ledger, turn);
    if account.is_new() && turn.workload.rollout == Rollout::NotObserved {
        // Its controller may still start what it was told before, and no number says how much that is. Nobody grows until it is charged.
        let allowed = turn.workload.desired;
        return Plan { ledger: None, write: None, allowed, waiting: Some(Waiting::NotObserved) };
    }
    if let Some(part) = account.drain().filter(|part| *part < turn.wanted) {
        return drain(account, part);
    }
    match turn.wanted.cmp(&turn.workload.desired) {
        Ordering::Less => lower(account),
        Ordering::Equal => release(account, None),
        Ordering::Greater => raise(account),
    }
}

/// Reserves the peak of as many replicas as fit, then writes.
///
/// The entry's version grows even when the grant needs not: a release that looked at the target before this raise must not succeed
/// after it.
fn raise(mut account: Account<'_>) -> Plan {
    if let Some(obstacle) = account.obstacle() {
        return release(account, Some(obstacle));
    }
    let turn = account.turn;
    let allowed = account.allowed();
    let replicas = turn.wanted.min(allowed);
    if replicas > turn.workload.desired {
        account.entry.grant = account.entry.grant.max(account.connections(replicas));
        (account.entry.lowering, account.entry.due, account.entry.surplus) = (None, None, None);
    }
    let waiting = (replicas < turn.wanted).then(|| account.shortage());
    if replicas == turn.workload.desired {
        return release(account, waiting);
    }
    Plan { ledger: Some(account.store()), write: Some(replicas), allowed, waiting }
}

/// Notes the intent, then writes. The grant stays until a release.
fn lower(mut account: Account<'_>) -> Plan {
    let turn = account.turn;
    account.intend(turn.wanted);
    Plan { allowed: account.allowed(), write: Some(turn.wanted), waiting: None, ledger: account.store_if_changed() }
}

/// Lowers to the consumer's part of a budget that must shrink, whatever it wants.
fn drain(mut account: Account<'_>, part: Replicas) -> Plan {
    account.intend_drain(part);
    let waiting = Some(account.drained());
    Plan { allowed: part, write: Some(part), waiting, ledger: account.store_if_changed() }
}

/// Gives back what the target was seen to do without.
fn release(mut account: Account<'_>, waiting: Option<Waiting>) -> Plan {
    if account.may_release() {
        account.release();
    }
    Plan { allowed: account.allowed(), write: None, waiting, ledger: account.store_if_changed() }
}
