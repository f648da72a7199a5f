//! The chart, with the real Helm against a real API server.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod cluster;
mod helm;
mod release;
mod rights;
mod templates;
