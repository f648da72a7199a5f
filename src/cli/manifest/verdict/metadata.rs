//! What every Kubernetes object must keep, whatever its kind: names, labels and annotations.
//!
//! The rules are those of the API server for `ObjectMeta` of a custom resource (`ValidateObjectMeta` in
//! `apimachinery/pkg/api/validation`); the words are ours.

use serde_json::{Map, Value};

use super::join;
use crate::cli::manifest::finding::{Check, Problem};

/// The most characters of a name, of a label of DNS, and of all annotations together.
const NAME: usize = 253;
const LABEL: usize = 63;
const ANNOTATIONS: usize = 256 * 1024;

/// What is wrong with an object's metadata.
pub(super) fn check(object: &Value) -> Vec<Problem> {
    let none = Map::new();
    let metadata = object.get("metadata").and_then(Value::as_object).unwrap_or(&none);
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut problems = Vec::new();
    match (text("name"), text("generateName")) {
        (Some(name), _) if !is_subdomain(name) => problems.push(invalid("metadata.name", name, SUBDOMAIN)),
        (None, None) => problems.push(Problem {
            check: Check::Metadata,
            field: "metadata.name".into(),
            message: "metadata.name: Required value: name or generateName is required".into(),
            mend: "give the object a name".into(),
        }),
        _ => {}
    }
    if let Some(namespace) = text("namespace").filter(|namespace| !is_label(namespace)) {
        problems.push(invalid("metadata.namespace", namespace, DNS_LABEL));
    }
    let empty = Map::new();
    let map = |field: &str| metadata.get(field).and_then(Value::as_object).unwrap_or(&empty);
    for (key, value) in map("labels") {
        let at = |problem: Problem| Problem { field: join("metadata.labels", key), ..problem };
        problems.extend((!is_qualified(key)).then(|| at(invalid("metadata.labels", key, KEY))));
        let value = value.as_str().unwrap_or_default();
        let fits = value.is_empty() || is_name(value);
        problems.extend((!fits).then(|| at(invalid("metadata.labels", value, LABEL_VALUE))));
    }
    for key in map("annotations").keys().filter(|key| !is_qualified(&key.to_lowercase())) {
        let problem = invalid("metadata.annotations", key, KEY);
        problems.push(Problem { field: join("metadata.annotations", key), ..problem });
    }
    let size: usize =
        map("annotations").iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > ANNOTATIONS {
        problems.push(Problem {
            check: Check::Metadata,
            field: "metadata.annotations".into(),
            message: format!("metadata.annotations: Too long: may not be more than {ANNOTATIONS} bytes"),
            mend: format!("they have {size} bytes: leave some out"),
        });
    }
    problems
}

const SUBDOMAIN: &str =
    "write lower-case letters, digits, '-' and '.', a letter or digit at both ends, at most 253 characters";
const DNS_LABEL: &str =
    "write lower-case letters, digits and '-', a letter or digit at both ends, at most 63 characters";
const LABEL_VALUE: &str =
    "write letters, digits, '-', '_' and '.', a letter or digit at both ends, at most 63 characters";
const KEY: &str = "write NAME or DOMAIN/NAME, the name of letters, digits, '-', '_' and '.', at most 63 characters";

/// In the server's words, which do not name the key.
fn invalid(field: &str, value: &str, mend: &str) -> Problem {
    let message = format!("{field}: Invalid value: {value:?}");
    Problem { check: Check::Metadata, field: field.into(), message, mend: mend.into() }
}

/// A subdomain of RFC 1123: labels with dots between.
fn is_subdomain(text: &str) -> bool {
    text.len() <= NAME && text.split('.').all(|label| is_of(label, |letter| is_dns(letter) || letter == '-', is_dns))
}

/// A label of RFC 1123.
fn is_label(text: &str) -> bool {
    text.len() <= LABEL && is_of(text, |letter| is_dns(letter) || letter == '-', is_dns)
}

/// A label's value, or the part of a key after the slash.
fn is_name(text: &str) -> bool {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    text.len() <= LABEL && is_of(text, inside, |letter| letter.is_ascii_alphanumeric())
}

/// `NAME` or `DOMAIN/NAME`.
fn is_qualified(key: &str) -> bool {
    key.split_once('/').map_or_else(|| is_name(key), |(domain, name)| is_subdomain(domain) && is_name(name))
}

fn is_dns(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit()
}

/// Whether a text is made of letters `inside`, with one of `ends` at both ends.
fn is_of(text: &str, inside: impl Fn(char) -> bool, ends: impl Fn(char) -> bool) -> bool {
    text.starts_with(&ends) && text.ends_with(&ends) && text.chars().all(inside)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(metadata: &Value) -> Vec<String> {
        check(&json!({"metadata": metadata})).into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn names_are_what_dns_allows() {
        for right in ["a", "a.b", "order-worker.v2", "0"] {
            assert_eq!(fields(&json!({"name": right})), Vec::<String>::new(), "{right}");
        }
        for wrong in ["A", "a_b", "-a", "a-", ".a", "a..b", "a b", "ä", &"a".repeat(254)] {
            assert_eq!(fields(&json!({"name": wrong})), ["metadata.name"], "{wrong}");
        }
        for wrong in ["a.b", "Orders", &"a".repeat(64)] {
            assert_eq!(fields(&json!({"name": "a", "namespace": wrong})), ["metadata.namespace"], "{wrong}");
        }
    }

    #[test]
    fn an_object_has_a_name_or_lets_the_server_make_one() {
        assert_eq!(fields(&json!({})), ["metadata.name"]);
        assert_eq!(fields(&json!({"generateName": "worker-"})), Vec::<String>::new());
    }

    #[test]
    fn labels_and_annotations_are_keys_with_values() {
        let right = json!({"app.kubernetes.io/name": "Orders_1.2", "tier": ""});
        assert_eq!(
            fields(&json!({"name": "a", "labels": right, "annotations": {"Example.com/X": "any text"}})),
            [""; 0]
        );
        let wrong = json!({"a/b/c": "x", "tier": "back end", "/x": "1"});
        assert_eq!(
            fields(&json!({"name": "a", "labels": wrong})),
            ["metadata.labels./x", "metadata.labels.a/b/c", "metadata.labels.tier"]
        );
        assert_eq!(fields(&json!({"name": "a", "annotations": {"a b": "1"}})), ["metadata.annotations.a b"]);
        let large = json!({"a": "x".repeat(256 * 1024)});
        assert_eq!(fields(&json!({"name": "a", "annotations": large})), ["metadata.annotations"]);
    }
}
