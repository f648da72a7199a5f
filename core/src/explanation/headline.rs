//! The decision in one sentence.

use alloc::{format, string::String, vec::Vec};
use core::fmt::{self, Write};

use super::{
    Explanation,
    limit::Cause,
    words::{Arithmetic, Rule, Won},
};
use crate::{demand::Demand, reading::Unread};

/// The longest sentence, in characters.
const LONGEST: usize = 160;

/// Prints an explanation as one sentence.
pub(super) struct Headline<'a>(pub(super) &'a Explanation);

impl fmt::Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sentence = String::new();
        write(&mut sentence, self.0)?;
        if sentence.chars().count() <= LONGEST {
            return f.write_str(&sentence);
        }
        sentence.chars().take(LONGEST - 1).try_for_each(|character| f.write_char(character))?;
        f.write_char('…')
    }
}

fn write(out: &mut impl Write, explanation: &Explanation) -> fmt::Result {
    let Explanation { workload, demand, .. } = explanation;
    match (workload.desired, explanation.told()) {
        (from, to) if from == to => write!(out, "{from} stays: ")?,
        (from, to) => write!(out, "{from} -> {to}: ")?,
    }
    write_demand(out, demand)?;
    match explanation.last_step() {
        Some(step) if step.cause == Cause::UnknownSignal && demand.winner.is_none() => {}
        Some(step) => write!(out, "; {}", Rule(step, demand))?,
        None => {}
    }
    match explanation.shortfall() {
        Some((step, waiting)) => write!(out, "; {} allows {}: {waiting}", step.name, step.allowed),
        None => Ok(()),
    }
}

fn write_demand(out: &mut impl Write, demand: &Demand) -> fmt::Result {
    match (&demand.winner, demand.winning()) {
        (_, Some((proposal, counted))) => {
            let arithmetic = Arithmetic(counted, proposal.target);
            write!(out, "{} wants {} ({arithmetic})", proposal.trigger, counted.replicas)
        }
        (Some(winner), None) => write!(out, "{}", Won(winner, demand.replicas)),
        (None, None) => write!(out, "no signal can be read ({})", unread(demand)),
    }
}

/// The signals that cannot be read, each with its reason.
fn unread(demand: &Demand) -> String {
    let reason = |(trigger, unread): (&str, &Unread)| format!("{trigger} {}", unread.why.as_str());
    demand.unknown().map(reason).collect::<Vec<_>>().join(", ")
}
