//! A spec that cannot be used, although the API server stored it.

use std::fmt::Display;

/// A value of a spec that cannot be used: stored under an older schema, or with validation switched off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: `{value}` {problem}")]
pub struct SpecError {
    /// Path of the field, such as `spec.triggers[0].sqs.messagesPerReplica`.
    pub field: String,
    /// What stands there; empty when nothing does.
    pub value: String,
    /// What is wrong with it and what to do instead.
    pub problem: String,
}

impl SpecError {
    /// An error about `value` at `field`.
    pub fn new(field: impl Into<String>, value: impl Display, problem: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string(), problem: problem.into() }
    }

    /// The same error, seen from the object that holds the one it was found in.
    #[must_use]
    pub fn within(mut self, path: &str) -> Self {
        self.field = format!("{path}.{}", self.field);
        self
    }
}

/// The value as a count, when it lies in `least..=most`.
pub(super) fn in_range(field: &str, value: i32, least: u32, most: u32) -> Result<u32, SpecError> {
    u32::try_from(value)
        .ok()
        .filter(|count| (least..=most).contains(count))
        .ok_or_else(|| SpecError::new(field, value, format!("is out of range: set {least} to {most}")))
}

/// The value, when it lies in `least..=most`.
pub(super) fn number_in_range(field: &str, value: f64, least: f64, most: f64) -> Result<f64, SpecError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(SpecError::new(field, value, format!("is out of range: set {least} to {most}")))
}
