//! The decision in one sentence.

use alloc::{format, string::String, vec::Vec};
use core::fmt::{self, Write};

use super::{
    Explanation, Step,
    limit::Cause,
    words::{Arithmetic, Rule, Won},
};
use crate::{demand::Demand, reading::Unread};

/// The longest sentence, in characters.
const LONGEST: usize = 160;

/// Prints an explanation as one sentence.
pub(super) struct Headline<'a>(pub(super) &'a Explanation);

/// How much a sentence tells; each is shorter than the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The demand with its arithmetic, the last rule, the budget.
    Arithmetic,
    /// The same without arithmetic, and signals counted instead of named.
    Numbers,
    /// What had the last word.
    LastWord,
}

impl fmt::Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sentence = String::new();
        for detail in [Detail::Arithmetic, Detail::Numbers, Detail::LastWord] {
            sentence.clear();
            write(&mut sentence, self.0, detail)?;
            if sentence.chars().count() <= LONGEST {
                return f.write_str(&sentence);
            }
        }
        sentence.chars().take(LONGEST - 1).try_for_each(|character| f.write_char(character))?;
        f.write_char('…')
    }
}

fn write(out: &mut impl Write, explanation: &Explanation, detail: Detail) -> fmt::Result {
    let Explanation { workload, demand, .. } = explanation;
    match (workload.desired, explanation.told()) {
        (from, to) if from == to => write!(out, "{from} stays: ")?,
        (from, to) => write!(out, "{from} -> {to}: ")?,
    }
    // Where no signal can be read, the demand says already what holds the number.
    let says_it_all = |step: &&Step| step.cause == Cause::UnknownSignal && demand.winner.is_none();
    let rule = explanation.last_step().filter(|step| !says_it_all(step));
    let budget = explanation.shortfall();
    let last_word = detail == Detail::LastWord;
    let mut separator = "";
    if !last_word || (rule.is_none() && budget.is_none()) {
        write_demand(out, demand, detail)?;
        separator = "; ";
    }
    if let Some(step) = rule.filter(|_| !last_word || budget.is_none()) {
        match step.cause {
            Cause::UnknownSignal if detail != Detail::Arithmetic => {
                write!(out, "{separator}no scale-in while {} signals are unknown", demand.unknown().count())?;
            }
            _ => write!(out, "{separator}{}", Rule(step, demand))?,
        }
        separator = "; ";
    }
    match budget {
        Some((step, waiting)) => write!(out, "{separator}{} allows {}: {waiting}", step.name, step.allowed),
        None => Ok(()),
    }
}

fn write_demand(out: &mut impl Write, demand: &Demand, detail: Detail) -> fmt::Result {
    match (&demand.winner, demand.winning()) {
        (_, Some((proposal, counted))) => {
            write!(out, "{} wants {}", proposal.trigger, counted.replicas)?;
            match detail {
                Detail::Arithmetic => write!(out, " ({})", Arithmetic(counted, proposal.target)),
                Detail::Numbers | Detail::LastWord => Ok(()),
            }
        }
        (Some(winner), None) => write!(out, "{}", Won(winner, demand.replicas)),
        (None, None) if detail == Detail::Arithmetic => write!(out, "no signal can be read ({})", unread(demand)),
        (None, None) => out.write_str("no signal can be read"),
    }
}

/// The signals that cannot be read, each with its reason.
fn unread(demand: &Demand) -> String {
    let reason = |(trigger, unread): (&str, &Unread)| format!("{trigger} {}", unread.why.as_str());
    demand.unknown().map(reason).collect::<Vec<_>>().join(", ")
}
