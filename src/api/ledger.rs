//! The ledger as it is stored in a budget's status.

use hybridscaler_core::budget::Ledger;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A ledger as JSON, exactly as stored.
///
/// It is not a copy of the core's type in wire form: what an operator reads, it may have to write back, and a field that it does
/// not know must neither be dropped nor be guessed at. [`StoredLedger::read`] therefore refuses what it cannot carry whole.
///
/// An entry's target repeats words of its key as a rule, so those are left out: see [`shorten`].
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
    /// The largest that a ledger may become, in bytes of JSON. It is read and written whole with every grant, and `etcd` takes no
    /// object beyond 1.5 MiB.
    pub const LIMIT: usize = 256 * 1024;
    /// No new consumer is entered beyond this: those that are there need room for what their entries note in passing.
    const FULL: usize = Self::LIMIT / 16 * 15;
    /// From this size on the budget says that its ledger is nearly full: 75 % of the limit.
    const NEARLY_FULL: usize = Self::LIMIT / 4 * 3;

    /// How large it is.
    pub fn size(&self) -> LedgerSize {
        // What cannot be written has no size; storing it fails by itself.
        let bytes = serde_json::to_vec(&self.0).map_or(0, |text| text.len());
        LedgerSize { bytes }
    }

    /// Whether `consumer`'s entry is that of the scaler with `uid`, without reading all the others.
    pub fn charges(&self, consumer: &str, uid: &str) -> bool {
        let entry = self.0.get("entries").and_then(|entries| entries.get(consumer));
        entry.and_then(|entry| entry.get("uid")).is_some_and(|of| of == uid)
    }

    /// The ledger, when this version can read it and write it back without loss.
    pub fn read(&self) -> Result<Ledger, LedgerError> {
        let mut stored = Value::Object(self.0.clone());
        each_target(&mut stored, lengthen);
        let ledger = Ledger::deserialize(&stored)?;
        match lost(&stored, &serde_json::to_value(&ledger)?) {
            Some(path) => Err(LedgerError::WouldLose { field: path.join(".") }),
            None => Ok(ledger),
        }
    }
}

/// The size of a stored ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerSize {
    /// Bytes of JSON.
    pub bytes: usize,
}

impl LedgerSize {
    /// Whether it is time to think of a second budget.
    pub const fn is_nearly_full(self) -> bool {
        self.bytes >= StoredLedger::NEARLY_FULL
    }

    /// Whether no new consumer may be entered.
    pub const fn is_full(self) -> bool {
        self.bytes >= StoredLedger::FULL
    }
}

impl TryFrom<&Ledger> for StoredLedger {
    type Error = LedgerError;

    fn try_from(ledger: &Ledger) -> Result<Self, LedgerError> {
        let mut value = serde_json::to_value(ledger)?;
        each_target(&mut value, shorten);
        Ok(Self(serde_json::from_value(value)?))
    }
}

/// Rewrites the target of every entry of a ledger, given the namespace and the name of the entry's scaler.
fn each_target(ledger: &mut Value, rewrite: fn(&str, &str, &str) -> Option<String>) {
    let entries = ledger.get_mut("entries").and_then(Value::as_object_mut);
    for (key, entry) in entries.into_iter().flatten() {
        let mut parts = key.split('/');
        let (Some(namespace), Some(name)) = (parts.next(), parts.next()) else { continue };
        let Some(Value::String(target)) = entry.get_mut("target") else { continue };
        if let Some(rewritten) = rewrite(target, namespace, name) {
            *target = rewritten;
        }
    }
}

/// What stands for the words that an entry's target shares with its key. No name holds it.
const SAME: &str = "~";

/// A target that ends in the scaler's namespace and name ends in `~`, and one that ends in its namespace and another name in `~ NAME`.
fn shorten(target: &str, namespace: &str, name: &str) -> Option<String> {
    let (front, last) = target.rsplit_once(' ')?;
    let (front, second) = front.rsplit_once(' ')?;
    match (second == namespace, last == name) {
        (true, true) => Some(format!("{front} {SAME}")),
        (true, false) => Some(format!("{front} {SAME} {last}")),
        (false, _) => None,
    }
}

