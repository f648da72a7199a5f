//! What a consumer waits for before it may run more replicas. Waiting is data, not a log line.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::units::{Connections, Replicas};

/// Why a consumer runs fewer replicas than wanted. The names are stable: they are condition reasons and metric labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all_fields = "camelCase")]
pub enum Waiting {
    /// The target's controller has not observed the newest change, so its counts may be of the past.
    NotObserved,
    /// More replicas live than the target may run by its settings: an earlier change is not finished.
    NotSettled {
        /// Replicas that run or start.
        live: Replicas,
        /// The most that the present setting may run, terminating ones apart.
        peak: Replicas,
    },
    /// The budget has no room for all the replicas wanted.
    Room {
        /// Connections missing in the consumer's grant for all the replicas wanted.
        needed: Connections,
        /// Connections that nobody was promised.
        available: Connections,
        /// Who else holds connections, the largest grants first; at most [`Holder::NAMED`].
        holders: Vec<Holder>,
    },
    /// The database's capacity was never read.
    CapacityUnknown,
    /// The database's capacity cannot be read now: the last value stands, and no grant grows on it.
    CapacityFrozen,
    /// More is promised than the database accepts, so nobody grows.
    OverBudget {
        /// Connections too many.
        by: Connections,
    },
    /// More is promised than the database accepts, and this consumer is among the largest: it was lowered to its part.
    Drained {
        /// Connections too many.
        by: Connections,
    },
    /// Another ledger grants connections of the same database, so nobody grows.
    SharedDatabase {
        /// The other ledgers, in words; at most [`Ledger::NAMED`](super::Ledger::NAMED).
        ledgers: Vec<String>,
    },
    /// Not every consumer of the budget has been charged for what it runs yet.
    ConsumersUnknown {
        /// The consumers not charged yet, as `namespace/name`.
        consumers: Vec<String>,
    },
    /// The scaler drew on other budgets before, and replicas that run now were started for those: what it starts before they are
    /// replaced is, too.
    Moving {
        /// Those budgets, as `namespace/name`.
        from: Vec<String>,
    },
    /// The scaler only shows what it would do.
    DryRun,
    /// The scaler is paused.
    Paused,
}

/// A consumer that holds connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// `namespace/name` of its scaler.
    pub consumer: String,
    /// What it was promised.
    pub grant: Connections,
}

impl Holder {
    /// Holders that a [`Waiting::Room`] names at most, so that its text stays short.
    pub const NAMED: usize = 3;
}

impl Waiting {
    /// The reason as it stands in conditions and metric labels.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotObserved => "NotObserved",
            Self::NotSettled { .. } => "NotSettled",
            Self::Room { .. } => "Room",
            Self::CapacityUnknown => "CapacityUnknown",
            Self::CapacityFrozen => "CapacityFrozen",
            Self::OverBudget { .. } => "OverBudget",
            Self::Drained { .. } => "Drained",
            Self::SharedDatabase { .. } => "SharedDatabase",
            Self::ConsumersUnknown { .. } => "ConsumersUnknown",
            Self::Moving { .. } => "Moving",
            Self::DryRun => "DryRun",
            Self::Paused => "Paused",
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotObserved => f.write_str("the target's controller has not observed the newest change yet"),
            Self::NotSettled { live, peak } => {
                write!(f, "{live} replicas run or start where {peak} may: an earlier change is not finished")
            }
            Self::Room { needed, available, holders } => {
                write!(f, "{needed} more connections are needed and {available} are free")?;
                for (i, Holder { consumer, grant }) in holders.iter().enumerate() {
                    write!(f, "{}{consumer} holds {grant}", if i == 0 { "; " } else { ", " })?;
                }
                Ok(())
            }
            Self::CapacityUnknown => f.write_str("the database's capacity has not been read yet"),
            Self::CapacityFrozen => {
                f.write_str("the database's capacity cannot be read now, so no grant grows beyond the last known value")
            }
            Self::OverBudget { by } => {
                write!(f, "the grants exceed what the database accepts by {by} connections, so nobody grows")
            }
            Self::Drained { by } => {
                write!(f, "the grants exceed what the database accepts by {by} connections, so the largest are lowered")
            }
            Self::SharedDatabase { ledgers } => {
                f.write_str("nobody grows while another ledger grants connections of the same database: ")?;
                list(f, ledgers)
            }
            Self::ConsumersUnknown { consumers } => {
                f.write_str("these consumers have not been charged for what they run yet: ")?;
                list(f, consumers)
            }
            Self::Moving { from } => {
                f.write_str("roll the target out, and nothing grows before: what runs was started for ")?;
                list(f, from)
            }
            Self::DryRun => f.write_str("mode DryRun: shown, not done"),
            Self::Paused => f.write_str("mode Paused: nothing is changed"),
        }
    }
}

/// Writes `names` with commas between them.
fn list(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    for (i, name) in names.iter().enumerate() {
        write!(f, "{}{name}", if i == 0 { "" } else { ", " })?;
    }
    Ok(())
}
