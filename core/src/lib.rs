//! HybridScaler's decisions: how many replicas a workload should run, how many of them its databases can carry, and why.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock (callers pass `now`), no randomness, no async. The
//! controller, the command line and the tests call the same functions, so what was tested is what runs.
//!
//! Read it in this order: [`policy`] is what the user asked for, [`observation`] what was seen, [`history`] what was done before;
//! [`decide()`] turns the three into a [`Decision`], which carries its [`explanation`]; [`budget`] caps it by the connections that
//! a database accepts.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod budget;
pub mod decide;
pub mod demand;
pub mod explanation;
pub mod history;
pub mod observation;
pub mod policy;
pub mod reading;
pub mod units;

mod behavior;
mod bounds;

pub use decide::{Decision, decide, look};
pub use units::{Connections, Replicas};
