//! The connection budget: how many replicas the databases can carry.
//!
//! # Two promises
//!
//! A database refuses every connection beyond its limit, whoever asks. Two different things can be promised about that, and they
//! are kept apart, because they rest on different ground:
//!
//! * **P1: no workload can take a connection from another one.** Only the database itself can enforce it, with one login role per
//!   workload whose `CONNECTION LIMIT` it keeps. It would hold whatever this program does wrong. It is not built yet.
//! * **P2: every replica that is started can open its whole pool.** The [`ledger`] keeps it: no target is told to run more replicas
//!   before the connections of their [`peak`] were reserved, and a reservation ends only after the target was seen to do without it.
//!   [`protocol`] has the rules, and [`mod@promise`] says how it stands.
//!
//! P2 rests on what the ledger cannot see: that clients nobody scales stay within `reserve`, that a replica opens at most
//! `perReplica`, that every change of replicas goes through a scaler (another one is charged, and stops everybody's growth, but only
//! after the fact), that no more happens at once than the [`RolloutReserve`] covers ([`Covers`] says it in words), and that no other
//! ledger spends the same database's connections.
//!
//! The connections that are open now are no basis for a promise: those still authenticating hold a slot that PostgreSQL before 18
//! does not show, and replicas still starting have yet to open theirs.
//!
//! # Example
//!
//! A server of 360 connections, 3 of them for superusers and 17 kept for people; pools of 10; rollouts covered in full.
//!
//! ```
//! use hybridscaler_core::{
//!     Connections, Replicas,
//!     budget::{Capacity, Footprint, Growth, Ledger, PostgresLimits, RolloutReserve, Shape, Surge, Turn, plan},
//!     observation::{Rollout, Workload},
//! };
//!
//! let limits = PostgresLimits {
//!     max_connections: Connections(360),
//!     superuser_reserved: Connections(3),
//!     reserved: Connections(0),
//!     rds_superuser_reserved: Connections(0),
//! };
//! let capacity = Capacity::default().read(Some(limits.usable()));
//! let ledger = Ledger { capacity, reserve: Connections(17), ..Ledger::default() };
//! assert_eq!(ledger.available(), Some(Connections(340)));
//!
//! // Five replicas run and fifty are wanted. A rollout may run each of them twice, so 17 fit: 17 × 2 × 10 = 340.
//! let five = Workload {
//!     desired: Replicas(5),
//!     running: Replicas(5),
//!     starting: Replicas(0),
//!     terminating: Replicas(0),
//!     rollout: Rollout::Settled,
//! };
//! let turn = Turn {
//!     consumer: "orders/order-worker",
//!     uid: "6f1c",
//!     target: "Deployment/order-worker",
//!     footprint: Footprint {
//!         shape: Shape::RollingUpdate { max_surge: Surge::Percent(25) },
//!         reserve: RolloutReserve::Full,
//!         per_replica: Connections(10),
//!     },
//!     workload: five,
//!     wanted: Replicas(50),
//!     growth: Growth::Allowed,
//!     seen_version: None,
//! };
//! let raised = plan(&ledger, &turn);
//! assert_eq!(raised.write, Some(Replicas(17)));
//! let stored = raised.ledger.expect("a raise reserves before it writes");
//! assert_eq!(stored.available(), Some(Connections(0)));
//!
//! // The next one finds no room, and reads why.
//! let other = Turn { consumer: "orders/core-api", target: "Deployment/core-api", wanted: Replicas(6), ..turn };
//! let refused = plan(&stored, &other);
//! assert_eq!(refused.write, None);
//! assert_eq!(
//!     refused.waiting.map(|waiting| waiting.to_string()).as_deref(),
//!     Some("the grants exceed what the database accepts by 100 connections, so nobody grows"),
//! );
//! ```

pub mod capacity;
pub mod drain;
pub mod fit;
pub mod ledger;
pub mod peak;
pub mod promise;
pub mod protocol;
pub mod share;
pub mod waiting;

pub use capacity::{Capacity, PostgresLimits};
pub use fit::fit;
pub use ledger::{Cheaper, Control, Entry, Ledger, OnShrink, Surplus};
pub use peak::{Alternative, Cost, Covers, Footprint, RolloutReserve, Shape, Surge};
pub use promise::{Assumption, Evidence, Finding, Promise, Seen, Standing, promise};
pub use protocol::{Growth, Plan, Turn, plan};
pub use share::{Claim, allocate};
pub use waiting::{Holder, Waiting};
