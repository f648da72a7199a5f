//! What is wrong with a formula's text.

use crate::{
    MOST_CHARACTERS,
    input::Variable,
    parse::{MOST_OPEN, MOST_OPERATORS},
};

/// What is wrong with a formula's text. Each tells the part that is wrong and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// It has more than [`MOST_CHARACTERS`].
    #[error("the formula has {0} characters: shorten it to {MOST_CHARACTERS}")]
    TooLong(usize),
    /// It has more operators than are evaluated at each look.
    #[error("the formula has {0} operators: write at most {MOST_OPERATORS}")]
    TooManyOperators(usize),
    /// Its brackets stand too deep in each other.
    #[error("the formula has {0} brackets within each other: write at most {MOST_OPEN}")]
    TooDeep(usize),
    /// It has a character that belongs to no number, name or operator.
    #[error("`{0}` has no place in a formula: write numbers, inputs such as backlog.visible, and {OFFERED}")]
    Character(char),
    /// Two signs in a row, which CEL's implementations read differently.
    #[error("`{0}{0}` is one sign too many: put brackets around what the second belongs to")]
    DoubleSign(char),
    /// It is no CEL.
    #[error("the formula is no CEL, {0}: write one such as backlog.visible / 4.0 + cpu.utilization")]
    Syntax(String),
    /// It could not be parsed, through no fault of its own.
    #[error("nothing could parse the formula, {0}: see to the machine's limits on threads and memory")]
    NoThread(String),
    /// It names a trigger that does not exist.
    #[error("`{name}` names no trigger: use one of {}", known.join(", "))]
    UnknownTrigger {
        /// The name.
        name: String,
        /// The names that it may read.
        known: Vec<String>,
    },
    /// It names a formula.
    #[error("`{0}` is a formula itself: write out what it computes, since formulas read signals only")]
    ReadsFormula(String),
    /// It names a field that the trigger does not have.
    #[error("`{trigger}.{field}` is nothing that the trigger reads: use one of {}", known.join(", "))]
    UnknownField {
        /// The trigger, as the formula names it.
        trigger: String,
        /// The field.
        field: String,
        /// The inputs that the trigger has.
        known: Vec<String>,
    },
    /// It names a trigger without a field.
    #[error("`{trigger}` is a trigger and no number: use one of {}", known.join(", "))]
    NoField {
        /// The trigger, as the formula names it.
        trigger: String,
        /// The inputs that the trigger has.
        known: Vec<String>,
    },
    /// It has a whole number, which in CEL is of another type than the inputs.
    #[error("`{0}` is a whole number and inputs are doubles: write {0}.0")]
    WholeNumber(String),
    /// It has an operator or a function that is not offered, or one of a type that it is not for.
    #[error("`{found}` gives no {wanted}: use {offered}")]
    Unsuitable {
        /// What was found.
        found: String,
        /// What it should give.
        wanted: &'static str,
        /// What does.
        offered: &'static str,
    },
    /// A function has too many or too few arguments.
    #[error("`{function}` takes {takes} and has {found}: give it {takes}")]
    Arguments {
        /// The function.
        function: String,
        /// How many it takes, in words.
        takes: &'static str,
        /// How many it has.
        found: usize,
    },
    /// It reads nothing, so it never changes.
    #[error("the formula reads no trigger: use one of {}", known.join(", "))]
    NoInput {
        /// The names that it may read.
        known: Vec<String>,
    },
}

/// Everything that gives a number or a condition, in the order in which people need it.
const OFFERED: &str = "+ - * / ( ) < <= > >= == != && || ! ? and math.ceil, floor, abs, greatest, least";

/// What a formula may read.
pub(crate) fn names(variables: &[Variable<'_>]) -> Vec<String> {
    variables.iter().flat_map(Variable::inputs).collect()
}
