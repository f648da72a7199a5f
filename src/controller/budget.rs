//! One budget's reconcile: read the capacity, keep the ledger's books, tell.

use std::{sync::Arc, time::Instant};

use hybridscaler_core::{
    Replicas,
    budget::{Capacity, Ledger},
};
use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};

use super::{
    capacity::{self, Reading},
    context::{Budget, Context, Subject, key},
    events::Story,
    memory::back_off,
    target_id::TargetId,
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget, ConnectionBudgetStatus,
        conditions::{self, ConditionStatus, ConditionType, Verdict, reasons},
    },
    ledger::{self, LedgerError},
    targets::TargetError,
    telemetry::metrics::BudgetView,
};

/// A deleted workload's replicas cannot be counted any more, and drain for as long as their grace period lasts: they stay charged for
/// this long.
const DRAINED: SignedDuration = SignedDuration::from_mins(10);

/// Reconciles one budget. Its trouble is its own condition.
pub(super) async fn reconcile(object: Arc<Budget>, ctx: Arc<Context>) -> Result<Action, LedgerError> {
    let started = Instant::now();
    let subject = Subject::of(&*object);
    let Ok(budget) = &object.0 else {
        // It cannot be read, so it cannot be written back whole either: the log has to do until somebody corrects it.
        tracing::warn!(budget = subject.key(), "the object cannot be read");
        return Ok(Action::await_change());
    };
    let outcome = turn(budget, &subject, &ctx).await;
    let label = match &outcome {
        Ok(Some(_)) => "trouble",
        Ok(None) => "ok",
        Err(_) => "failed",
    };
    ctx.metrics.reconciled("ConnectionBudget", label, started.elapsed());
    // A source that is in trouble is asked again at the same pace: its adapter backs off by itself.
    outcome.map(|_| Action::requeue(budget.spec.poll_interval().unwrap_or(super::memory::LONGEST_WAIT)))
}

async fn turn(budget: &ConnectionBudget, subject: &Subject, ctx: &Context) -> Result<Option<Trouble>, LedgerError> {
    let reading = capacity::read(budget, subject, ctx).await;
    let reserve = budget.spec.reserved();
    let gone = gone(budget, ctx).await;
    let now = Timestamp::now();
    let reference = ObjectRef::new(&subject.name.name).within(&subject.name.namespace);
    let step = |_: &ConnectionBudget, ledger: &mut Ledger, status: &mut ConnectionBudgetStatus| {
        let before = status.conditions.clone();
        ledger.capacity = match &reading {
            Ok(Reading::Fixed(connections)) => Capacity::fixed(*connections),
            Ok(Reading::Live(connections)) => ledger.capacity.read(Some(*connections)),
            Err(_) => ledger.capacity.read(None),
        };
        if let Ok(reserve) = reserve {
            ledger.reserve = reserve;
        }
        for Gone { consumer, version } in &gone {
            // Somebody may have made the scaler anew since we looked.
            if ledger.entries.get(consumer).is_some_and(|entry| entry.version == *version) {
                ledger.entries.remove(consumer);
            }
        }
        status.observed_generation = subject.generation;
        for verdict in verdicts(ledger, reading.as_ref().err()) {
            conditions::set(&mut status.conditions, verdict, subject.generation, now);
        }
        before
    };
    let (stored, before) = ctx.ledgers.update(&reference, step).await?;
    let after = stored.status.unwrap_or_default();
    for type_ in [ConditionType::CapacityKnown, ConditionType::OverBudget] {
        if let Some(story) = story(type_, &before, &after.conditions) {
            ctx.events.publish(&subject.reference, story).await;
        }
    }
    Ok(reading.err())
}

/// Shows what a watched budget holds in the metrics: scalers change its ledger far more often than it is reconciled.
pub(super) fn show(budget: &Budget, ctx: &Context) {
    let Ok(Ok(ledger)) = budget.0.as_ref().map(|budget| ledger::read(budget.status.as_ref())) else {
        return;
    };
    let view = BudgetView {
        capacity: ledger.capacity.usable(),
        reserve: ledger.reserve,
        granted: ledger.granted(),
        consumers: ledger.entries.len(),
    };
    ctx.metrics.budget(Subject::of(budget).name, view);
}

