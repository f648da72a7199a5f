//! The safeguards, each of which can be left out.
//!
//! Not by changing what the operator does, which stays free of switches: the world around it takes away what the safeguard rests on.
//! A server that stores a ledger whatever its version is to the operator what leaving out the version would be.

/// A safeguard that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Omission {
    /// The ledger is stored before the target is written: here its write is answered first and stored later.
    StoreFirst,
    /// The target is written on condition of its version: here the server takes any.
    TargetVersion,
    /// The ledger is stored on condition of its version: here the server takes any.
    CompareAndSwap,
    /// A release waits until the target's controllers have caught up: here they always seem to have.
    AwaitSettled,
    /// Replicas that terminate count: here the server hides them.
    CountTerminating,
    /// A write of the target without an answer is waited for: here one that is late seems to have been refused.
    AwaitWrites,
    /// A count of ECS is believed once it has been seen alike for long: here reads lag longer than that.
    SeenAlike,
    /// Nobody grows before all are charged: here the others seem to have no budget.
    ChargeAllFirst,
}
