//! The decision in full, a line a step.

use core::fmt;

use super::{
    BudgetStep, Explanation, Step,
    limit::{Bound, Cause, Limit},
    words::{Age, Arithmetic, Grouped, Percent, Read, Rule, Won},
};
use crate::{
    demand::{Band, Demand, Measure, Proposal, Ruling, Verdict, Winner},
    observation::{Rollout, Workload},
    reading::Unread,
};

/// What brings a workload up from its rest.
const WAKES: &str = "more replicas when a trigger reaches its activation threshold or a schedule asks for some";

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, workload, demand, steps, replicas: _, budget } = self;
        writeln!(f, "{}", self.headline())?;
        writeln!(f, "decided at {at:.0}; limited by {}", self.limited_by().as_str())?;
        write_workload(f, workload)?;
        for proposal in &demand.proposals {
            write_proposal(f, proposal, demand)?;
        }
        if let Some(winner) = demand.winner.as_ref().filter(|_| demand.winning().is_none()) {
            writeln!(f, "{}", Won(winner, demand.replicas))?;
        }
        for step in steps {
            let Step { from, to, .. } = step;
            writeln!(f, "{from} -> {to}: {}{}", Rule(step, demand), Since(step))?;
        }
        if let Some(budget) = budget {
            write_budget(f, budget)?;
        }
        write_next(f, self)
    }
}

/// Since when a rule has had its cause, where it began before this decision.
struct Since<'a>(&'a Step);

impl fmt::Display for Since<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.cause.since() {
            Some(since) => write!(f, " (first at {since:.0})"),
            None => Ok(()),
        }
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
        Verdict::Unknown(Unread { why, message, since, failures: _ }) => {
            write!(f, "{trigger}: unknown ({}): {message}", why.as_str())?;
            match since {
                Some(since) => writeln!(f, ", since {since:.0}"),
                None => writeln!(f),
            }
        }
        Verdict::Known(counted) => {
            let won = demand.winning().is_some_and(|(winner, _)| winner.trigger == *trigger);
            let largest = if won { ", the largest" } else { "" };
            let arithmetic = Arithmetic(counted, *target);
            let (read, age) = (Read(&counted.measure), Age(counted.age));
            writeln!(f, "{trigger}: wants {}{largest} ({arithmetic}); read {read}, {age} old", counted.replicas)?;
            match counted.measure {
                Measure::Queue { still_since: Some(since), in_flight, .. } => writeln!(
                    f,
                    "{trigger}: its consumers have taken no more than {in_flight} messages since {since:.0} although more wait: \
                     more replicas may not help"
                ),
                _ => Ok(()),
            }
        }
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
    f.write_str("next: ")?;
    if explanation.shortfall().is_some() && explanation.limited_by() == Limit::ConnectionBudget {
        return f.write_str("when the budget has room; it is asked again on every turn, outside the cooldown");
    }
    match explanation.last_step() {
        Some(step) => write_next_step(f, step, explanation),
        None if explanation.told() != explanation.workload.desired => f.write_str("what the next readings ask for"),
        None => write_next_demand(f, &explanation.demand),
    }
}

fn write_next_demand(f: &mut fmt::Formatter<'_>, demand: &Demand) -> fmt::Result {
    match &demand.winner {
        Some(Winner::Idle { .. } | Winner::Resting) => f.write_str(WAKES),
        Some(Winner::Activation) => {
            f.write_str("more replicas with more load; fewer when nothing has been to do for a minute")
        }
        Some(Winner::Schedule { name, until }) => {
            write!(f, "what the triggers ask for when schedule {name} closes at {until:.0}, or more load")
        }
        Some(Winner::Fallback { .. }) => f.write_str("what the signals ask for when one of them can be read"),
        Some(Winner::Trigger(_)) | None => write_bands(f, demand),
    }
}

