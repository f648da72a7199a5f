//! The unmodified SDK clients against the served model.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod clients;
mod cloudwatch;
mod ecs;
mod faults;
mod identity;
mod sqs;
