//! How the CEL rules of the kinds are written down.

use kube::core::{Message, Rule};

/// A CEL rule whose message is itself CEL, so that it can name the value that broke it.
///
/// Each message says which field, which value and what to do instead. The API server puts the field's full path in front.
#[must_use]
pub fn rule(holds: &str, message: &str) -> Rule {
    Rule::new(one_line(holds)).message(Message::Expression(one_line(message)))
}

/// Folds an expression that is wrapped in the source to one line: the API server refuses line breaks in a message expression.
fn one_line(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}
