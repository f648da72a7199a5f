//! From text to CEL's tree, within bounds.
//!
//! The parser is that of the crate `cel`, which reads whatever CEL has. What a formula does not need is kept from it by its characters:
//! no text, no list, no map, no comment. Length, depth and the number of operators are bounded before it starts, since parsing and
//! evaluating go as deep as brackets and operators do.

use std::thread;

use cel::parser::{Expression, ParseErrors, Parser};

use crate::{FormulaError, MOST_CHARACTERS};

/// The parser takes up to 3 MiB for a formula within the bounds, unoptimized: more than a thread of the operator has.
const STACK: usize = 8 << 20;

/// Operators of one formula.
pub(crate) const MOST_OPERATORS: usize = 64;
/// Brackets within each other.
pub(crate) const MOST_OPEN: usize = 16;

/// Characters that count as an operator; one of two characters counts twice.
const OPERATORS: &str = "+-*/<>=!&|?:,";

pub(crate) fn parse(text: &str) -> Result<Expression, FormulaError> {
    bound(text)?;
    // The errors hold on to their thread, so they become words on it.
    let parse = || Parser::new().parse(text).map_err(|errors| FormulaError::Syntax(words(&errors)));
    thread::scope(|scope| {
        let parser = thread::Builder::new().name("formula".into()).stack_size(STACK).spawn_scoped(scope, parse);
        let parser = parser.map_err(|error| FormulaError::NoThread(error.to_string()))?;
        parser.join().unwrap_or_else(|_| Err(FormulaError::NoThread("the parser panicked".into())))
    })
}

fn words(errors: &ParseErrors) -> String {
    let Some(error) = errors.errors.first() else { return "for a reason that is not told".into() };
    // ANTLR's messages end with all tokens that it would have taken.
    let message = error.msg.split(" expecting ").next().unwrap_or_default().replace('\n', " ");
    format!("at character {} {message}", error.pos.1)
}

fn bound(text: &str) -> Result<(), FormulaError> {
    let characters = text.chars().count();
    if characters > MOST_CHARACTERS {
        return Err(FormulaError::TooLong(characters));
    }
    let (mut operators, mut open, mut deepest) = (0_usize, 0_usize, 0_usize);
    let mut before = None;
    for character in text.chars().filter(|character| !matches!(character, ' ' | '\n' | '\t' | '\r')) {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' => {}
            // The parser of `cel` drops one of two signs.
            '-' | '!' if before == Some(character) => return Err(FormulaError::DoubleSign(character)),
            '(' => {
                open += 1;
                deepest = deepest.max(open);
            }
            ')' => open = open.saturating_sub(1),
            // Two of them begin a comment, behind which a formula would end unseen.
            '/' if before == Some('/') => return Err(FormulaError::Character('/')),
            _ if OPERATORS.contains(character) => operators += 1,
            _ => return Err(FormulaError::Character(character)),
        }
        before = Some(character);
    }
    match (deepest, operators) {
        (deepest, _) if deepest > MOST_OPEN => Err(FormulaError::TooDeep(deepest)),
        (_, operators) if operators > MOST_OPERATORS => Err(FormulaError::TooManyOperators(operators)),
        _ => Ok(()),
    }
}
