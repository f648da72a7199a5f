//! The decision in one sentence.

use alloc::{format, string::String, vec::Vec};
use core::fmt::{self, Write};

use super::{
    Explanation,
    limit::Cause,
    words::{Arithmetic, Lasting},
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
    match (workload.desired, explanation.replicas()) {
        (from, to) if from == to => write!(out, "{from} stays: ")?,
        (from, to) => write!(out, "{from} -> {to}: ")?,
    }
    write_demand(out, demand)?;
    if let Some((step, cause)) = explanation.last_rule() {
        match cause {
            Cause::UnknownSignal { .. } if demand.winner.is_none() => {}
            Cause::UnknownSignal { triggers } => write!(out, "; no scale-in while {} is unknown", triggers.join(", "))?,
            Cause::MinReplicas => write!(out, "; minReplicas is {}", step.to)?,
            Cause::MaxReplicas => write!(out, "; maxReplicas is {}", step.to)?,
            Cause::RolloutInProgress => out.write_str("; no scale-in during a rollout")?,
            Cause::ScaleUpCooldown { cooling, .. } => write!(out, "; scale-up cooldown {}", Lasting(*cooling))?,
            Cause::ScaleDownCooldown { cooling, .. } => write!(out, "; scale-down cooldown {}", Lasting(*cooling))?,
            Cause::PausedByHand => out.write_str("; paused by hand at 0")?,
        }
    }
    match explanation.shortfall() {
        Some((step, waiting)) => write!(out, "; {} allows {}: {waiting}", step.name, step.allowed),
        None => Ok(()),
    }
}

fn write_demand(out: &mut impl Write, demand: &Demand) -> fmt::Result {
    match demand.winning() {
        Some((proposal, counted)) => {
            let arithmetic = Arithmetic(counted, proposal.target);
            write!(out, "{} wants {} ({arithmetic})", proposal.trigger, counted.replicas)
        }
        None => write!(out, "no signal can be read ({})", unread(demand)),
    }
}

/// The signals that cannot be read, each with its reason.
fn unread(demand: &Demand) -> String {
    let reason = |(trigger, unread): (&str, &Unread)| format!("{trigger} {}", unread.why.as_str());
    demand.unknown().map(reason).collect::<Vec<_>>().join(", ")
}
