//! Formulas over readings: `backlog.visible / 4.0 + math.greatest(cpu.utilization - 80.0, 0.0)`.
//!
//! A formula is an expression of the Common Expression Language (CEL), narrowed to what computes one number of several: doubles,
//! arithmetic, comparisons, `&&`, `||`, `!`, `?:`, brackets and a few functions of `math`. What it accepts means what it means in CEL, with
//! one exception: an intermediate result that is not finite has no value here, while CEL may hide it (`1.0 / (x / 0.0)` is 0 there).
//!
//! [`Formula::compile`] checks everything that can be wrong with the text: names, fields, types, length and depth. So what is left for
//! [`Formula::evaluate`] is an input that is unknown, a division by zero, and a result that is no load. Both are pure: no I/O, no clock.

mod error;
mod evaluate;
mod expression;
mod input;
mod parse;

pub use error::FormulaError;
pub use evaluate::Signal;
pub use input::{Field, Input, Variable, identifier};

use expression::{Number, Scope};

/// The longest formula, in characters.
pub const MOST_CHARACTERS: usize = 1024;

/// A formula that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    root: Number,
    /// What the tree's [`Number::Input`] count, each once.
    inputs: Vec<Input>,
}

impl Formula {
    /// Checks `expression`, which may read `variables`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn compile(expression: &str, variables: &[Variable<'_>]) -> Result<Self, FormulaError> {
        let tree = parse::parse(expression)?;
        let mut scope = Scope::new(variables);
        let root = scope.number(&tree)?;
        match scope.inputs {
            none if none.is_empty() => Err(FormulaError::NoInput { known: error::names(variables) }),
            inputs => Ok(Self { root, inputs }),
        }
    }

    /// What it reads, in the order of its text; at least one, each once.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }
}
