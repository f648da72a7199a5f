//! What this process knows each scaler to have been granted. A ledger may be lost, and what it granted may still be on its way to a
//! target: an entry that is rebuilt from what runs would be too small for that.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hybridscaler_core::budget::{Entry, Ledger};
use kube::runtime::reflector::ObjectRef;

use crate::api::ConnectionBudget;

/// The newest entry of each scaler, by its UID, in each budget.
#[derive(Default)]
pub(super) struct Grants(Mutex<HashMap<String, HashMap<ObjectRef<ConnectionBudget>, Entry>>>);

impl Grants {
    /// Remembers `entry`, as it was stored.
    pub(super) fn keep(&self, uid: &str, budget: &ObjectRef<ConnectionBudget>, entry: Entry) {
        self.lock().entry(uid.to_owned()).or_default().insert(budget.clone(), entry);
    }

    /// Remembers `entry`, which may be an older one, unless a newer one is remembered.
    pub(super) fn learn(&self, uid: &str, budget: &ObjectRef<ConnectionBudget>, entry: &Entry) {
        let mut grants = self.lock();
        grants.entry(uid.to_owned()).or_default().entry(budget.clone()).or_insert_with(|| entry.clone());
    }

    /// `ledger` with the entry of `consumer` that it has lost; `None` when it has lost none.
    pub(super) fn put_back(
        &self,
        uid: &str,
        budget: &ObjectRef<ConnectionBudget>,
        consumer: &str,
        ledger: &Ledger,
    ) -> Option<Ledger> {
        if ledger.entries.contains_key(consumer) {
            return None;
        }
        let lost = self.lock().get(uid)?.get(budget)?.clone();
        let mut ledger = ledger.clone();
        ledger.entries.insert(consumer.to_owned(), lost);
        Some(ledger)
    }

    /// Forgets every scaler of which `lives` (given its UID) is false.
    pub(super) fn retain(&self, lives: impl Fn(&str) -> bool) {
        self.lock().retain(|uid, _| lives(uid));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<ObjectRef<ConnectionBudget>, Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hybridscaler_core::Connections;

    use super::*;

    fn entry(grant: u32) -> Entry {
        Entry { grant: Connections(grant), ..Entry::default() }
    }

    fn put_back(grants: &Grants, ledger: &Ledger) -> Option<Connections> {
        let put_back = grants.put_back("uid", &ObjectRef::new("db"), "a/worker", ledger)?;
        put_back.entries.get("a/worker").map(|entry| entry.grant)
    }

    #[test]
    fn a_ledger_that_has_lost_an_entry_gets_back_the_newest_one_known() {
        let (grants, budget) = (Grants::default(), ObjectRef::new("db"));
        assert_eq!(put_back(&grants, &Ledger::default()), None, "a new consumer");
        grants.learn("uid", &budget, &entry(20));
        grants.keep("uid", &budget, entry(60));
        grants.learn("uid", &budget, &entry(20));
        assert_eq!(put_back(&grants, &Ledger::default()), Some(Connections(60)), "a watched copy may be older");
        let whole = Ledger { entries: [("a/worker".to_owned(), entry(10))].into(), ..Ledger::default() };
        assert_eq!(put_back(&grants, &whole), None, "what a ledger holds counts");
        grants.retain(|uid| uid != "uid");
        assert_eq!(put_back(&grants, &Ledger::default()), None, "the scaler is gone");
    }
}
