//! Who was promised how many connections of one database.

use alloc::{collections::BTreeMap, format, string::String};

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
    /// One entry a consumer, by `namespace/name` of its scaler.
    ///
    /// Removing an entry states that none of its replicas lives. An entry set aside because its scaler was made anew for another
    /// target has the key `namespace/name/uid`.
    #[serde(default)]
    pub entries: BTreeMap<String, Entry>,
}

/// What one consumer was promised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// How far the replicas with a higher `per_replica` have been replaced, after the scaler declared a lower one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheaper: Option<Cheaper>,
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
