//! The unmodified SDK clients against the served model.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod autoscaling;
mod clients;
mod cloudwatch;
mod ecs;
mod faults;
mod identity;
mod moto;
mod sqs;