/// Puts back what [`shorten`] took.
fn lengthen(target: &str, namespace: &str, name: &str) -> Option<String> {
    let (front, last) = target.rsplit_once(' ')?;
    if last == SAME {
        return Some(format!("{front} {namespace} {name}"));
    }
    let front = front.strip_suffix(SAME)?.strip_suffix(' ')?;
    Some(format!("{front} {namespace} {last}"))
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
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

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
    fn a_target_is_stored_without_the_words_of_its_key_and_read_back_whole() {
        for (target, short) in [
            ("workload apps/v1 Deployment orders order-worker", "workload apps/v1 Deployment ~"),
            ("workload apps/v1 Deployment orders api", "workload apps/v1 Deployment ~ api"),
            ("workload apps/v1 Deployment billing order-worker", "workload apps/v1 Deployment billing order-worker"),
            ("ecs eu-west-1 orders order-worker", "ecs eu-west-1 ~"),
            ("ecs eu-west-1 prod api arn:aws:iam::1:role/r", "ecs eu-west-1 prod api arn:aws:iam::1:role/r"),
            ("words", "words"),
        ] {
            for key in ["orders/order-worker", "orders/order-worker/5f1c"] {
                let entry = Entry { target: target.into(), ..Entry::default() };
                let ledger = Ledger { entries: [(key.into(), entry)].into(), ..Ledger::default() };
                let stored = StoredLedger::try_from(&ledger).unwrap();
                assert_eq!(stored.0["entries"][key]["target"], short);
                assert_eq!(stored.read().unwrap(), ledger);
            }
        }
    }

    #[test]
    fn a_ledger_that_an_earlier_version_stored_is_read() {
        let value = json!({
            "capacity": {"usable": 357, "source": "Readable", "growing": {"to": 400, "readings": 1}},
            "reserve": 20,
            "entries": {"orders/order-worker": {
                "uid": "5f1c", "target": "workload apps/v1 Deployment orders order-worker", "grant": 170, "perReplica": 10,
                "version": 12, "lowering": 4, "cheaper": "AwaitingRollout",
            }},
        });
        let ledger = stored(value).read().unwrap();
        assert_eq!(ledger.entries["orders/order-worker"].target, "workload apps/v1 Deployment orders order-worker");
        assert_eq!(ledger.capacity.usable(), Some(Connections(357)));
    }

    /// A ledger of so many consumers, in namespaces of 40 characters and with names of 63, the longest that a pod's label takes.
    fn crowded(consumers: usize, target: impl Fn(&str, &str) -> String) -> Ledger {
        let entry = |n: usize| {
            let (namespace, name) = (format!("{n:0>40}"), format!("{n:0>63}"));
            let entry = Entry {
                uid: format!("{n:0>36}"),
                target: target(&namespace, &name),
                grant: Connections(1_700),
                per_replica: Connections(10),
                version: 123_456,
                ..Entry::default()
            };
            (format!("{namespace}/{name}"), entry)
        };
        Ledger { entries: (0..consumers).map(entry).collect(), ..ledger() }
    }

    #[test]
    fn a_thousand_consumers_with_long_names_fit_with_room_for_what_their_entries_note_in_passing() {
        let same = |namespace: &str, name: &str| format!("workload apps/v1 Deployment {namespace} {name}");
        let mut ledger = crowded(1_000, same);
        let size = StoredLedger::try_from(&ledger).unwrap().size();
        assert!(size.is_nearly_full() && !size.is_full(), "{size:?}");
        ledger.entries.values_mut().for_each(|entry| entry.lowering = Some(Replicas(85)));
        let noted = StoredLedger::try_from(&ledger).unwrap().size();
        assert!(noted.bytes < StoredLedger::LIMIT, "{noted:?}");
    }

    #[test]
    fn a_ledger_says_when_it_is_nearly_full_and_when_no_new_consumer_may_be_entered() {
        let other = |namespace: &str, name: &str| format!("workload apps/v1 Deployment {namespace} target-of-{name}");
        let verdicts = [500, 700, 900].map(|consumers| {
            let size = StoredLedger::try_from(&crowded(consumers, other)).unwrap().size();
            (size.is_nearly_full(), size.is_full())
        });
        assert_eq!(verdicts, [(false, false), (true, false), (true, true)]);
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
