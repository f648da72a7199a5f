//! Reads from the Kubernetes API: each has a time limit and is tried once, and its error says what to mend.

mod call;
mod kinds;
mod workload_ref;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(crate) mod fake;

pub(crate) use self::call::{no_answer, said};
pub use self::{
    call::{CALL_LIMIT, Failure, list_all, read},
    kinds::{KindError, Kinds},
    workload_ref::WorkloadRef,
};
