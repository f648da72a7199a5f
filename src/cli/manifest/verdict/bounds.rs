//! How long, how large and how many, and what text looks like.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use regex::Regex;
use serde_json::Number;

use super::schema::{meaning, problem};
use crate::cli::manifest::finding::Problem;

/// The length of a text, in characters.
pub(super) fn length(schema: &JSONSchemaProps, text: &str, path: &str) -> Option<Problem> {
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    match (schema.min_length, schema.max_length) {
        (Some(least), _) if count < least => {
            let what = format!("Invalid value: {text:?}: {path} in body should be at least {least} chars long");
            Some(problem(path, what, meaning(schema)))
        }
        (_, Some(most)) if count > most => {
            let mend = format!("it has {count} characters: shorten it to {most}");
            Some(problem(path, format!("Too long: may not be more than {most} bytes"), mend))
        }
        _ => None,
    }
}

/// The pattern of a text. One that cannot be read here is left to the server; a test reads every one.
pub(super) fn pattern(schema: &JSONSchemaProps, text: &str, path: &str) -> Option<Problem> {
    let pattern = schema.pattern.as_deref()?;
    let fits = Regex::new(pattern).map_or(true, |pattern| pattern.is_match(text));
    let what = || format!("Invalid value: {text:?}: {path} in body should match '{pattern}'");
    (!fits).then(|| problem(path, what(), meaning(schema)))
}

/// The bounds of a number, both inclusive. Against a whole number the server drops what a bound has behind the point
/// (`MinimumNativeType` in `kube-openapi`): it takes 0 where the least is 0.1.
pub(super) fn number(schema: &JSONSchemaProps, given: &Number, path: &str) -> Option<Problem> {
    let value = given.as_f64()?;
    let bound = |bound: Option<f64>| bound.map(|bound| if given.is_f64() { bound } else { bound.trunc() });
    let beyond = match (bound(schema.minimum), bound(schema.maximum)) {
        (Some(least), _) if value < least => format!("greater than or equal to {least}"),
        (_, Some(most)) if value > most => format!("less than or equal to {most}"),
        _ => return None,
    };
    let what = format!("Invalid value: {given}: {path} in body should be {beyond}");
    Some(problem(path, what, in_bounds(schema).unwrap_or_default()))
}

/// The number of items or fields, of `least` and `most`.
pub(super) fn size(count: usize, (least, most): (Option<i64>, Option<i64>), what: &str, path: &str) -> Option<Problem> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    if let Some(least) = least.filter(|least| count < *least) {
        let words = format!("Invalid value: {count}: {path} in body should have at least {least} {what}");
        return Some(problem(path, words, format!("add {}", least - count)));
    }
    let most = most.filter(|most| count > *most)?;
    let items = if most == 1 { "item" } else { "items" };
    let words = format!("Too many: {count}: must have at most {most} {items}");
    Some(problem(path, words, format!("leave out {}", count - most)))
}

/// What to set a number to: `set 1 to 10000`.
pub(super) fn in_bounds(schema: &JSONSchemaProps) -> Option<String> {
    match (schema.minimum, schema.maximum) {
        (Some(least), Some(most)) => Some(format!("set {least} to {most}")),
        (Some(least), None) => Some(format!("set at least {least}")),
        (None, Some(most)) => Some(format!("set at most {most}")),
        (None, None) => None,
    }
}
