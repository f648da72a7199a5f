//! From what people write to what the core decides on, and back. Each value is checked a second time: an object may have been stored
//! under an older schema, and nothing that was stored may stop the operator.

use std::time::Duration;

use hybridscaler_core::{Connections, Replicas, budget, history, policy};
use jiff::SignedDuration;

use super::{
    behavior::{Behavior, ScalingRules, SelectPolicy},
    connection_budget::{self, ConnectionBudgetSpec},
    connections::{ConnectionUse, RolloutReserve},
    hybrid_scaler::{HybridScalerSpec, Mode},
    spec_error::{SpecError, in_range},
    status::{ScaleActivity, ScaleHistory},
    target_ref::Target,
    trigger::{CpuTarget, QueueTarget, Source, SqsTrigger, Trigger},
};

/// Cooldown of a direction that sets none, in seconds.
const SCALE_UP_COOLDOWN: i32 = 0;
const SCALE_DOWN_COOLDOWN: i32 = 300;

/// Tolerance of a direction that sets none, as that of a `HorizontalPodAutoscaler`.
const TOLERANCE: f64 = 0.1;

/// Age in seconds from which a CPU value is unknown: CloudWatch delivers a period some minutes after its end.
const CPU_STALE_AFTER: i32 = 300;

/// Age in seconds from which a queue's value is unknown: polls that may fail in a row, and the least whatever the interval.
const SQS_STALE_AFTER_POLLS: i32 = 3;
const SQS_STALE_AFTER: i32 = 60;

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
        let min = in_range("spec.minReplicas", self.min_replicas, 1, 10_000)?;
        let max = in_range("spec.maxReplicas", self.max_replicas, 1, 10_000)?;
        if min > max {
            return Err(SpecError::new("spec.minReplicas", min, format!("is above spec.maxReplicas {max}: lower it")));
        }
        let target = self.target_ref.target()?;
        let triggers = self
            .triggers
            .iter()
            .enumerate()
            .map(|(at, trigger)| {
                self.trigger(trigger, target).map_err(|error| error.within(&format!("spec.triggers[{at}]")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if triggers.is_empty() {
            return Err(SpecError::new("spec.triggers", "[]", "names no signal: set at least one trigger"));
        }
        if let Some(field) = self.undecided() {
            return Err(SpecError::new(field, "", "is not decided upon by this operator: leave it out"));
        }
        let behavior = self.behavior.clone().unwrap_or_default();
        Ok(policy::Policy {
            min: Replicas(min),
            max: Replicas(max),
            triggers,
            behavior: policy::Behavior {
                scale_up: pace("spec.behavior.scaleUp", behavior.scale_up, SCALE_UP_COOLDOWN)?,
                scale_down: pace("spec.behavior.scaleDown", behavior.scale_down, SCALE_DOWN_COOLDOWN)?,
            },
        })
    }

    /// How often the signals are read.
    ///
    /// # Errors
    /// The interval is out of range.
    pub fn poll_interval(&self) -> Result<Duration, SpecError> {
        seconds("spec.pollIntervalSeconds", self.poll_interval_seconds, 1, 300)
    }

    /// What a scaler in `namespace` takes from budgets.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn connection_demands(&self, namespace: &str) -> Result<Vec<ConnectionDemand>, SpecError> {
        self.connections
            .iter()
            .enumerate()
            .map(|(at, ConnectionUse { budget_ref, per_replica, rollout_reserve })| {
                let field = format!("spec.connections[{at}].perReplica");
                Ok(ConnectionDemand {
                    namespace: budget_ref.namespace.clone().unwrap_or_else(|| namespace.into()),
                    budget: budget_ref.name.clone(),
                    per_replica: Connections(in_range(&field, *per_replica, 1, 10_000)?),
                    reserve: (*rollout_reserve).into(),
                })
            })
            .collect()
    }

    /// The first field that the core does not know.
    fn undecided(&self) -> Option<&'static str> {
        let rules = |rules: &ScalingRules| {
            rules.stabilization_window_seconds.is_some()
                || rules.policies.is_some()
                || rules.select_policy != SelectPolicy::Max
        };
        let queue = |queue: &SqsTrigger| {
            queue.concurrency.is_some() || queue.activation_messages.is_some() || queue.message_groups.is_some()
        };
        let behavior = |behavior: &Behavior| {
            behavior.preset.is_some() || [&behavior.scale_up, &behavior.scale_down].into_iter().flatten().any(rules)
        };
        let fields = [
            ("spec.idleReplicas", self.idle_replicas.is_some()),
            ("spec.startupSeconds", self.startup_seconds.is_some()),
            ("spec.schedules", !self.schedules.is_empty()),
            ("spec.behavior", self.behavior.as_ref().is_some_and(behavior)),
            ("spec.fallback", self.fallback.is_some()),
            ("spec.mode", matches!(self.mode, Mode::ScaleUpOnly | Mode::ScaleDownOnly)),
            ("spec.pinnedReplicas", self.pinned_replicas.is_some()),
            ("spec.triggers", self.triggers.iter().filter_map(|trigger| trigger.sqs.as_ref()).any(queue)),
        ];
        fields.into_iter().find_map(|(field, is_set)| is_set.then_some(field))
    }

    fn trigger(&self, trigger: &Trigger, target: Target<'_>) -> Result<policy::Trigger, SpecError> {
        let undecided = |field| {
            SpecError::new(field, &trigger.name, "is not decided upon by this operator: use sqs.messagesPerReplica")
        };
        let (load, stale_after) = match trigger.source()? {
            Source::External(_) => return Err(undecided("external")),
            Source::Sqs(sqs) => {
                let QueueTarget::MessagesPerReplica(messages) = sqs.target()? else {
                    return Err(undecided("sqs.targetLatencySeconds"));
                };
                let polls = self.poll_interval_seconds.saturating_mul(SQS_STALE_AFTER_POLLS);
                (policy::Target::MessagesPerReplica(messages), polls.max(SQS_STALE_AFTER))
            }
            Source::Cpu(_) if !matches!(target, Target::Ecs(_)) => {
                return Err(SpecError::new("cpu", &trigger.name, "works for an ECS service only so far: use sqs"));
            }
            Source::Cpu(cpu) => {
                let CpuTarget::Utilization(percent) = cpu.target()? else {
                    return Err(undecided("cpu.targetAverageValue"));
                };
                (policy::Target::Utilization(percent), CPU_STALE_AFTER)
            }
        };
        let stale_after = in_range("staleAfterSeconds", trigger.stale_after_seconds.unwrap_or(stale_after), 10, 3600)?;
        Ok(policy::Trigger {
            name: trigger.name.clone(),
            target: load,
            stale_after: SignedDuration::from_secs(stale_after.into()),
        })
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
            connection_budget::Source::Postgres(_) => Ok(None),
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

fn pace(path: &str, rules: Option<ScalingRules>, cooldown: i32) -> Result<policy::Pace, SpecError> {
    let ScalingRules { cooldown_seconds, tolerance, .. } = rules.unwrap_or_default();
    let cooldown = in_range(&format!("{path}.cooldownSeconds"), cooldown_seconds.unwrap_or(cooldown), 0, 3600)?;
    Ok(policy::Pace {
        cooldown: SignedDuration::from_secs(cooldown.into()),
        tolerance_permille: permille(&format!("{path}.tolerance"), tolerance.unwrap_or(TOLERANCE))?,
    })
}

fn permille(field: &str, fraction: f64) -> Result<u32, SpecError> {
    if !(0.0..=1.0).contains(&fraction) {
        return Err(SpecError::new(field, fraction, "is out of range: set 0 to 1"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000, as checked above")]
    Ok((fraction * 1000.0).round() as u32)
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

impl From<ScaleHistory> for history::History {
    fn from(ScaleHistory { scale_up, scale_down, .. }: ScaleHistory) -> Self {
        Self { scale_up: scale_up.map(Into::into), scale_down: scale_down.map(Into::into) }
    }
}

impl From<history::History> for ScaleHistory {
    fn from(history::History { scale_up, scale_down }: history::History) -> Self {
        let (scale_up, scale_down) = (scale_up.map(Into::into), scale_down.map(Into::into));
        Self { scale_up, scale_down, ..Self::default() }
    }
}

impl From<ScaleActivity> for history::Activity {
    fn from(ScaleActivity { base, to, at, settled }: ScaleActivity) -> Self {
        Self { base: Replicas(base), to: Replicas(to), at, settled }
    }
}

impl From<history::Activity> for ScaleActivity {
    fn from(history::Activity { base, to, at, settled }: history::Activity) -> Self {
        Self { base: base.0, to: to.0, at, settled }
    }
}

#[cfg(test)]
mod tests;
