//! One decision as a document: what it is made from, and what comes out. The controller records such documents, `hybridscaler decide`
//! makes the decision again.

use hybridscaler_core::{Decision, Replicas, explanation, history, policy::Policy};
use jiff::Timestamp;
use kube::KubeSchema;
use schemars::{JsonSchema, generate::SchemaSettings, transform::AddNullable};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{formulas::Formulas, hybrid_scaler::HybridScalerSpec, spec_error::SpecError};

pub mod across;
pub mod ages;
pub mod budget;
pub mod observation;
pub mod pods;
pub mod reading;

pub use self::{budget::BudgetAnswer, observation::Observation, reading::Reading};

/// Everything that one decision is made from. The same document leads to the same decision, byte for byte.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionInput {
    /// When it is decided, as RFC 3339 text. Every other time of the document may be written as an age at this time, such as
    /// `90s ago`.
    pub now: Timestamp,

    /// The `spec` of the HybridScaler.
    pub scaler: HybridScalerSpec,

    /// What is seen of the target and its signals.
    pub observation: Observation,

    /// What was done and recommended before, as a decision's output has it. Default: nothing, as at the first look at a target.
    #[serde(default)]
    pub history: history::History,

    /// What the connection budget answers. Default: the scaler has none, or is not limited by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetAnswer>,
}

/// What a decision comes to.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionOutput {
    /// The number, and what limits it.
    pub decision: Verdict,
    /// Every step that led to it.
    pub explanation: Explanation,
    /// What the next decision remembers, as long as the target was not told to run another number.
    pub history: history::History,
}

/// A decision in short.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Replicas that the target is told to run now.
    pub replicas: Replicas,
    /// Replicas wanted, before the connection budget.
    pub wanted: Replicas,
    /// What keeps them from being another number.
    pub limited_by: explanation::Limit,
    /// One sentence of at most 160 characters.
    pub headline: String,
}

/// A decision's explanation, for programs and for people.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Explanation {
    /// For programs.
    #[serde(flatten)]
    pub steps: explanation::Explanation,
    /// For people.
    pub text: String,
}

/// A decision that was made: one line of a record.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// `namespace/name` of the HybridScaler.
    pub name: String,
    /// What the decision was made from.
    pub input: DecisionInput,
    /// What it came to.
    pub output: DecisionOutput,
}

impl DecisionInput {
    /// Makes the decision. `windows` says until when each schedule of the policy is open, for a document that does not.
    ///
    /// # Errors
    /// The first value of the document that cannot be used.
    pub fn decide(
        &self,
        windows: impl FnOnce() -> Result<Vec<Option<Timestamp>>, SpecError>,
    ) -> Result<DecisionOutput, SpecError> {
        let policy = self.policy()?;
        let (formulas, errors) = self.formulas();
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let seen = self.observation.to_core(&policy, &formulas, self.now, windows)?;
        let mut history = self.history.clone();
        let mut decision = hybridscaler_core::look(&policy, &seen, &mut history, self.now);
        if let Some(budget) = &self.budget {
            decision.explanation.budget = Some(budget.step(&decision, &self.scaler)?);
            decision.limited_by = decision.explanation.limited_by();
        }
        Ok(DecisionOutput::of(&decision, &history))
    }

    /// What is wrong with its scaler that neither its schema nor [`across::problems`] tells.
    pub fn problems(&self) -> Vec<SpecError> {
        self.policy().map_or_else(|error| vec![error], |_| self.formulas().1)
    }

    /// The policy that the core decides by.
    ///
    /// # Errors
    /// The first value of the spec that cannot be used, by its path in this document.
    pub fn policy(&self) -> Result<Policy, SpecError> {
        self.scaler.policy().map_err(here)
    }

    /// The formulas of its scaler, and everything that is wrong with them, by its path in this document.
    fn formulas(&self) -> (Formulas, Vec<SpecError>) {
        let (formulas, errors) = self.scaler.formulas();
        (formulas, errors.into_iter().map(here).collect())
    }

    /// The schema of such a document, as JSON Schema. Kubernetes' dialect of it, so that rules across fields stand in it too.
    pub fn schema() -> Value {
        let generator = SchemaSettings::openapi3()
            .with(|settings| {
                settings.inline_subschemas = true;
                settings.meta_schema = None;
            })
            .with_transform(AddNullable::default())
            .with_transform(kube::core::schema::StructuralSchemaRewriter)
            .with_transform(kube::core::schema::OptionalEnum)
            .with_transform(kube::core::schema::OptionalIntOrString)
            .into_generator();
        generator.into_root_schema_for::<Self>().to_value()
    }
}

/// An error of the spec, where it stands in this document.
fn here(error: SpecError) -> SpecError {
    SpecError { field: error.field.replacen("spec", "scaler", 1), ..error }
}

impl DecisionOutput {
    /// The schema of such a document, as JSON Schema (2020-12).
    pub fn schema() -> Value {
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Self>().to_value()
    }

    /// What `decision` comes to, with what is remembered after it.
    pub fn of(decision: &Decision, history: &history::History) -> Self {
        let Decision { replicas, limited_by, recommendation: _, explanation } = decision;
        Self {
            decision: Verdict {
                replicas: explanation.told(),
                wanted: *replicas,
                limited_by: *limited_by,
                headline: explanation.headline().to_string(),
            },
            explanation: Explanation { steps: explanation.clone(), text: explanation.to_string() },
            history: history.clone(),
        }
    }
}
