//! What is wrong with a manifest, and where.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::source::Place;
use crate::text::one_line;

/// One thing that is wrong at one place of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Whether it can be left as it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What was found, apart from its place.
    pub problem: Problem,
    /// The object that has it, such as `HybridScaler orders/order-worker`; nothing when the text is no YAML.
    pub object: Option<String>,
    /// What stands at the field; nothing when it is missing.
    pub value: Option<Value>,
}

/// Whether a finding can be left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The API server refuses it, or the operator cannot keep what it asks for.
    Error,
    /// It may be what is meant.
    Warning,
}

/// What is wrong with a field, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What found it.
    pub check: Check,
    /// Path of the field, such as `spec.triggers[0].sqs.queueUrl`; empty for the whole document.
    pub field: String,
    /// What is wrong; where the API server has words for it, those.
    pub message: String,
    /// What to do instead.
    pub mend: String,
}

/// What found something wrong, in the order in which an object is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// The text is no YAML, or the document no object.
    Yaml,
    /// The kind, or one of the fields, does not exist.
    Unknown,
    /// Type, bounds or pattern of a field, as the CRD has them.
    Schema,
    /// What every Kubernetes object must keep: names, labels, annotations.
    Metadata,
    /// A rule across fields, in CEL.
    Rule,
    /// What only a look across objects shows.
    Across,
}

impl fmt::Display for Finding {
    /// In one line: `FILE:LINE:COLUMN: WHAT: MEND`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, problem: Problem { message, .. }, .. } = self;
        let message = one_line(message);
        write!(f, "{}:{}:{}: {message}", place.source.name, place.line(), place.column())?;
        self.problem.hint().map_or(Ok(()), |mend| write!(f, ": {}", one_line(mend)))
    }
}

impl std::error::Error for Finding {}

/// Everything that stands in the way of an answer, told at once.
#[derive(Debug)]
pub(in crate::cli) struct Findings(pub(in crate::cli) Vec<Finding>);

impl fmt::Display for Findings {
    /// A line each. The first gets its word where an error is printed, as every error does; the others bring their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.0.iter().enumerate() {
            if at > 0 {
                write!(f, "\n{}: ", finding.severity.as_str())?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

impl Problem {
    /// The mend, unless the message ends with it already, as that of a rule does.
    pub fn hint(&self) -> Option<&str> {
        (!self.mend.is_empty() && !self.message.ends_with(&self.mend)).then_some(&self.mend)
    }
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}
