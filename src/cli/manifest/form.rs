//! Documents of ours that are no objects of the API server's: read and judged as those are, with line and column.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    document::{Object, objects},
    finding::{Check, Finding, Problem, Severity},
    kinds::Kind,
    source::{Place, Source},
    verdict,
};
use crate::api::spec_error::SpecError;

/// What a document of one sort looks like.
pub(in crate::cli) struct Form {
    kind: Kind,
    /// Some fields that such a document has.
    fields: &'static str,
}

/// A document that keeps to its form.
pub(in crate::cli) struct Filled<T> {
    pub(in crate::cli) content: T,
    at: Object,
}

impl Form {
    /// Documents that people call `name`, with such `fields`, by their schema.
    pub(in crate::cli) fn new(name: &str, fields: &'static str, schema: &Value) -> Self {
        let schema = serde_json::from_value(schema.clone()).unwrap_or_default();
        Self { kind: Kind::by(name.into(), String::new(), schema), fields }
    }

    /// Reads the one document of a source, after `prepare` has put it into the form that the schema has and told what is wrong with it
    /// apart from that.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(in crate::cli) fn read<T: DeserializeOwned>(
        &self,
        source: &Arc<Source>,
        prepare: impl FnOnce(&mut Value) -> Vec<SpecError>,
    ) -> Result<Filled<T>, Vec<Finding>> {
        let (mut documents, unreadable) = objects(source, self.fields);
        if !unreadable.is_empty() {
            return Err(unreadable);
        }
        let (Some(at), true) = (documents.pop(), documents.is_empty()) else {
            return Err(vec![not_one(source, &self.kind.name)]);
        };
        let mut document = at.json();
        let apart: Vec<Problem> = prepare(&mut document).iter().map(Problem::of).collect();
        let (broken, document) = verdict::of_form(&self.kind, document);
        // What the schema refuses already is not told twice.
        let is_new = |problem: &Problem| broken.iter().all(|known| known.field != problem.field);
        let problems: Vec<Problem> = apart.into_iter().filter(is_new).chain(broken.iter().cloned()).collect();
        if !problems.is_empty() {
            return Err(problems.into_iter().map(|problem| at.finding(Severity::Error, problem)).collect());
        }
        match serde_json::from_value(document) {
            Ok(content) => Ok(Filled { content, at }),
            Err(error) => {
                let (message, mend) = (format!("it cannot be read: {error}"), "compare it with its schema".into());
                let problem = Problem { check: Check::Schema, field: String::new(), message, mend };
                Err(vec![at.finding(Severity::Error, problem)])
            }
        }
    }
}

impl<T> Filled<T> {
    /// A value of this document that cannot be used.
    pub(in crate::cli) fn unusable(&self, error: &SpecError) -> Finding {
        self.at.finding(Severity::Error, Problem::of(error))
    }
}

impl Problem {
    fn of(error: &SpecError) -> Self {
        let SpecError { field, value, problem } = error;
        let (what, mend) = problem.rsplit_once(": ").unwrap_or((problem, ""));
        let message = format!("{field}: `{value}` {what}");
        Self { check: Check::Schema, field: field.clone(), message, mend: mend.into() }
    }
}

fn not_one(source: &Arc<Source>, name: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        place: Place { source: source.clone(), span: 0..0 },
        problem: Problem {
            check: Check::Yaml,
            field: String::new(),
            message: format!("not one document but none, or several; {name} is one"),
            mend: "leave one".into(),
        },
        object: None,
        value: None,
    }
}
