//! How the CEL rules of the kinds are written down.

use kube::core::{Message, Rule};

/// A CEL rule with the message to print when it does not hold: `text`, in which each `%s` stands for the value of one of the CEL
/// expressions `values`.
///
/// Each message says which field, which value and what to do instead; the API server puts the field's full path in front. It is one
/// `format` call and not a sum of strings, since the API server takes the length of `string(…)` to be without bound and refuses a
/// CRD whose rules may cost that much.
#[must_use]
pub fn rule(holds: &str, text: &str, values: &[&str]) -> Rule {
    let message = format!("'{text}'.format([{}])", values.join(", "));
    Rule::new(one_line(holds)).message(Message::Expression(one_line(&message)))
}

/// Folds an expression that is wrapped in the source: the API server refuses line breaks in a message expression.
fn one_line(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}
