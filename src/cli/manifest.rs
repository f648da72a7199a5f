//! Manifests in files, read without a cluster.

mod located;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use k8s_openapi::{
    api::apps::v1::Deployment,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps},
};
use kube::ResourceExt;
use serde::{Deserialize, de::DeserializeOwned};

use self::located::Node;
use crate::api::{
    ConnectionBudget, HybridScaler, crds,
    spec_error::SpecError,
    yaml::{self, YamlError},
};

/// Everything in some files that says how connections are used. Objects of other kinds are passed over.
#[derive(Default)]
pub(super) struct Manifests {
    pub(super) scalers: Vec<Found<HybridScaler>>,
    pub(super) budgets: Vec<Found<ConnectionBudget>>,
    pub(super) deployments: Vec<Found<Deployment>>,
}

/// An object and where it was found.
pub(super) struct Found<T> {
    pub(super) object: T,
    file: PathBuf,
    /// Lines of the file before the object's document.
    before: u64,
    node: Node,
}

/// A problem at one line of a file.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub(super) struct Problem {
    file: PathBuf,
    line: u64,
    what: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeMeta {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
}

impl Manifests {
    /// Reads every document of every file.
    ///
    /// # Errors
    /// The first file that cannot be read, document that is not YAML, or object that is not what its kind says, by line.
    pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut manifests = Self::default();
        for file in files {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            for document in documents(&text) {
                manifests.add(file, document)?;
            }
        }
        Ok(manifests)
    }

    fn add(&mut self, file: &Path, document: Document<'_>) -> Result<(), Problem> {
        let types: Option<TypeMeta> = document.parse(file)?;
        let Some(TypeMeta { api_version, kind }) = types else {
            return Ok(());
        };
        match (api_version.as_str(), kind.as_str()) {
            ("hybridscaler.dev/v1alpha1", "HybridScaler") => self.scalers.push(document.checked(file, &kind)?),
            ("hybridscaler.dev/v1alpha1", "ConnectionBudget") => self.budgets.push(document.checked(file, &kind)?),
            ("apps/v1", "Deployment") => self.deployments.push(document.found(file)?),
            _ => {}
        }
        Ok(())
    }
}

impl<T: ResourceExt> Found<T> {
    /// Namespace of the object; `default` when it names none, as kubectl would have it.
    pub(super) fn namespace(&self) -> String {
        self.object.namespace().unwrap_or_else(|| "default".into())
    }

    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace() == namespace && self.object.name_any() == name
    }

    /// A problem with a field of this object, at the field's line.
    pub(super) fn problem(&self, error: &SpecError) -> Problem {
        self.at(&error.field, error)
    }

    /// A problem at the line of the field with this path.
    pub(super) fn at(&self, field: &str, what: impl fmt::Display) -> Problem {
        Problem { file: self.file.clone(), line: self.before + self.node.line_of(field), what: what.to_string() }
    }
}

/// One document of a file.
#[derive(Clone, Copy)]
struct Document<'a> {
    before: u64,
    text: &'a str,
}

impl Document<'_> {
    fn parse<T: DeserializeOwned>(self, file: &Path) -> Result<T, Problem> {
        yaml::read(self.text).map_err(|YamlError { line, problem }| self.problem(file, line, problem))
    }

    fn found<T: DeserializeOwned>(self, file: &Path) -> Result<Found<T>, Problem> {
        Ok(Found { object: self.parse(file)?, file: file.into(), before: self.before, node: self.parse(file)? })
    }

    /// An object of one of our kinds, without a field that the kind does not have: a misspelt one would read as left out.
    fn checked<T: DeserializeOwned>(self, file: &Path, kind: &str) -> Result<Found<T>, Problem> {
        let node: Node = self.parse(file)?;
        if let Some((line, problem)) = schema(kind).and_then(|schema| node.unknown_field(&schema)) {
            return Err(self.problem(file, line, problem));
        }
        self.found(file)
    }

    fn problem(self, file: &Path, line: u64, what: String) -> Problem {
        Problem { file: file.into(), line: self.before + line, what }
    }
}

/// Splits a file at its lines `---`.
fn documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut before, mut at) = (0, 0, 0);
    for (number, line) in (0..).zip(text.split_inclusive('\n')) {
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            documents.extend(text.get(start..at).map(|text| Document { before, text }));
            (start, before) = (at + "---".len(), number);
        }
        at += line.len();
    }
    documents.extend(text.get(start..).map(|text| Document { before, text }));
    documents
}

fn schema(kind: &str) -> Option<JSONSchemaProps> {
    let CustomResourceDefinition { spec, .. } = crds::all().into_iter().find(|crd| crd.spec.names.kind == kind)?;
    spec.versions.into_iter().next()?.schema?.open_api_v3_schema
}

#[cfg(test)]
mod tests;
