//! A decision's input as people write it.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::{
        decision::{DecisionInput, DecisionOutput, across, ages},
        schedule,
        spec_error::SpecError,
    },
    cli::manifest::{Filled, Finding, Form, Source},
    signals::Schedule,
};

static SCHEMA: LazyLock<Value> = LazyLock::new(DecisionInput::schema);
static FORM: LazyLock<Form> = LazyLock::new(|| Form::new("a decision's input", "now, scaler and observation", &SCHEMA));

/// A document that can be decided on.
pub struct Input(Filled<DecisionInput>);

/// Reads the one document of a source.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Input, Vec<Finding>> {
    let input: Filled<DecisionInput> = FORM.read(source, prepare)?;
    let problems = input.content.problems();
    if problems.is_empty() {
        return Ok(Input(input));
    }
    Err(problems.iter().map(|problem| input.unusable(problem)).collect())
}

/// Writes ages as times, and tells what the schema does not.
fn prepare(document: &mut Value) -> Vec<SpecError> {
    let mut problems = ages::resolve(&SCHEMA, document);
    problems.extend(across::problems(document));
    let schedules = document.pointer("/scaler/schedules").and_then(Value::as_array).into_iter().flatten();
    problems.extend(schedules.enumerate().filter_map(|(at, schedule)| {
        // One that is no schedule at all is refused by its schema.
        let schedule: schedule::Schedule = serde_json::from_value(schedule.clone()).ok()?;
        window(at, &schedule).err()
    }));
    problems
}

impl Input {
    /// The document, with its ages as times.
    pub fn document(&self) -> &DecisionInput {
        &self.0.content
    }

    /// Makes the decision.
    ///
    /// # Errors
    /// A value that cannot be used.
    pub fn decide(&self) -> Result<DecisionOutput, Vec<Finding>> {
        let Self(filled) = self;
        let decided = filled.content.decide(|| windows(&filled.content));
        decided.map_err(|error| vec![filled.unusable(&error)])
    }
}

/// Until when each schedule of the scaler is open.
pub(super) fn windows(input: &DecisionInput) -> Result<Vec<Option<Timestamp>>, SpecError> {
    let all = input.scaler.schedules.iter().enumerate();
    all.map(|(at, schedule)| Ok(window(at, schedule)?.at(input.now).open_until())).collect()
}

/// The windows of the schedule at this place of the list.
fn window(at: usize, schedule: &schedule::Schedule) -> Result<Schedule, SpecError> {
    Schedule::of(schedule).map_err(|error| error.within(&format!("scaler.schedules[{at}]")))
}
