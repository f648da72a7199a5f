//! CEL's tree narrowed to numbers and conditions: what is built here has no type error left.

use cel::{
    common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators},
    parser::Expression,
};

use crate::{
    FormulaError,
    error::names,
    input::{Field, Input, Variable, identifier},
};

/// What gives a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    Literal(f64),
    /// Index of the formula's inputs.
    Input(usize),
    Negative(Box<Number>),
    Arithmetic(Arithmetic, Box<Number>, Box<Number>),
    Choice(Box<Condition>, Box<Number>, Box<Number>),
    Rounded(Rounding, Box<Number>),
    /// At least one.
    Extreme(Extreme, Vec<Number>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Ceil,
    Floor,
    Abs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extreme {
    Greatest,
    Least,
}

/// What holds or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Compare(Comparison, Box<Number>, Box<Number>),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Different,
}

const NUMBERS: &str = "numbers, inputs, + - * /, ?: or math.ceil, floor, abs, greatest, least";
const CONDITIONS: &str = "< <= > >= == != between numbers, joined by && || !";

/// What a formula may name, and what it has named so far.
pub(crate) struct Scope<'a> {
    variables: &'a [Variable<'a>],
    pub(crate) inputs: Vec<Input>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(variables: &'a [Variable<'a>]) -> Self {
        Self { variables, inputs: Vec::new() }
    }

    /// The tree as a number.
    pub(crate) fn number(&mut self, tree: &Expression) -> Result<Number, FormulaError> {
        match &tree.expr {
            Expr::Literal(LiteralValue::Double(number)) => Ok(Number::Literal(**number)),
            Expr::Literal(LiteralValue::Int(whole)) => Err(FormulaError::WholeNumber(whole.to_string())),
            Expr::Literal(LiteralValue::UInt(whole)) => Err(FormulaError::WholeNumber(whole.to_string())),
            Expr::Select(select) => self.input(select),
            Expr::Ident(name) => Err(self.bare(name)),
            Expr::Call(CallExpr { func_name, target: None, args }) => self.operation(func_name, args),
            Expr::Call(CallExpr { func_name, target: Some(target), args }) => match &target.expr {
                Expr::Ident(library) if library == "math" => self.function(func_name, args),
                _ => Err(no_number(&format!(".{func_name}()"))),
            },
            _ => Err(no_number(name_of(tree))),
        }
    }

    fn boxed(&mut self, tree: &Expression) -> Result<Box<Number>, FormulaError> {
        self.number(tree).map(Box::new)
    }

    fn operation(&mut self, name: &str, operands: &[Expression]) -> Result<Number, FormulaError> {
        let arithmetic = match name {
            operators::ADD => Arithmetic::Plus,
            operators::SUBSTRACT => Arithmetic::Minus,
            operators::MULTIPLY => Arithmetic::Times,
            operators::DIVIDE => Arithmetic::Over,
            _ => {
                return match (name, operands) {
                    (operators::NEGATE, [number]) => self.boxed(number).map(Number::Negative),
                    (operators::CONDITIONAL, [condition, then, otherwise]) => Ok(Number::Choice(
                        Box::new(self.condition(condition)?),
                        self.boxed(then)?,
                        self.boxed(otherwise)?,
                    )),
                    _ => Err(no_number(&spoken(name))),
                };
            }
        };
        match operands {
            [left, right] => Ok(Number::Arithmetic(arithmetic, self.boxed(left)?, self.boxed(right)?)),
            _ => Err(no_number(&spoken(name))),
        }
    }

    fn function(&mut self, name: &str, arguments: &[Expression]) -> Result<Number, FormulaError> {
        let wrong = |takes| FormulaError::Arguments { function: format!("math.{name}"), takes, found: arguments.len() };
        let rounding = match name {
            "ceil" => Rounding::Ceil,
            "floor" => Rounding::Floor,
            "abs" => Rounding::Abs,
            "greatest" | "least" if arguments.is_empty() => return Err(wrong("at least one number")),
            "greatest" => return self.all(arguments).map(|numbers| Number::Extreme(Extreme::Greatest, numbers)),
            "least" => return self.all(arguments).map(|numbers| Number::Extreme(Extreme::Least, numbers)),
            _ => return Err(no_number(&format!("math.{name}()"))),
        };
        match arguments {
            [number] => self.boxed(number).map(|number| Number::Rounded(rounding, number)),
            _ => Err(wrong("one number")),
        }
    }

    fn all(&mut self, trees: &[Expression]) -> Result<Vec<Number>, FormulaError> {
        trees.iter().map(|tree| self.number(tree)).collect()
    }

    /// The tree as a condition.
    fn condition(&mut self, tree: &Expression) -> Result<Condition, FormulaError> {
        let Expr::Call(CallExpr { func_name, target: None, args }) = &tree.expr else {
            return Err(no_condition(name_of(tree)));
        };
        let comparison = match (func_name.as_str(), args.as_slice()) {
            (operators::LOGICAL_NOT, [one]) => return Ok(Condition::Not(Box::new(self.condition(one)?))),
            (operators::LOGICAL_AND, [one, two]) => {
                return Ok(Condition::And(Box::new(self.condition(one)?), Box::new(self.condition(two)?)));
            }
            (operators::LOGICAL_OR, [one, two]) => {
                return Ok(Condition::Or(Box::new(self.condition(one)?), Box::new(self.condition(two)?)));
            }
            (operators::LESS, _) => Comparison::Less,
            (operators::LESS_EQUALS, _) => Comparison::AtMost,
            (operators::GREATER, _) => Comparison::Greater,
            (operators::GREATER_EQUALS, _) => Comparison::AtLeast,
            (operators::EQUALS, _) => Comparison::Equal,
            (operators::NOT_EQUALS, _) => Comparison::Different,
            (name, _) => return Err(no_condition(&spoken(name))),
        };
        match args.as_slice() {
            [left, right] => Ok(Condition::Compare(comparison, self.boxed(left)?, self.boxed(right)?)),
            _ => Err(no_condition(&spoken(func_name))),
        }
    }

    /// `backlog.visible`.
    fn input(&mut self, SelectExpr { operand, field, test }: &SelectExpr) -> Result<Number, FormulaError> {
        let Expr::Ident(name) = &operand.expr else { return Err(no_number(&format!(".{field}"))) };
        let variable = self.variable(name)?;
        let found = variable.fields.iter().copied().find(|known| known.as_str() == field);
        let field = match found {
            Some(field) if !test => field,
            _ if variable.fields.is_empty() => return Err(FormulaError::ReadsFormula(name.clone())),
            Some(_) => return Err(no_number("has()")),
            None => {
                let known = variable.inputs().collect();
                return Err(FormulaError::UnknownField { trigger: name.clone(), field: field.clone(), known });
            }
        };
        Ok(Number::Input(self.index(variable.trigger, field)))
    }

    fn index(&mut self, trigger: &str, field: Field) -> usize {
        let same = |input: &Input| *input.trigger == *trigger && input.field == field;
        self.inputs.iter().position(same).unwrap_or_else(|| {
            self.inputs.push(Input { trigger: trigger.into(), field });
            self.inputs.len() - 1
        })
    }

    fn variable(&self, name: &str) -> Result<&'a Variable<'a>, FormulaError> {
        let unknown = || FormulaError::UnknownTrigger { name: name.into(), known: names(self.variables) };
        self.variables.iter().find(|variable| identifier(variable.trigger) == name).ok_or_else(unknown)
    }

    /// What is wrong with a name that stands alone.
    fn bare(&self, name: &str) -> FormulaError {
        match self.variable(name) {
            Err(error) => error,
            Ok(Variable { fields: [], .. }) => FormulaError::ReadsFormula(name.into()),
            Ok(variable) => FormulaError::NoField { trigger: name.into(), known: variable.inputs().collect() },
        }
    }
}

fn no_number(found: &str) -> FormulaError {
    FormulaError::Unsuitable { found: found.into(), wanted: "number", offered: NUMBERS }
}

fn no_condition(found: &str) -> FormulaError {
    FormulaError::Unsuitable { found: found.into(), wanted: "condition", offered: CONDITIONS }
}

/// An operator or a function as people write it: CEL's trees have `_&&_` for `&&`.
fn spoken(name: &str) -> String {
    match name {
        operators::CONDITIONAL => "?:".into(),
        operators::IN => "in".into(),
        operator if !operator.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            operator.trim_matches(|around| matches!(around, '_' | '@')).into()
        }
        function => format!("{function}()"),
    }
}

/// What a tree without a name of its own is called.
fn name_of(tree: &Expression) -> &'static str {
    match &tree.expr {
        Expr::Literal(LiteralValue::Boolean(_)) => "true or false",
        Expr::Literal(LiteralValue::Null) => "null",
        Expr::Literal(_) => "a number",
        Expr::Ident(_) | Expr::Select(_) => "an input",
        Expr::Comprehension(_) => "a macro over a list",
        _ => "this",
    }
}