fn write_next_step(f: &mut fmt::Formatter<'_>, step: &Step, explanation: &Explanation) -> fmt::Result {
    let Step { from, to, cause } = step;
    match cause {
        Cause::UnknownSignal if explanation.demand.winner.is_none() => {
            f.write_str("what the signals ask for when they can be read")
        }
        Cause::UnknownSignal => write!(f, "{from} when every signal can be read, if none of them asks for more"),
        Cause::ScaleUpStabilized { until, then, .. } | Cause::ScaleDownStabilized { until, then, .. } => match until {
            Some(until) => {
                write!(f, "towards {then} from {until:.0}, as far as cooldown and rates let it, if the readings stay")
            }
            None => write!(f, "{then} when that has been recommended for the whole window"),
        },
        Cause::ScaleUpLimit { then, .. } | Cause::ScaleDownLimit { then, .. } => {
            write!(f, "on to {then} as the period passes, if the readings stay")
        }
        Cause::ScaleUpDisabled { then } | Cause::ScaleDownDisabled { then } => {
            write!(f, "{then} when selectPolicy is not Disabled")
        }
        Cause::MinReplicas(Bound { schedule: None }) => write!(f, "more load, or a minReplicas below {to}"),
        Cause::IdleReplicas => f.write_str(WAKES),
        Cause::LastReplica => write!(f, "{from} when nothing has been to do for a minute"),
        Cause::MaxReplicas(Bound { schedule: None }) => write!(f, "less load, or a maxReplicas above {to}"),
        Cause::MinReplicas(Bound { schedule: Some(name) }) => write!(f, "more load, or the end of schedule {name}"),
        Cause::MaxReplicas(Bound { schedule: Some(name) }) => write!(f, "less load, or the end of schedule {name}"),
        Cause::RolloutInProgress => write!(f, "{from} when the rollout has settled, if the readings stay"),
        Cause::ScaleUpCooldown { then, .. } | Cause::ScaleDownCooldown { then, .. } => {
            write!(f, "{then} when the cooldown is over, if the readings stay")
        }
        Cause::PausedByHand => f.write_str("when somebody sets at least 1 replica"),
        Cause::Paused { then } => write!(f, "{then} when mode is not Paused"),
        Cause::ScaleUpPaused { then } => write!(f, "{then} when mode is not ScaleDownOnly"),
        Cause::ScaleDownPaused { then } => write!(f, "{then} when mode is not ScaleUpOnly"),
        Cause::Pinned { then } => write!(f, "{then} without pinnedReplicas"),
    }
}

/// One trigger suffices for more replicas, all of them are needed for fewer.
fn write_bands(f: &mut fmt::Formatter<'_>, demand: &Demand) -> fmt::Result {
    f.write_str("more replicas when ")?;
    for (i, (proposal, counted)) in demand.counted().enumerate() {
        write!(f, "{}{} ", if i == 0 { "" } else { " or " }, proposal.trigger)?;
        match counted.band {
            _ if counted.ruling == Ruling::MessageGroups => f.write_str("has more message groups")?,
            Some(Band::Messages { more_above, .. } | Band::Visible { more_above, .. }) => {
                write!(f, "is above {} visible", Grouped(more_above))?;
            }
            Some(Band::Percent { more_above: Some(percent), .. }) => write!(f, "is above {}", Percent(percent))?,
            Some(Band::Percent { more_above: None, .. }) => f.write_str("is high with a replica running")?,
            None => f.write_str("is higher")?,
        }
    }
    f.write_str("; fewer when ")?;
    for (i, (proposal, counted)) in demand.counted().enumerate() {
        write!(f, "{}{} ", if i == 0 { "" } else { " and " }, proposal.trigger)?;
        match (counted.ruling, counted.band) {
            (Ruling::RateUnknown, _) => f.write_str("has been read twice")?,
            (Ruling::MissingPods, _) => f.write_str("has all its pods measured")?,
            (_, Some(Band::Messages { fewer_below, .. })) => {
                write!(f, "is below {} visible and in flight", Grouped(fewer_below))?;
            }
            (_, Some(Band::Visible { fewer_below: 0, .. })) => f.write_str("fills more slowly")?,
            (_, Some(Band::Visible { fewer_below, .. })) => write!(f, "is below {} visible", Grouped(fewer_below))?,
            (_, Some(Band::Percent { fewer_below, .. })) => write!(f, "is below {}", Percent(fewer_below))?,
            (_, None) => f.write_str("is lower")?,
        }
    }
    Ok(())
}
