//! One budget's reconcile: read the capacity, keep the ledger's books, tell.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use hybridscaler_core::{
    Connections,
    budget::{Capacity, Ledger},
};
use kube::runtime::{controller::Action, reflector::ObjectRef};

use super::{
    capacity::{self, Reading},
    context::{Budget, Context, Subject},
    events::Story,
    strays,
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget, ConnectionBudgetStatus,
        conditions::{self, ConditionStatus, ConditionType, Verdict, reasons},
    },
    ledger::{self, LedgerError},
    telemetry::metrics::BudgetView,
};

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
    let now = ctx.clock.now();
    let reference = ObjectRef::new(&subject.name.name).within(&subject.name.namespace);
    let (read, generation) = (reading.clone(), subject.generation);
    let step = move |_: &ConnectionBudget, ledger: &mut Ledger, status: &mut ConnectionBudgetStatus| {
        let before = status.conditions.clone();
        ledger.capacity = match &read {
            Ok(Reading::Fixed(connections)) => Capacity::fixed(*connections),
            Ok(Reading::Live(connections)) => ledger.capacity.read(Some(*connections)),
            Err(_) => ledger.capacity.read(None),
        };
        if let Ok(reserve) = reserve {
            ledger.reserve = reserve;
        }
        status.observed_generation = generation;
        for verdict in verdicts(ledger, read.as_ref().err()) {
            conditions::set(&mut status.conditions, verdict, generation, now);
        }
        before
    };
    let (stored, before) = match ctx.ledgers.update(&reference, step).await {
        Err(LedgerError::Invalid { name, source }) => {
            let verdict = Verdict {
                type_: ConditionType::Ready,
                status: ConditionStatus::False,
                reason: reasons::LEDGER_INVALID,
                message: source.to_string(),
            };
            let change = |status: &mut ConnectionBudgetStatus| {
                conditions::set(&mut status.conditions, verdict.clone(), subject.generation, now);
            };
            ctx.ledgers.tell(&reference, change).await?;
            return Err(LedgerError::Invalid { name, source });
        }
        updated => updated?,
    };
    if reading.is_ok() {
        ctx.read_capacities.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.uid.clone());
    }
    let after = stored.status.clone().unwrap_or_default();
    // Only now, since it may take long: a capacity that shrank must count at once.
    let strays = match ledger::read(Some(&after)) {
        Ok(ledger) => strays::find(&ledger, subject, ctx).await,
        Err(_) => Vec::new(),
    };
    if !strays.is_empty() {
        ctx.ledgers.update(&reference, move |_, ledger, _| strays::settle(&strays, ledger)).await?;
    }
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
    let over = if over_by > Connections::ZERO {
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

/// Whether the watched budget says other than its ledger does about being over-committed: scalers change the ledger, and the condition
/// with its event is this reconcile's.
pub(super) fn is_behind(budget: &Budget) -> bool {
    let Ok(Some(status)) = budget.0.as_ref().map(|budget| budget.status.as_ref()) else { return false };
    let says = status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::OverBudget.as_str() && condition.status == ConditionStatus::True.as_str()
    });
    ledger::read(Some(status)).is_ok_and(|ledger| (ledger.over_by() > Connections::ZERO) != says)
}

/// How soon a budget whose status could not be stored is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What to do when a budget's status could not be stored.
pub(super) fn failed(error: &LedgerError) -> Action {
    tracing::warn!(%error, "budget not stored");
    Action::requeue(AGAIN)
}
