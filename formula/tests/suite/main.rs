//! Formulas: what is accepted and refused, what they come to, and that they mean what CEL says.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cel;
mod evaluation;
mod limits;
mod text;

use hybridscaler_formula::{Field, Formula, FormulaError, Variable};

/// A queue, pods, an external metric and a formula.
const VARIABLES: [Variable<'_>; 4] = [
    Variable { trigger: "backlog", fields: Field::QUEUE },
    Variable { trigger: "cpu", fields: &[Field::Utilization, Field::AverageValue] },
    Variable { trigger: "open-requests", fields: Field::EXTERNAL },
    Variable { trigger: "other", fields: &[] },
];

fn compile(text: &str) -> Result<Formula, FormulaError> {
    Formula::compile(text, &VARIABLES)
}
