//! The decision in full, a line a step.

use core::fmt;

use super::{
    BudgetStep, Explanation, Step,
    limit::{Cause, Limit},
    words::{Age, Arithmetic, Grouped, Lasting, Percent, Read},
};
use crate::{
    demand::{Band, Demand, Proposal, Verdict},
    observation::{Rollout, Workload},
};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, workload, demand, certainty, bounds, rollout, cooldown, pause, budget } = self;
        writeln!(f, "{}", self.headline())?;
        writeln!(f, "decided at {at:.0}; limited by {}", self.limited_by().as_str())?;
        write_workload(f, workload)?;
        for proposal in &demand.proposals {
            write_proposal(f, proposal, demand)?;
        }
        for (name, step) in
            [("signals", certainty), ("bounds", bounds), ("rollout", rollout), ("cooldown", cooldown), ("pause", pause)]
        {
            write_step(f, name, step)?;
        }
        if let Some(budget) = budget {
            write_budget(f, budget)?;
        }
        write_next(f, self)
    }
}

fn write_workload(f: &mut fmt::Formatter<'_>, workload: &Workload) -> fmt::Result {
    let Workload { desired, running, starting, terminating, rollout } = workload;
    let rollout = match rollout {
        Rollout::Settled => "settled",
        Rollout::NotObserved => "the newest change not observed yet",
        Rollout::InProgress => "a rollout in progress",
    };
    writeln!(f, "seen: {desired} desired, {running} running, {starting} starting, {terminating} terminating, {rollout}")
}

fn write_proposal(f: &mut fmt::Formatter<'_>, proposal: &Proposal, demand: &Demand) -> fmt::Result {
    let Proposal { trigger, target, verdict } = proposal;
    match verdict {
        Verdict::Unknown(unread) => writeln!(f, "{trigger}: unknown ({}): {}", unread.why.as_str(), unread.message),
        Verdict::Known(counted) => {
            let largest = if demand.winner.as_ref() == Some(trigger) { ", the largest" } else { "" };
            let arithmetic = Arithmetic(counted, *target);
            let (read, age) = (Read(&counted.load), Age(counted.age));
            writeln!(f, "{trigger}: wants {}{largest} ({arithmetic}); read {read}, {age} old", counted.replicas)
        }
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, name: &str, step: &Step) -> fmt::Result {
    let Step { from, to, cause } = step;
    let Some(cause) = cause else { return Ok(()) };
    write!(f, "{name}: {from} -> {to}, ")?;
    match cause {
        Cause::UnknownSignal { triggers } => writeln!(f, "no scale-in while {} is unknown", triggers.join(", ")),
        Cause::MinReplicas => writeln!(f, "minReplicas"),
        Cause::MaxReplicas => writeln!(f, "maxReplicas"),
        Cause::RolloutInProgress => writeln!(f, "no scale-in during a rollout"),
        Cause::ScaleUpCooldown { cooling, then: _ } => writeln!(f, "scale-up cooldown {}", Lasting(*cooling)),
        Cause::ScaleDownCooldown { cooling, then: _ } => writeln!(f, "scale-down cooldown {}", Lasting(*cooling)),
        Cause::PausedByHand => writeln!(f, "paused by hand"),
    }
}

fn write_budget(f: &mut fmt::Formatter<'_>, step: &BudgetStep) -> fmt::Result {
    let BudgetStep { name, from, to, allowed, waiting } = step;
    write!(f, "budget {name}: {from} -> {to}, allows {allowed}")?;
    match waiting {
        Some(waiting) => writeln!(f, ": {waiting}"),
        None => writeln!(f),
    }
}

/// What would have to change for the next move.
fn write_next(f: &mut fmt::Formatter<'_>, explanation: &Explanation) -> fmt::Result {
    let Explanation { at: _, workload, demand, certainty, bounds, rollout, cooldown, pause: _, budget: _ } =
        explanation;
    f.write_str("next: ")?;
    match explanation.limited_by() {
        Limit::None if explanation.replicas() != workload.desired => f.write_str("what the next readings ask for"),
        Limit::None => write_bands(f, demand),
        Limit::MinReplicas => write!(f, "more load, or a minReplicas below {}", bounds.to),
        Limit::MaxReplicas => write!(f, "less load, or a maxReplicas above {}", bounds.to),
        Limit::UnknownSignal if demand.winner.is_none() => {
            f.write_str("what the signals ask for when they can be read")
        }
        Limit::UnknownSignal => {
            write!(f, "{} when every signal can be read, if none of them asks for more", certainty.from)
        }
        Limit::RolloutInProgress => write!(f, "{} when the rollout has settled, if the readings stay", rollout.from),
        Limit::ScaleUpCooldown | Limit::ScaleDownCooldown => write_after(f, cooldown.cause.as_ref()),
        Limit::PausedByHand => f.write_str("when somebody sets at least 1 replica"),
        Limit::ConnectionBudget => {
            f.write_str("when the budget has room; it is asked again on every turn, outside the cooldown")
        }
    }
}

fn write_after(f: &mut fmt::Formatter<'_>, cause: Option<&Cause>) -> fmt::Result {
    match cause {
        Some(Cause::ScaleUpCooldown { then, .. } | Cause::ScaleDownCooldown { then, .. }) => {
            write!(f, "{then} when the cooldown is over, if the readings stay")
        }
        _ => Ok(()),
    }
}

/// One trigger suffices for more replicas, all of them are needed for fewer.
fn write_bands(f: &mut fmt::Formatter<'_>, demand: &Demand) -> fmt::Result {
    f.write_str("more replicas when ")?;
    for (i, (proposal, counted)) in demand.counted().enumerate() {
        write!(f, "{}{} is ", if i == 0 { "" } else { " or " }, proposal.trigger)?;
        match counted.band {
            Band::Messages { more_above, .. } => write!(f, "above {} visible", Grouped(more_above))?,
            Band::Percent { more_above: Some(percent), .. } => write!(f, "above {}", Percent(percent))?,
            Band::Percent { more_above: None, .. } => f.write_str("high with a replica running")?,
        }
    }
    f.write_str("; fewer when ")?;
    for (i, (proposal, counted)) in demand.counted().enumerate() {
        write!(f, "{}{} is ", if i == 0 { "" } else { " and " }, proposal.trigger)?;
        match counted.band {
            Band::Messages { fewer_below, .. } => write!(f, "below {} visible and in flight", Grouped(fewer_below))?,
            Band::Percent { fewer_below, .. } => write!(f, "below {}", Percent(fewer_below))?,
        }
    }
    Ok(())
}
