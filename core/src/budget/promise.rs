//! The second promise as it stands now: whether every replica that was started can open its whole pool, on what assumptions, and
//! what was seen against each.
//!
//! An observation can contradict an assumption and never prove it. What a database reports as open is a lower bound of what is taken,
//! and what a replica has not opened yet it may open in the next moment.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Surplus};
use crate::units::Connections;

/// What was seen of a database, beside its ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections that are open now; `None` when the database was not asked, or did not answer.
    pub open: Option<Connections>,
    /// What the replicas seen alive may have opened together; `None` when not every consumer's were looked at.
    pub live: Option<Connections>,
}

/// Whether every replica that was started can open its whole pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum Standing {
    /// Yes, on the assumptions, none of which was seen broken in a way that the ledger does not cover.
    Holds,
    /// No: more is granted than the database accepts beside the reserve.
    OverBudget {
        /// Connections too many.
        by: Connections,
    },
    /// No: another ledger grants connections of the same database.
    SharedDatabase,
    /// No: more is open than all grants and the reserve together account for.
    MoreOpenThanGranted {
        /// Connections open.
        open: Connections,
        /// The grants and the reserve.
        expected: Connections,
    },
    /// It cannot be told: the capacity was never read.
    CapacityUnknown,
    /// It cannot be told: the capacity cannot be read now.
    CapacityFrozen,
}

/// What the promise rests on, and the ledger cannot see by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Assumption {
    /// What nobody scales stays within the reserve.
    UnmanagedWithinReserve,
    /// No replica opens more than its scaler's `perReplica`.
    PerReplicaRight,
    /// No more replicas live at once than the rollout reserves cover.
    RolloutsCovered,
    /// Every change of replicas goes through a scaler.
    ScaledHereOnly,
    /// No other ledger grants connections of the same database.
    OneLedger,
}

/// What was seen against an assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Evidence {
    /// Nobody looked, or could.
    NotObserved,
    /// Nothing. That proves nothing.
    NotContradicted,
    /// Something that it may be to blame for, among others.
    InDoubt,
    /// It does not hold, alone or together with the others of which the same is said.
    Contradicted,
}

/// One assumption and what was seen against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is assumed.
    pub assumption: Assumption,
    /// What was seen against it.
    pub evidence: Evidence,
    /// The assumption, and what was seen, in words.
    pub message: String,
}

/// The promise as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Whether it holds.
    pub standing: Standing,
    /// Its assumptions, each once, in the order of [`Assumption::ALL`].
    pub findings: Vec<Finding>,
}

/// Judges the promise by its ledger and what was seen. Pure.
#[must_use]
pub fn promise(ledger: &Ledger, seen: Seen) -> Promise {
    let finding = |assumption: Assumption| {
        let (evidence, observed) = judge(assumption, ledger, seen);
        Finding { assumption, evidence, message: format!("{}; {observed}", assumption.words(ledger)) }
    };
    Promise { standing: standing(ledger, seen), findings: Assumption::ALL.into_iter().map(finding).collect() }
}

fn standing(ledger: &Ledger, seen: Seen) -> Standing {
    let expected = ledger.granted().plus(ledger.reserve);
    match (ledger.over_by(), seen.open) {
        _ if ledger.capacity.usable().is_none() => Standing::CapacityUnknown,
        (by, _) if by > Connections::ZERO => Standing::OverBudget { by },
        _ if !ledger.shared_with.is_empty() => Standing::SharedDatabase,
        (_, Some(open)) if open > expected => Standing::MoreOpenThanGranted { open, expected },
        _ if ledger.capacity.frozen() => Standing::CapacityFrozen,
        _ => Standing::Holds,
    }
}

fn judge(assumption: Assumption, ledger: &Ledger, seen: Seen) -> (Evidence, String) {
    match assumption {
        Assumption::UnmanagedWithinReserve | Assumption::PerReplicaRight => judge_open(ledger, seen),
        Assumption::RolloutsCovered => {
            let words = "more of their replicas lived at once than that covers, and they are charged for them";
            judge_surplus(ledger, Surplus::BeyondReserve, words)
        }
        Assumption::ScaledHereOnly => {
            let words = "somebody else asked for more replicas than were granted, and they are charged for them";
            judge_surplus(ledger, Surplus::ScaledByOthers, words)
        }
        Assumption::OneLedger if !ledger.shared_with.is_empty() => {
            (Evidence::Contradicted, format!("seen there: {}", ledger.shared_with.join(", ")))
        }
        Assumption::OneLedger => match seen.open {
            Some(_) => (Evidence::NotContradicted, "no other one was seen there".into()),
            None => (Evidence::NotObserved, "the database was not asked".into()),
        },
    }
}

