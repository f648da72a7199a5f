//! A decision's explanation, as the status keeps it.

use hybridscaler_core::{
    demand::{Band, Counted, Measure, PodsUse, Proposal, Winner},
    explanation::{BudgetStep, Explanation, Limit, Step},
};

use crate::api::{
    quantity::thousandths,
    status::{DecisionStatus, MeasureStatus, ProposalStatus, StepStatus, WinnerStatus},
};

impl From<&Explanation> for DecisionStatus {
    fn from(explanation: &Explanation) -> Self {
        let Explanation { at, workload: _, demand, steps, replicas: _, budget } = explanation;
        Self {
            at: *at,
            proposals: demand.counted().map(ProposalStatus::from).collect(),
            winner: demand.winner.as_ref().map(Into::into),
            demand: demand.replicas.0,
            steps: steps.iter().map(StepStatus::from).chain(budget.as_ref().map(StepStatus::from)).collect(),
        }
    }
}

impl From<(&Proposal, &Counted)> for ProposalStatus {
    fn from((proposal, counted): (&Proposal, &Counted)) -> Self {
        let Counted { measure, age: _, replicas, after_cooldown: _, ruling, band } = counted;
        let base = match measure {
            Measure::Queue { .. } => None,
            Measure::Utilization { base, .. } | Measure::Pods { base, .. } | Measure::Value { base, .. } => {
                Some(base.0)
            }
        };
        let (more_above, fewer_below) = match *band {
            None => (None, None),
            Some(Band::Messages { more_above, fewer_below } | Band::Visible { more_above, fewer_below }) => {
                (Some(more_above.to_string()), Some(fewer_below.to_string()))
            }
            Some(Band::Percent { more_above, fewer_below }) => (more_above.map(percent), Some(percent(fewer_below))),
        };
        Self {
            trigger: proposal.trigger.to_string(),
            read: measure.into(),
            base,
            replicas: replicas.0,
            ruling: format!("{ruling:?}"),
            more_above,
            fewer_below,
        }
    }
}

impl From<&Measure> for MeasureStatus {
    fn from(measure: &Measure) -> Self {
        match *measure {
            Measure::Queue { visible, in_flight, delayed: _, ahead, arrivals, still_since: _ } => Self {
                visible: Some(visible),
                in_flight: Some(in_flight),
                ahead: Some(ahead).filter(|ahead| *ahead != visible),
                arrivals: arrivals.map(thousandths),
                ..Self::default()
            },
            Measure::Utilization { percent: used, base: _ } => Self { percent: Some(percent(used)), ..Self::default() },
            Measure::Pods { seen, base: _ } => {
                let (percent, value) = match seen.careful.map_or(seen.usage, |(usage, _)| usage) {
                    PodsUse::Percent(percent) => (Some(percent.to_string()), None),
                    PodsUse::AverageMilli(milli) => (None, Some(thousandths(milli))),
                };
                let [ready_pods, unready_pods, missing_pods] = [seen.ready, seen.unready, seen.missing].map(Some);
                Self { ready_pods, unready_pods, missing_pods, percent, value, ..Self::default() }
            }
            Measure::Value { milli, base: _ } => Self { value: Some(thousandths(milli)), ..Self::default() },
        }
    }
}

/// A percentage as a quantity, to the thousandth.
fn percent(percent: f64) -> String {
    let milli = (percent * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
    thousandths(milli as u64)
}

impl From<&Winner> for WinnerStatus {
    fn from(winner: &Winner) -> Self {
        let (reason, name, since, until) = match winner {
            Winner::Trigger(name) => ("Trigger", Some(name), None, None),
            Winner::Schedule { name, until } => ("Schedule", Some(name), None, Some(*until)),
            Winner::Fallback { since } => ("Fallback", None, Some(*since), None),
            Winner::Idle { since } => ("Idle", None, Some(*since), None),
            Winner::Resting => ("Resting", None, None, None),
            Winner::Activation => ("Activation", None, None, None),
        };
        Self { reason: reason.into(), name: name.map(ToString::to_string), since, until }
    }
}

impl From<&Step> for StepStatus {
    fn from(Step { from, to, cause }: &Step) -> Self {
        Self {
            reason: cause.limit().as_str().into(),
            from: from.0,
            to: to.0,
            since: cause.since(),
            until: cause.until(),
            then: cause.then().map(|replicas| replicas.0),
            name: cause.schedule().map(Into::into),
            waiting: None,
        }
    }
}

impl From<&BudgetStep> for StepStatus {
    fn from(step: &BudgetStep) -> Self {
        let BudgetStep { name, from, to, allowed: _, waiting } = step;
        Self {
            reason: Limit::ConnectionBudget.as_str().into(),
            from: from.0,
            to: to.0,
            since: None,
            until: None,
            then: None,
            name: Some(name.clone()),
            waiting: waiting.as_ref().map(|waiting| waiting.as_str().into()),
        }
    }
}

#[cfg(test)]
mod tests;
