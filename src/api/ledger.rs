//! The ledger as it is stored in a budget's status.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A ledger as JSON, exactly as stored: nothing is lost by reading and writing it back.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(transparent)]
pub struct StoredLedger(Map<String, Value>);