fn judge_open(ledger: &Ledger, seen: Seen) -> (Evidence, String) {
    let Some(open) = seen.open else { return (Evidence::NotObserved, "the database was not asked".into()) };
    let expected = ledger.granted().plus(ledger.reserve);
    let among_live = seen.live.map(|live| live.plus(ledger.reserve));
    match among_live {
        _ if open > expected => {
            let words = format!(
                "{open} connections are open where grants and reserve allow {expected}: one of the two does not hold, or both"
            );
            (Evidence::Contradicted, words)
        }
        Some(expected) if open > expected => {
            let words = format!(
                "{open} connections are open where the replicas seen alive and the reserve allow {expected}: either one of the two \
                 does not hold, or replicas have started since"
            );
            (Evidence::InDoubt, words)
        }
        _ => (Evidence::NotContradicted, "no more connections were seen open than that allows".into()),
    }
}

fn judge_surplus(ledger: &Ledger, surplus: Surplus, words: &str) -> (Evidence, String) {
    let of_that_kind = ledger.entries.iter().filter(|(_, entry)| entry.surplus == Some(surplus));
    let mut consumers: Vec<&str> = of_that_kind.map(|(consumer, _)| consumer.as_str()).collect();
    let others = consumers.split_off(consumers.len().min(Ledger::NAMED)).len();
    match (consumers.as_slice(), others) {
        ([], _) => (Evidence::NotContradicted, "nothing else was seen".into()),
        (named, 0) => (Evidence::Contradicted, format!("{}: {words}", named.join(", "))),
        (named, others) => (Evidence::Contradicted, format!("{} and {others} others: {words}", named.join(", "))),
    }
}

impl Assumption {
    /// Every assumption.
    pub const ALL: [Self; 5] = [
        Self::UnmanagedWithinReserve,
        Self::PerReplicaRight,
        Self::RolloutsCovered,
        Self::ScaledHereOnly,
        Self::OneLedger,
    ];

    /// The name as it stands in a status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnmanagedWithinReserve => "UnmanagedWithinReserve",
            Self::PerReplicaRight => "PerReplicaRight",
            Self::RolloutsCovered => "RolloutsCovered",
            Self::ScaledHereOnly => "ScaledHereOnly",
            Self::OneLedger => "OneLedger",
        }
    }

    /// What is assumed, in words.
    fn words(self, ledger: &Ledger) -> String {
        match self {
            Self::UnmanagedWithinReserve => {
                format!("assumed: what is not scaled here opens at most {} connections", ledger.reserve)
            }
            Self::PerReplicaRight => "assumed: no replica opens more than its scaler's perReplica".into(),
            Self::RolloutsCovered => {
                "assumed: no more happens at once than each scaler's status.connections says its rolloutReserve covers"
                    .into()
            }
            Self::ScaledHereOnly => "assumed: every change of replicas goes through the scaler".into(),
            Self::OneLedger => "assumed: no other ledger grants connections of this database".into(),
        }
    }
}

impl Evidence {
    /// The name as it stands in a status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotObserved => "NotObserved",
            Self::NotContradicted => "NotContradicted",
            Self::InDoubt => "InDoubt",
            Self::Contradicted => "Contradicted",
        }
    }
}

impl Standing {
    /// The reason as it stands in conditions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "NotContradicted",
            Self::OverBudget { .. } => "OverBudget",
            Self::SharedDatabase => "SharedDatabase",
            Self::MoreOpenThanGranted { .. } => "MoreOpenThanGranted",
            Self::CapacityUnknown => "CapacityUnknown",
            Self::CapacityFrozen => "CapacityFrozen",
        }
    }

    /// Whether the promise holds; `None` when that cannot be told.
    #[must_use]
    pub const fn holds(self) -> Option<bool> {
        match self {
            Self::Holds => Some(true),
            Self::OverBudget { .. } | Self::SharedDatabase | Self::MoreOpenThanGranted { .. } => Some(false),
            Self::CapacityUnknown | Self::CapacityFrozen => None,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str(
                "every replica that was started can open its whole pool, given the assumptions in status.promises; none was seen broken \
                 beyond what the ledger covers",
            ),
            Self::OverBudget { by } => {
                write!(f, "replicas may be refused: the grants exceed what the database accepts by {by} connections")
            }
            Self::SharedDatabase => {
                f.write_str("replicas may be refused: another ledger grants connections of the same database")
            }
            Self::MoreOpenThanGranted { open, expected } => write!(
                f,
                "replicas may be refused: {open} connections are open where grants and reserve allow {expected}; raise the reserve if \
                 others use them, or perReplica if the replicas do"
            ),
            Self::CapacityUnknown => f.write_str("nothing can be promised: the database's capacity was never read"),
            Self::CapacityFrozen => {
                f.write_str("not known now: the database's capacity cannot be read, and may have become smaller")
            }
        }
    }
}
