//! Manifests in files, read without a cluster.

mod document;
mod finding;
mod form;
mod kinds;
mod located;
mod source;
mod verdict;

use std::{fmt, path::PathBuf, sync::Arc};

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::{
    document::{Object, objects},
    kinds::{Kind, Lookup},
};
use crate::api::{ConnectionBudget, HybridScaler, spec_error::SpecError};

pub(super) use self::{
    finding::Findings,
    form::{Filled, Form},
};
pub use self::{
    finding::{Check, Finding, Problem, Severity},
    source::{Place, Source},
};

/// Fields of every manifest.
const FIELDS: &str = "apiVersion and kind";

/// Everything in some files that says how connections are used, and what is wrong with it.
#[derive(Default)]
pub(super) struct Manifests {
    /// The scalers that can be understood: those that the API server would accept, and those that break no more than a rule.
    pub(super) scalers: Vec<Found<HybridScaler>>,
    /// The budgets of which that is true.
    pub(super) budgets: Vec<Found<ConnectionBudget>>,
    pub(super) deployments: Vec<Found<Deployment>>,
    /// What the API server would refuse, in the order of the files.
    pub(super) findings: Vec<Finding>,
    /// How many objects of our kinds there are, accepted or not.
    pub(super) ours: usize,
}

/// An object that was read, and where it was found.
pub(super) struct Found<T> {
    pub(super) object: T,
    at: Object,
}

/// Objects as they are stored now, which say what may not change.
#[derive(Default)]
pub(super) struct Previous(Vec<Object>);

impl Manifests {
    /// Reads every document of every file.
    ///
    /// # Errors
    /// A file cannot be read: the first of them; or something in them would be refused: all of it.
    pub(super) fn sound(files: &[PathBuf]) -> anyhow::Result<Self> {
        let sources = files.iter().map(|file| Source::read(file).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        let manifests = Self::of(&sources, &Previous::default());
        if manifests.findings.is_empty() { Ok(manifests) } else { Err(Findings(manifests.findings).into()) }
    }

    /// What some sources hold.
    pub(super) fn of(sources: &[Arc<Source>], previous: &Previous) -> Self {
        let mut manifests = Self::default();
        for source in sources {
            let (objects, unreadable) = objects(source, FIELDS);
            manifests.findings.extend(unreadable);
            for object in objects {
                manifests.add(object, previous);
            }
        }
        manifests
    }

    fn add(&mut self, object: Object, previous: &Previous) {
        let text = |field| object.text(field).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        match Kind::find(&api_version, &kind) {
            Lookup::Ours(kind) => self.add_ours(object, kind, previous),
            Lookup::Unknown(problem) => {
                self.ours += 1;
                self.findings.push(object.finding(Severity::Error, problem));
            }
            Lookup::Other if (api_version.as_str(), kind.as_str()) == ("apps/v1", "Deployment") => {
                let value = object.json();
                let unreadable = accept(&mut self.deployments, object, value);
                // The API server has its own words for it, and we only look for its strategy.
                self.findings.extend(unreadable.map(|found| Finding { severity: Severity::Warning, ..found }));
            }
            Lookup::Other => {}
        }
    }

    fn add_ours(&mut self, object: Object, kind: &Kind, previous: &Previous) {
        self.ours += 1;
        let (problems, value) = verdict::of(kind, object.json(), previous.of(&object).as_ref());
        // What a mend of these would leave in place has its say across objects now, and not only in the run after it.
        let takes_part = !problems.iter().any(|problem| problem.check == Check::Schema);
        let sound = problems.is_empty();
        self.findings.extend(problems.into_iter().map(|problem| object.finding(Severity::Error, problem)));
        if takes_part {
            let unreadable = match kind.name.as_str() {
                "HybridScaler" => accept(&mut self.scalers, object, value),
                _ => accept(&mut self.budgets, object, value),
            };
            self.findings.extend(unreadable.filter(|_| sound));
        }
    }
}

/// Takes an object for what its kind says.
fn accept<T: DeserializeOwned>(to: &mut Vec<Found<T>>, at: Object, value: Value) -> Option<Finding> {
    match serde_json::from_value(value) {
        Ok(object) => {
            to.push(Found { object, at });
            None
        }
        Err(error) => {
            let message = format!("it cannot be read: {error}");
            let problem = Problem { check: Check::Schema, field: String::new(), message, mend: String::new() };
            Some(at.finding(Severity::Error, problem))
        }
    }
}

impl Previous {
    /// The objects of our kinds in some sources.
    pub(super) fn read(sources: &[Arc<Source>]) -> Self {
        Self(sources.iter().flat_map(|source| objects(source, FIELDS).0).collect())
    }

    /// What is stored under the name of `object`.
    fn of(&self, object: &Object) -> Option<Value> {
        let is_same =
            |stored: &&Object| stored.text("apiVersion") == object.text("apiVersion") && stored.name() == object.name();
        self.0.iter().find(is_same).map(Object::json)
    }
}

impl<T: ResourceExt> Found<T> {
    /// Namespace of the object; `default` when it names none, as kubectl would have it.
    pub(super) fn namespace(&self) -> String {
        self.object.namespace().unwrap_or_else(|| "default".into())
    }

    /// `NAMESPACE/NAME`.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.namespace(), self.object.name_any())
    }

    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace() == namespace && self.object.name_any() == name
    }
}

impl<T> Found<T> {
    /// The place of a field, or of the nearest one above it that is there.
    pub(super) fn place(&self, field: &str) -> Place {
        self.at.place(field)
    }

    /// A value of this object that cannot be used.
    pub(super) fn unusable(&self, error: &SpecError) -> Finding {
        let SpecError { field, value, problem } = error;
        let (what, mend) = problem.rsplit_once(": ").unwrap_or((problem, ""));
        self.error(field, format_args!("{field}: `{value}` {what}"), mend)
    }

    /// Such a thing that cannot be left as it is.
    pub(super) fn error(&self, field: &str, message: impl fmt::Display, mend: impl Into<String>) -> Finding {
        self.finding(Severity::Error, field, message, mend)
    }

    /// Such a thing that may be what is meant.
    pub(super) fn warning(&self, field: &str, message: impl fmt::Display, mend: impl Into<String>) -> Finding {
        self.finding(Severity::Warning, field, message, mend)
    }

    /// Something that only a look across objects shows.
    pub(super) fn finding(
        &self,
        severity: Severity,
        field: &str,
        message: impl fmt::Display,
        mend: impl Into<String>,
    ) -> Finding {
        let problem =
            Problem { check: Check::Across, field: field.into(), message: message.to_string(), mend: mend.into() };
        self.at.finding(severity, problem)
    }
}

#[cfg(test)]
mod tests;
