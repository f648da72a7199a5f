//! From what people write to what the core decides on, and back. Each value is checked a second time: an object may have been stored
//! under an older schema, and nothing that was stored may stop the operator.

use std::time::Duration;

use hybridscaler_core::{Connections, Replicas, budget, policy};
use jiff::SignedDuration;

use super::{
    connection_budget::{self, ConnectionBudgetSpec},
    connections::{ConnectionUse, RolloutReserve},
    fallback::{Fallback, FallbackReplicas},
    hybrid_scaler::{HybridScalerSpec, Mode},
    schedule::Schedule,
    spec_error::{SpecError, in_range},
};

mod behavior;
mod explanation;
mod history;
mod trigger;

pub(super) use self::trigger::stale_after;

/// What a scaler takes from one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionDemand {
    /// Namespace of the budget.
    pub namespace: String,
    /// Name of the budget.
    pub budget: String,
    /// The most connections that one replica opens.
    pub per_replica: Connections,
    /// What is kept for rollouts.
    pub reserve: budget::RolloutReserve,
}

impl HybridScalerSpec {
    /// The policy that the core decides by.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn policy(&self) -> Result<policy::Policy, SpecError> {
        let replicas = |field: &str, value, least| in_range(field, value, least, 10_000).map(Replicas);
        let min = replicas("spec.minReplicas", self.min_replicas, 0)?;
        let max = replicas("spec.maxReplicas", self.max_replicas, 1)?;
        if min > max {
            return Err(SpecError::new("spec.minReplicas", min, format!("is above spec.maxReplicas {max}: lower it")));
        }
        let target = self.target_ref.target()?;
        let triggers = each("spec.triggers", &self.triggers, |trigger| {
            trigger::into_core(trigger, target, self.poll_interval_seconds)
        })?;
        let triggers: Vec<_> = triggers.into_iter().flatten().collect();
        if triggers.is_empty() {
            return Err(SpecError::new(
                "spec.triggers",
                "[]",
                "asks for nothing: set at least one trigger with a target",
            ));
        }
        let startup = in_range("spec.startupSeconds", self.startup_seconds.unwrap_or(0), 0, 3600)?;
        Ok(policy::Policy {
            min,
            max,
            idle: self.idle_replicas.map(|idle| replicas("spec.idleReplicas", idle, 0)).transpose()?,
            startup: SignedDuration::from_secs(startup.into()),
            triggers,
            schedules: each("spec.schedules", &self.schedules, schedule)?,
            behavior: behavior::into_core(self.behavior.as_ref())?,
            fallback: self
                .fallback
                .as_ref()
                .map_or_else(|| Ok(policy::Fallback::default()), |own| fallback(own, max))?,
            mode: self.mode.into(),
            pinned: self.pinned_replicas.map(|pin| replicas("spec.pinnedReplicas", pin, 0)).transpose()?,
        })
    }

    /// How often the signals are read.
    ///
    /// # Errors
    /// The interval is out of range.
    pub fn poll_interval(&self) -> Result<Duration, SpecError> {
        seconds("spec.pollIntervalSeconds", self.poll_interval_seconds, 1, 300)
    }

    /// What a scaler in `namespace` takes from budgets, each of which is named once.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn connection_demands(&self, namespace: &str) -> Result<Vec<ConnectionDemand>, SpecError> {
        let mut demands: Vec<ConnectionDemand> = Vec::new();
        for (at, ConnectionUse { budget_ref, per_replica, rollout_reserve }) in self.connections.iter().enumerate() {
            let field = |of: &str| format!("spec.connections[{at}].{of}");
            let demand = ConnectionDemand {
                namespace: budget_ref.namespace.clone().unwrap_or_else(|| namespace.into()),
                budget: budget_ref.name.clone(),
                per_replica: Connections(in_range(&field("perReplica"), *per_replica, 1, 10_000)?),
                reserve: (*rollout_reserve).into(),
            };
            if demands.iter().any(|other| (&other.namespace, &other.budget) == (&demand.namespace, &demand.budget)) {
                let budget = format!("{}/{}", demand.namespace, demand.budget);
                let mend = "is named twice: write one entry with all connections that a replica opens there";
                return Err(SpecError::new(field("budgetRef"), budget, mend));
            }
            demands.push(demand);
        }
        Ok(demands)
    }
}

