//! A scaler's status on one page.

use std::fmt;

use hybridscaler_core::{
    explanation::Limit,
    history::{Activity, Cooling, History},
    policy::Policy,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::{
    paint::{Cell, Paint, Tone},
    target,
};
use crate::api::{
    HybridScaler, HybridScalerStatus,
    conditions::ConditionType,
    status::{ConnectionStatus, SignalState, TriggerStatus},
};

/// A scaler as people read it: what it was last told, then what that rests on.
pub(super) struct Page<'a> {
    pub(super) scaler: &'a HybridScaler,
    pub(super) now: Timestamp,
    pub(super) paint: Paint,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scaler, paint, .. } = self;
        let name = format!("{}/{}", scaler.namespace().unwrap_or_default(), scaler.name_any());
        writeln!(f, "{}  {}", paint.word(Tone::Head, &name), target(scaler))?;
        let Some(status) = &scaler.status else {
            return writeln!(
                f,
                "the operator has not looked at it yet: see that it runs, and that it watches this namespace"
            );
        };
        if status.observed_generation < scaler.metadata.generation {
            writeln!(
                f,
                "{}",
                paint.word(Tone::Watch, "the spec has changed, and the operator has not looked at it since")
            )?;
        }
        if let Some(headline) = &status.headline {
            writeln!(f, "{headline}")?;
        }
        writeln!(f)?;
        self.numbers(f, status)?;
        self.section(f, "CONDITIONS", status.conditions.iter().map(|condition| self.condition(condition)))?;
        self.section(f, "TRIGGERS", status.triggers.iter().map(|trigger| self.trigger(trigger)))?;
        self.section(f, "CONNECTIONS", status.connections.iter().map(connections))?;
        self.section(f, "COOLDOWNS", self.cooldowns(status).into_iter())?;
        match &status.explanation {
            // Its first line is the headline.
            Some(text) => {
                writeln!(f, "\n{}", paint.word(Tone::Head, "LAST DECISION"))?;
                text.lines().skip(1).try_for_each(|line| writeln!(f, "  {line}"))
            }
            None => Ok(()),
        }
    }
}

impl Page<'_> {
    fn numbers(&self, f: &mut fmt::Formatter<'_>, status: &HybridScalerStatus) -> fmt::Result {
        let count = |replicas: Option<u32>| replicas.map_or_else(|| "unknown".into(), |replicas| replicas.to_string());
        let limited_by = status.limited_by.clone().unwrap_or_else(|| "unknown".into());
        let tone = if limited_by == Limit::None.as_str() { Tone::Good } else { Tone::Watch };
        let mut rows = vec![
            row("running", count(status.current_replicas)),
            row("told to run", count(status.desired_replicas)),
            row("wanted", count(status.wanted_replicas)),
        ];
        if status.allowed_replicas.is_some() {
            rows.push(row("allowed by the budget", count(status.allowed_replicas)));
        }
        rows.push(vec![Cell::plain("limited by"), Cell(tone, limited_by)]);
        let last = status.last_scale_time.as_ref().map(|time| self.ago(time.0));
        rows.push(row("last scaled", last.unwrap_or_else(|| "never".into())));
        rows.push(row("mode", format!("{:?}", self.scaler.spec.mode)));
        self.paint.table(f, &rows)
    }

    fn section(&self, f: &mut fmt::Formatter<'_>, head: &str, rows: impl Iterator<Item = Vec<Cell>>) -> fmt::Result {
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{}", self.paint.word(Tone::Head, head))?;
        self.paint.table(f, &rows)
    }

    fn condition(&self, condition: &Condition) -> Vec<Cell> {
        let Condition { type_, status, reason, message, last_transition_time, .. } = condition;
        // A limit is the one condition that is better not true, and no fault either.
        let tone = match (type_ == ConditionType::ScalingLimited.as_str(), status.as_str()) {
            (false, "True") | (true, "False") => Tone::Good,
            (true, _) => Tone::Watch,
            (false, _) => Tone::Bad,
        };
        let since = format!("for {}", self.age(last_transition_time.0));
        let words = [reason.clone(), since, message.clone()].map(Cell::plain);
        [Cell::plain(type_), Cell(tone, status.clone())].into_iter().chain(words).collect()
    }

    fn trigger(&self, trigger: &TriggerStatus) -> Vec<Cell> {
        let TriggerStatus { name, state, reason, value, proposal, read_at } = trigger;
        let (tone, state) = match state {
            SignalState::Known => (Tone::Good, "Known"),
            SignalState::Unknown => (Tone::Bad, "Unknown"),
        };
        let asks = proposal.map(|replicas| format!("wants {replicas}")).or_else(|| reason.clone()).unwrap_or_default();
        let age = read_at.as_ref().map_or_else(|| "never read".into(), |time| format!("{} old", self.age(time.0)));
        vec![
            Cell::plain(name),
            Cell(tone, state.into()),
            Cell::plain(asks),
            Cell::plain(age),
            Cell::plain(value.clone().unwrap_or_default()),
        ]
    }

    /// The newest change in each direction, with its cooldown; none when the spec cannot be used.
    fn cooldowns(&self, status: &HybridScalerStatus) -> Vec<Vec<Cell>> {
        let (Some(history), Ok(Policy { behavior, .. })) = (status.history.clone(), self.scaler.spec.policy()) else {
            return Vec::new();
        };
        let History { scale_up, scale_down, .. } = history.into();
        let cooldown = |(direction, activity, time): (&str, Option<Activity>, SignedDuration)| {
            let activity = activity?;
            let change = format!("to {}, {}", activity.to, self.ago(activity.at));
            let (tone, lasts) = self.lasts(activity.cooling(time, self.now));
            Some(vec![Cell::plain(direction), Cell(tone, lasts), Cell::plain(change)])
        };
        [("scale-up", scale_up, behavior.scale_up.cooldown), ("scale-down", scale_down, behavior.scale_down.cooldown)]
            .into_iter()
            .filter_map(cooldown)
            .collect()
    }

    fn lasts(&self, cooling: Cooling) -> (Tone, String) {
        match cooling {
            Cooling::Over => (Tone::Good, "over".into()),
            Cooling::Settling { latest } => (
                Tone::Watch,
                format!("starts when the change has settled, over in {} at the latest", self.until(latest)),
            ),
            Cooling::Until { end, .. } => (Tone::Watch, format!("over in {}", self.until(end))),
        }
    }

    fn ago(&self, time: Timestamp) -> String {
        format!("{} ago", self.age(time))
    }

    fn age(&self, time: Timestamp) -> String {
        seconds(self.now.duration_since(time))
    }

    fn until(&self, time: Timestamp) -> String {
        seconds(time.duration_since(self.now))
    }
}

/// A time in whole seconds; 0 when a clock is slightly ahead of ours.
fn seconds(time: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(time.as_secs().max(0)))
}

fn row(what: &str, value: String) -> Vec<Cell> {
    vec![Cell::plain(what), Cell::plain(value)]
}

fn connections(connections: &ConnectionStatus) -> Vec<Cell> {
    let ConnectionStatus { budget, granted_connections, allowed_replicas, covers } = connections;
    let count = |count: &Option<u32>| count.map_or_else(|| "unknown".into(), |count| count.to_string());
    vec![
        Cell::plain(budget),
        Cell::plain(format!("grants {} connections", count(granted_connections))),
        Cell::plain(format!("allows {} replicas", count(allowed_replicas))),
        Cell::plain(covers.clone().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests;
