//! What operators and Prometheus see of the process: logs, metrics, health.

pub mod admin;
pub mod health;
pub mod logs;
pub mod metrics;