fn verdicts(ledger: &Ledger, trouble: Option<&Trouble>) -> [Verdict; 3] {
    let verdict = |type_, status, reason: &'static str, message: String| Verdict { type_, status, reason, message };
    let known = match (trouble, ledger.capacity.usable()) {
        (None, Some(usable)) => {
            let message = format!("the database accepts {usable} connections from ordinary roles");
            verdict(ConditionType::CapacityKnown, ConditionStatus::True, reasons::AS_EXPECTED, message)
        }
        (Some(trouble), usable) => {
            let last = usable.map_or_else(
                || "it was never read, so nothing is granted".to_owned(),
                |usable| format!("the last value, {usable}, stands, and no grant grows"),
            );
            let message = format!("{}\n{last}", trouble.message.trim_end());
            verdict(ConditionType::CapacityKnown, ConditionStatus::False, trouble.reason, message)
        }
        (None, None) => verdict(
            ConditionType::CapacityKnown,
            ConditionStatus::Unknown,
            reasons::DATABASE_FAILED,
            "not read yet".into(),
        ),
    };
    let over_by = ledger.over_by();
    let over = if over_by > hybridscaler_core::Connections::ZERO {
        let message = format!(
            "the scalers' replicas may open {over_by} connections more than the database accepts beside the reserve of {}: nobody \
             grows until replicas are gone, the capacity grows or the reserve shrinks",
            ledger.reserve
        );
        verdict(ConditionType::OverBudget, ConditionStatus::True, reasons::GRANTS_EXCEED_CAPACITY, message)
    } else {
        let message = "the grants fit into the capacity".to_owned();
        verdict(ConditionType::OverBudget, ConditionStatus::False, reasons::AS_EXPECTED, message)
    };
    let ready = if known.status == ConditionStatus::True {
        verdict(ConditionType::Ready, ConditionStatus::True, reasons::AS_EXPECTED, "connections are granted".into())
    } else {
        verdict(ConditionType::Ready, ConditionStatus::False, known.reason, known.message.clone())
    };
    [ready, known, over]
}

fn story(
    type_: ConditionType,
    before: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition],
    after: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition],
) -> Option<Story> {
    let find = |conditions: &'_ [k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]| {
        conditions.iter().find(|condition| condition.type_ == type_.as_str()).cloned()
    };
    let (was, is) = (find(before), find(after)?);
    let bad = if type_ == ConditionType::OverBudget { "True" } else { "False" };
    let was_bad = was.as_ref().is_some_and(|was| was.status == bad);
    match (was_bad, is.status == bad) {
        (false, true) => Some(Story::trouble(&is.reason, &is.message)),
        (true, true) if was.is_some_and(|was| was.reason != is.reason) => Some(Story::trouble(&is.reason, &is.message)),
        (true, false) => Some(Story::recovered(&is.message)),
        _ => None,
    }
}

/// An entry whose scaler and replicas are gone.
struct Gone {
    consumer: String,
    version: u64,
}

/// The entries of scalers that exist no more, and whose targets are gone or run nothing: their replicas lived on until then, and so
/// did their charge.
async fn gone(budget: &ConnectionBudget, ctx: &Context) -> Vec<Gone> {
    let Ok(ledger) = ledger::read(budget.status.as_ref()) else {
        return Vec::new();
    };
    let scalers = ctx.scalers.state();
    let mut gone = Vec::new();
    for (consumer, entry) in ledger.entries {
        let lives = scalers.iter().any(|scaler| {
            scaler.uid().as_deref() == Some(&entry.uid)
                && key(&scaler.namespace().unwrap_or_default(), &scaler.name_any()) == consumer
        });
        let Some(target) = entry.target.parse::<TargetId>().ok().filter(|_| !lives) else {
            continue;
        };
        let empty = match ctx.target(&target).observe().await {
            Ok(observed) => {
                ctx.missed.found(&entry.target);
                observed.workload.desired == Replicas::ZERO && observed.workload.live() == Replicas::ZERO
            }
            Err(TargetError::NotFound(_)) => {
                let missed = ctx.missed.for_how_long(&entry.target, Timestamp::now());
                missed >= DRAINED
            }
            Err(error) => {
                tracing::info!(consumer, %error, "the replicas of a scaler that is gone cannot be counted: they stay charged");
                false
            }
        };
        if empty {
            ctx.missed.found(&entry.target);
            gone.push(Gone { consumer, version: entry.version });
        }
    }
    gone
}

/// What to do when a budget's status could not be stored.
pub(super) fn failed(error: &LedgerError) -> Action {
    tracing::warn!(%error, "budget not stored");
    Action::requeue(back_off(2))
}
