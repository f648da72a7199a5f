//! A decision's input as people write it.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::{
        decision::{DecisionInput, DecisionOutput, ages},
        spec_error::SpecError,
    },
    cli::manifest::{Filled, Finding, Form, Source},
    signals::Schedule,
};

static SCHEMA: LazyLock<Value> = LazyLock::new(DecisionInput::schema);
static FORM: LazyLock<Form> = LazyLock::new(|| Form::new("a decision's input", &SCHEMA));

/// A document that can be decided on.
pub(super) struct Input(Filled<DecisionInput>);

/// Reads the one document of a source.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(source: &Arc<Source>) -> Result<Input, Vec<Finding>> {
    let input: Filled<DecisionInput> = FORM.read(source, |document| ages::resolve(&SCHEMA, document))?;
    let problems = input.content.problems();
    if problems.is_empty() {
        return Ok(Input(input));
    }
    Err(problems.iter().map(|problem| input.unusable(problem)).collect())
}

impl Input {
    /// Makes the decision.
    ///
    /// # Errors
    /// A value that cannot be used.
    pub(super) fn decide(&self) -> Result<DecisionOutput, Vec<Finding>> {
        let Self(filled) = self;
        let decided = filled.content.decide(|| windows(&filled.content));
        decided.map_err(|error| vec![filled.unusable(&error)])
    }
}

/// Until when each schedule of the scaler is open.
pub(super) fn windows(input: &DecisionInput) -> Result<Vec<Option<Timestamp>>, SpecError> {
    let all = input.scaler.schedules.iter().enumerate();
    all.map(|(at, schedule)| {
        let schedule = Schedule::of(schedule).map_err(|error| error.within(&format!("scaler.schedules[{at}]")))?;
        Ok(schedule.at(input.now).open_until())
    })
    .collect()
}
