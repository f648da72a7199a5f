//! HybridScaler, the operator: it reads load, decides, reserves connections, and writes what a target should run.
//!
//! [`api`] is what people write and read; [`cli`] is how the binary is called.

pub mod api;
pub mod aws;
pub mod cli;
pub mod controller;
pub mod databases;
pub mod kubernetes;
pub mod ledger;
pub mod record;
pub mod signals;
pub mod targets;
pub mod telemetry;
pub mod text;
