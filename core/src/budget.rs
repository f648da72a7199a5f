//! The connection budget: how many replicas the databases can carry.
pub mod capacity;
pub mod fit;
pub mod ledger;
pub mod peak;
pub mod protocol;
pub mod waiting;

pub use capacity::{Capacity, PostgresLimits};
pub use fit::fit;
pub use ledger::{Cheaper, Entry, Ledger};
pub use peak::{Covers, Footprint, RolloutReserve, Shape, Surge};
pub use protocol::{Growth, Plan, Turn, plan};
pub use waiting::{Holder, Waiting};
