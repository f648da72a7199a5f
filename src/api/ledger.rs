//! The ledger as it is stored in a budget's status.

use hybridscaler_core::budget::Ledger;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A ledger as JSON, exactly as stored.
///
/// It is not a copy of the core's type in wire form: what an operator reads, it may have to write back, and a field that it does
/// not know must neither be dropped nor be guessed at. [`StoredLedger::read`] therefore refuses what it cannot carry whole.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(transparent)]
pub struct StoredLedger(Map<String, Value>);

/// A stored ledger that must not be used; the budget then grants nothing new.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It is not a ledger.
    #[error(
        "status.ledger cannot be read: {0}; restore it from a backup, or delete it to have all consumers charged anew"
    )]
    Malformed(#[from] serde_json::Error),
    /// It holds what this version would lose by writing it back.
    #[error("status.ledger.{field} is not known to this version of the operator: run the newer version that wrote it")]
    WouldLose {
        /// Path of the first such field.
        field: String,
    },
}

impl StoredLedger {
    /// The ledger, when this version can read it and write it back without loss.
    pub fn read(&self) -> Result<Ledger, LedgerError> {
        let stored = Value::Object(self.0.clone());
        let ledger = Ledger::deserialize(&stored)?;
        match lost(&stored, &serde_json::to_value(&ledger)?) {
            Some(path) => Err(LedgerError::WouldLose { field: path.join(".") }),
            None => Ok(ledger),
        }
    }
}

impl TryFrom<&Ledger> for StoredLedger {
    type Error = LedgerError;

    fn try_from(ledger: &Ledger) -> Result<Self, LedgerError> {
        Ok(Self(serde_json::from_value(serde_json::to_value(ledger)?)?))
    }
}

/// The path to the first value that stands in `stored` and not in `kept`.
fn lost(stored: &Value, kept: &Value) -> Option<Vec<String>> {
    match (stored, kept) {
        (Value::Object(stored), Value::Object(kept)) => {
            stored.iter().filter(|(_, value)| !value.is_null()).find_map(|(key, value)| {
                let below = lost(value, kept.get(key).unwrap_or(&Value::Null))?;
                Some([vec![key.clone()], below].concat())
            })
        }
        _ if stored == kept => None,
        _ => Some(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use hybridscaler_core::{
        Connections, Replicas,
        budget::{Capacity, Entry},
    };
    use serde_json::json;

    use super::*;

    fn stored(value: Value) -> StoredLedger {
        serde_json::from_value(value).unwrap()
    }

    fn ledger() -> Ledger {
        let entry = Entry {
            uid: "5f1c".into(),
            target: "Deployment orders/order-worker".into(),
            grant: Connections(170),
            per_replica: Connections(10),
            version: u64::MAX,
            lowering: Some(Replicas(4)),
            ..Entry::default()
        };
        // A capacity that is about to grow, so that each of its fields is written.
        let capacity = Capacity::fixed(Connections(357)).read(Some(Connections(400)));
        let entries = [("orders/order-worker".into(), entry)].into();
        Ledger { capacity, reserve: Connections(20), entries, ..Ledger::default() }
    }

    #[test]
    fn a_ledger_survives_being_stored() {
        let text = serde_json::to_string(&StoredLedger::try_from(&ledger()).unwrap()).unwrap();
        assert_eq!(stored(serde_json::from_str(&text).unwrap()).read().unwrap(), ledger());
    }

    #[test]
    fn an_empty_ledger_is_a_ledger() {
        assert_eq!(stored(json!({})).read().unwrap(), Ledger::default());
    }

    #[test]
    fn a_field_of_a_newer_version_is_refused_and_named() {
        let mut value = serde_json::to_value(ledger()).unwrap();
        value
            .as_object_mut()
            .unwrap()
            .get_mut("entries")
            .unwrap()
            .as_object_mut()
            .unwrap()
            .get_mut("orders/order-worker")
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert("quarantine".into(), json!({"replicas": 2}));
        let error = stored(value.clone()).read().unwrap_err();
        assert_eq!(
            error.to_string(),
            "status.ledger.entries.orders/order-worker.quarantine is not known to this version of the operator: run the newer \
             version that wrote it"
        );
        assert_eq!(serde_json::to_value(stored(value.clone())).unwrap(), value, "and it is written back as it was");
    }

    #[test]
    fn what_is_no_ledger_is_refused_with_its_cause() {
        let error = stored(json!({"entries": {"a/b": {"uid": "1"}}})).read().unwrap_err();
        assert!(error.to_string().starts_with("status.ledger cannot be read: missing field `target`"), "{error}");
    }
}
