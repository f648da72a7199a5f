//! The same verdict without a server: what `hybridscaler check` finds.

use std::sync::Arc;

use hybridscaler::cli::check::{Check, Finding, Severity, Source, check};
use serde_json::Value;

/// What is wrong with a manifest, by `hybridscaler check`; `stored` is what the server has under its name.
pub(crate) fn errors(manifest: &Value, stored: Option<&Value>) -> Vec<Finding> {
    let source = |object: &Value| {
        Arc::new(Source { name: "manifest.yaml".to_owned(), text: serde_saphyr::to_string(object).unwrap() })
    };
    let stored: Vec<_> = stored.map(source).into_iter().collect();
    let found = check(&[source(manifest)], &stored);
    found.into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// How the findings differ from what the server said, of which `expected` is the part that the table names.
pub(crate) fn difference(findings: &[Finding], expected: &str, said: &str) -> Option<String> {
    // A server-side apply has words of its own for a field that does not exist.
    let expected = match expected.strip_suffix(": field not declared in schema") {
        Some(field) => format!("unknown field \"{}\"", field.trim_start_matches('.')),
        None => expected.to_owned(),
    };
    if !findings.iter().any(|finding| finding.problem.message.contains(&expected)) {
        return Some(format!("offline it is not found: {findings:#?}"));
    }
    // The server names no other fault beside a field that does not exist, no rule beside a field that is missing or mistyped, and
    // never what only a look across objects shows.
    let looked_on = |finding: &&Finding| match finding.problem.check {
        Check::Unknown | Check::Across => false,
        Check::Rule => !said.contains("some validation rules were not checked"),
        _ => true,
    };
    let stopped = findings.iter().any(|finding| finding.problem.check == Check::Unknown);
    let only_offline = |finding: &&Finding| !said.contains(&finding.problem.message);
    let more = findings.iter().filter(looked_on).filter(|_| !stopped).find(only_offline)?;
    Some(format!("only offline: {}\n  said {said}", more.problem.message))
}