impl ConnectionBudgetSpec {
    /// Connections kept for everything that is not scaled here.
    ///
    /// # Errors
    /// The reserve is out of range, or leaves nothing of a static capacity.
    pub fn reserved(&self) -> Result<Connections, SpecError> {
        let field = "spec.reserve.connections";
        let reserved = self.reserve.as_ref().map_or(0, |reserve| reserve.connections);
        if let connection_budget::Source::Static(capacity) = self.capacity.source()?
            && reserved >= capacity
        {
            return Err(SpecError::new(
                field,
                reserved,
                format!("leaves nothing of spec.capacity.static {capacity}: lower it"),
            ));
        }
        in_range(field, reserved, 0, 1_000_000).map(Connections)
    }

    /// The capacity, where it is a fixed number.
    ///
    /// # Errors
    /// There is not exactly one source, or the number is out of range.
    pub fn fixed_capacity(&self) -> Result<Option<Connections>, SpecError> {
        match self.capacity.source()? {
            connection_budget::Source::Static(connections) => {
                in_range("spec.capacity.static", connections, 1, 1_000_000).map(|fixed| Some(Connections(fixed)))
            }
            connection_budget::Source::Postgres(_) | connection_budget::Source::Mysql(_) => Ok(None),
        }
    }

    /// How often a live capacity is read.
    ///
    /// # Errors
    /// The interval is out of range.
    pub fn poll_interval(&self) -> Result<Duration, SpecError> {
        seconds("spec.pollIntervalSeconds", self.poll_interval_seconds, 5, 3600)
    }
}

fn seconds(field: &str, value: i32, least: u32, most: u32) -> Result<Duration, SpecError> {
    in_range(field, value, least, most).map(|seconds| Duration::from_secs(seconds.into()))
}

/// Each of a list's items in the core's terms; an error names the item.
fn each<T, U>(field: &str, items: &[T], into: impl Fn(&T) -> Result<U, SpecError>) -> Result<Vec<U>, SpecError> {
    let numbered = items.iter().enumerate();
    numbered.map(|(at, item)| into(item).map_err(|error| error.within(&format!("{field}[{at}]")))).collect()
}

fn schedule(schedule: &Schedule) -> Result<policy::Schedule, SpecError> {
    Ok(policy::Schedule {
        name: schedule.name.as_str().into(),
        floor: schedule.floor()?.map(Replicas),
        min: schedule.min()?.map(Replicas),
        max: schedule.max()?.map(Replicas),
    })
}

fn fallback(fallback: &Fallback, max: Replicas) -> Result<policy::Fallback, SpecError> {
    let (behavior, replicas) = match fallback.replicas(max.0)? {
        FallbackReplicas::Hold => (policy::FallbackBehavior::Hold, 0),
        FallbackReplicas::Static(replicas) => (policy::FallbackBehavior::Static, replicas),
        FallbackReplicas::OnlyIfHigher(replicas) => (policy::FallbackBehavior::OnlyIfHigher, replicas),
        FallbackReplicas::OnlyIfLower(replicas) => (policy::FallbackBehavior::OnlyIfLower, replicas),
    };
    let after = SignedDuration::try_from(fallback.after()?).unwrap_or(SignedDuration::MAX);
    Ok(policy::Fallback { behavior, replicas: Replicas(replicas), after_failures: fallback.after_failures()?, after })
}

impl From<Mode> for policy::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Active => Self::Active,
            Mode::DryRun => Self::DryRun,
            Mode::Paused => Self::Paused,
            Mode::ScaleUpOnly => Self::ScaleUpOnly,
            Mode::ScaleDownOnly => Self::ScaleDownOnly,
        }
    }
}

impl From<RolloutReserve> for budget::RolloutReserve {
    fn from(reserve: RolloutReserve) -> Self {
        match reserve {
            RolloutReserve::Full => Self::Full,
            RolloutReserve::Surge => Self::Surge,
            RolloutReserve::None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests;
