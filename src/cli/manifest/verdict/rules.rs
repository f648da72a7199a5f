//! The rules across fields, in CEL: the expressions of the CRD and their messages, evaluated here as the API server does it.

use kube::core::cel::{ErrorKind, ValidationError, Validator};
use serde_json::Value;

use crate::cli::manifest::{
    finding::{Check, Problem},
    kinds::Kind,
};

/// Whether an object keeps the schema of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It does.
    Sound,
    /// A field is missing, of another type or out of bounds, so that some rules have nothing to work on.
    Broken,
}

/// The rules that an object breaks.
pub(super) fn check(kind: &Kind, object: &Value, previous: Option<&Value>, shape: Shape) -> Vec<Problem> {
    let Err(errors) = Validator::new().validate_compiled(&kind.rules, object, previous) else {
        return Vec::new();
    };
    let judged = |error: &ValidationError| shape == Shape::Sound || error.kind == ErrorKind::ValidationFailure;
    errors.into_iter().filter(judged).map(|error| problem(kind, object, error)).collect()
}

fn problem(kind: &Kind, object: &Value, error: ValidationError) -> Problem {
    let ValidationError { rule, message, field_path: field, reason, .. } = error;
    let what = match reason.as_deref() {
        Some("FieldValueRequired") => "Required value",
        Some("FieldValueForbidden") => "Forbidden",
        Some("FieldValueDuplicate") => "Duplicate value",
        _ => "Invalid value",
    };
    // The server names the value that a rule is about when it is a scalar.
    let value = scalar(object, &field).filter(|_| what == "Invalid value" && !kind.pointing.contains(&rule));
    let value = value.map(|value| format!("{value}: ")).unwrap_or_default();
    // Every message of ours is WHAT: MEND.
    let mend = message.split_once(": ").map(|(_, mend)| mend.to_owned()).unwrap_or_default();
    Problem { check: Check::Rule, message: format!("{field}: {what}: {value}{message}"), field, mend }
}

fn scalar<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    object.pointer(&pointer).filter(|value| !value.is_object() && !value.is_array())
}
