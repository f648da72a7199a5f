//! The core's promises, from the outside: one table or one law a file.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod cooldown;
mod decision;
mod dial;
mod differential;
mod explanation;
mod hpa;
mod laws;
mod promise;
mod protocol;
mod support;
