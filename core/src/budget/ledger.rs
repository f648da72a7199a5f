//! Who was promised how many connections of one database.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::capacity::Capacity;
use crate::units::{Connections, Replicas};

/// All promises on one database, in one object, so that one compare-and-swap covers them together with the capacity they rest on.
/// It is stored in the budget's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// What the database accepts.
    #[serde(default)]
    pub capacity: Capacity,
    /// Connections kept back for people, migrations and everything else that no scaler manages.
    #[serde(default)]
    pub reserve: Connections,
    /// What happens to consumers while more is granted than the database accepts.
    #[serde(default, skip_serializing_if = "OnShrink::is_hold")]
    pub on_shrink: OnShrink,
    /// Other ledgers seen on the same database, in words, at most [`Ledger::NAMED`]: each grants what this one may have granted
    /// already, so nobody grows. As it was last seen, while the database cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<String>,
    /// One entry a consumer, by `namespace/name` of its scaler.
    ///
    /// Removing an entry states that none of its replicas lives. An entry set aside because its scaler was made anew for another
    /// target has the key `namespace/name/uid`.
    #[serde(default)]
    pub entries: BTreeMap<String, Entry>,
}

/// What happens to consumers while more is granted than the database accepts. Nobody grows then in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OnShrink {
    /// They keep what they run, until their own demand falls.
    #[default]
    Hold,
    /// The largest are lowered until all fit again: see [`drain`](super::drain).
    Drain,
}

impl OnShrink {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_hold(&self) -> bool {
        *self == Self::Hold
    }
}

/// What one consumer was promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The scaler's UID.
    pub uid: String,
    /// The scaled target, in words that tell it from every other.
    pub target: String,
    /// Connections that its replicas may open together: never below what lives.
    pub grant: Connections,
    /// Connections charged for each replica: what the scaler declares, or what it declared before while older replicas may live.
    pub per_replica: Connections,
    /// Grows by one with every change of this entry; other entries' changes leave it alone, so they never hinder a release.
    pub version: u64,
    /// The number of replicas that is being lowered to; the grant shrinks when the replicas are seen to be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowering: Option<Replicas>,
    /// How far the replicas that hold more than is declared now have been replaced: after the scaler declared a lower `per_replica`, or
    /// left for another budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheaper: Option<Cheaper>,
    /// The revision that ran when its scaler was first seen to draw on another budget: replicas of a later one do not connect here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What the grant will be once the consumer has lowered itself of its own accord: drains count on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Connections>,
    /// Whether its scaler may lower it for the budget's sake.
    #[serde(default, skip_serializing_if = "Control::is_active")]
    pub control: Control,
    /// How it came to be charged for more than was promised to it, until it has settled in a budget that covers all grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surplus: Option<Surplus>,
}

/// Whether a consumer's scaler acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Control {
    /// It does.
    #[default]
    Active,
    /// It only watches (dry run, paused), or is gone: the consumer is never lowered for the budget's sake.
    Watching,
}

impl Control {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

/// How a consumer came to be charged for more than was promised to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Surplus {
    /// More replicas were asked for than the grant covers: not by its scaler.
    ScaledByOthers,
    /// More replicas lived than the rollout reserve covers, for the number asked for.
    BeyondReserve,
}

/// The way to a lower charge a replica: old replicas keep their larger pools until a rollout has replaced them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cheaper {
    /// A lower number was declared; no rollout has been seen since.
    AwaitingRollout,
    /// A rollout has been seen since; when it has settled and nothing terminates, the lower number counts.
    RollingOut,
}

impl Ledger {
    /// Other ledgers that [`Ledger::shared_with`] names at most.
    pub const NAMED: usize = 3;

    /// Connections promised to all consumers together.
    #[must_use]
    pub fn granted(&self) -> Connections {
        self.entries.values().map(|entry| entry.grant).sum()
    }

    /// Connections that all consumers together may be promised; `None` while the capacity is unknown.
    #[must_use]
    pub fn limit(&self) -> Option<Connections> {
        self.capacity.usable().map(|usable| usable.minus(self.reserve))
    }

    /// Connections that nobody was promised; `None` while the capacity is unknown.
    #[must_use]
    pub fn available(&self) -> Option<Connections> {
        self.limit().map(|limit| limit.minus(self.granted()))
    }

    /// Connections promised beyond the limit, after the capacity shrank or somebody else scaled a target; 0 while it is unknown.
    #[must_use]
    pub fn over_by(&self) -> Connections {
        self.limit().map_or(Connections::ZERO, |limit| self.granted().minus(limit))
    }

    /// Keeps a consumer's entry under a key of its own, because its scaler was made anew for another target while replicas of the
    /// former one may live on.
    pub(super) fn set_aside(mut self, consumer: &str) -> Self {
        if let Some(entry) = self.entries.remove(consumer) {
            let key = format!("{consumer}/{}", entry.uid);
            let earlier = self.entries.get(&key).map_or(Connections::ZERO, |entry| entry.grant);
            self.entries.insert(key, Entry { grant: entry.grant.plus(earlier), ..entry });
        }
        self
    }
}
