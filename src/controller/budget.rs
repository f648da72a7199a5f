//! One budget's reconcile: read the capacity, keep the ledger's books, tell.

mod stories;
mod verdicts;

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use hybridscaler_core::{
    Connections,
    budget::{Assumption, Capacity, Ledger, Seen, Surplus, promise},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::{controller::Action, reflector::ObjectRef};

use self::verdicts::Found;
use super::{
    capacity::{self, Reading},
    context::{Budget, Context, Subject},
    memory::LONGEST_WAIT,
    strays,
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget, ConnectionBudgetSpec, ConnectionBudgetStatus, StoredLedger,
        conditions::{self, ConditionStatus, ConditionType, Verdict, reasons},
        status::{EvidenceState, ObservedConnections, PromiseState, PromisesStatus},
    },
    databases::OpenConnections,
    ledger::{self, LedgerError},
    telemetry::metrics::BudgetView,
};

/// What a status says of a reading that changed nothing else is refreshed at most this often: who wants it live has the metrics.
const REFRESH: SignedDuration = SignedDuration::from_mins(1);

/// Who waits for the connections of a scaler that left is held up by no more than this.
const LOOK_FOR_STRAYS: Duration = Duration::from_secs(10);

/// Reconciles one budget. Its trouble is its own condition.
pub(super) async fn reconcile(object: Arc<Budget>, ctx: Arc<Context>) -> Result<Action, LedgerError> {
    let started = Instant::now();
    let subject = Subject::of(&*object);
    let Ok(budget) = &object.0 else {
        // It cannot be read, so it cannot be written back whole either: the log has to do until somebody corrects it.
        tracing::warn!(budget = subject.key(), "the object cannot be read");
        return Ok(Action::await_change());
    };
    let outcome = Box::pin(turn(budget, &subject, &ctx)).await;
    let label = match &outcome {
        Ok(Some(_)) => "trouble",
        Ok(None) => "ok",
        Err(_) => "failed",
    };
    ctx.metrics.reconciled("ConnectionBudget", label, started.elapsed());
    // A source that is in trouble is asked again at the same pace: its adapter backs off by itself.
    let rest = budget.spec.poll_interval().unwrap_or(LONGEST_WAIT);
    let ledger = ledger::read(budget.status.as_ref());
    let strays = ledger.is_ok_and(|ledger| strays::are_there(&ledger, &subject, &ctx));
    outcome.map(|_| Action::requeue(if strays { rest.min(LOOK_FOR_STRAYS) } else { rest }))
}

async fn turn(budget: &ConnectionBudget, subject: &Subject, ctx: &Context) -> Result<Option<Trouble>, LedgerError> {
    let reading = capacity::read(budget, subject, ctx).await;
    let now = ctx.clock.now();
    let reference = ObjectRef::new(&subject.name.name).within(&subject.name.namespace);
    let (read, spec, generation) = (reading.clone(), budget.spec.clone(), subject.generation);
    let step = move |_: &ConnectionBudget, ledger: &mut Ledger, status: &mut ConnectionBudgetStatus| {
        let before = status.clone();
        take_in(&read, &spec, ledger);
        tell(&read, ledger, status, generation, now);
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
    let ledger = ledger::read(Some(&after));
    if let Ok(ledger) = &ledger {
        ctx.metrics.budget(subject.name.clone(), view(ledger, &after, open(&reading).map(|open| open.count)));
    }
    // Only now, since it may take long: a capacity that shrank must count at once.
    let strays = match &ledger {
        Ok(ledger) => strays::find(ledger, subject, ctx).await,
        Err(_) => Vec::new(),
    };
    if !strays.is_empty() {
        ctx.ledgers.update(&reference, move |_, ledger, _| strays::settle(&strays, ledger)).await?;
    }
    for story in stories::stories(&before, &after) {
        ctx.events.publish(&subject.reference, story).await;
    }
    Ok(reading.err())
}

/// Enters into the ledger what the source and the spec say.
fn take_in(reading: &Result<Reading, Trouble>, spec: &ConnectionBudgetSpec, ledger: &mut Ledger) {
    ledger.capacity = match reading {
        Ok(Reading::Fixed(connections)) => Capacity::fixed(*connections),
        Ok(Reading::Live(read)) => ledger.capacity.read(Some(read.usable())),
        Err(_) => ledger.capacity.read(None),
    };
    match reading {
        Ok(Reading::Fixed(_)) => ledger.shared_with.clear(),
        Ok(Reading::Live(read)) => {
            let mut others = read.other_ledgers.clone();
            others.sort();
            ledger.shared_with = others.iter().take(Ledger::NAMED).map(ToString::to_string).collect();
        }
        Err(_) => {}
    }
    if let Ok(reserve) = spec.reserved() {
        ledger.reserve = reserve;
    }
    ledger.on_shrink = spec.on_shrink.into();
}

/// Says in the status what follows from the ledger and the reading.
fn tell(
    reading: &Result<Reading, Trouble>,
    ledger: &Ledger,
    status: &mut ConnectionBudgetStatus,
    generation: Option<i64>,
    now: Timestamp,
) {
    let open = open(reading);
    let promise = promise(ledger, Seen { open: open.map(|open| open.count), live: None });
    // One that cannot be stored is told by the store.
    let size = StoredLedger::try_from(ledger).map(|stored| stored.size()).unwrap_or_default();
    let before = status.conditions.clone();
    let found = Found { ledger, reading: reading.as_ref(), promise: &promise, size, before: &before, now };
    for verdict in verdicts::verdicts(&found) {
        conditions::set(&mut status.conditions, verdict, generation, now);
    }
    status.observed_generation = generation;
    let promises = Some(PromisesStatus::from(&promise));
    let refresh = status.last_read_time.as_ref().is_none_or(|last| now.duration_since(last.0) >= REFRESH);
    if refresh || status.promises != promises {
        status.promises = promises;
        match reading {
            Ok(Reading::Live(_)) => status.last_read_time = Some(Time(conditions::whole_seconds(now))),
            Ok(Reading::Fixed(_)) => status.last_read_time = None,
            Err(_) => {}
        }
        if reading.is_ok() {
            status.observed = open
                .map(|open| ObservedConnections { connections: open.count.0, method: open.method.as_str().to_owned() });
        }
    }
}

/// The connections that the reading saw open.
fn open(reading: &Result<Reading, Trouble>) -> Option<OpenConnections> {
    match reading {
        Ok(Reading::Live(read)) => Some(read.open),
        Ok(Reading::Fixed(_)) | Err(_) => None,
    }
}

/// Shows what a watched budget holds in the metrics: scalers change its ledger far more often than it is reconciled.
pub(super) fn show(budget: &Budget, ctx: &Context) {
    let Ok(Some(status)) = budget.0.as_ref().map(|budget| budget.status.as_ref()) else { return };
    let Ok(ledger) = ledger::read(Some(status)) else { return };
    let open = status.observed.as_ref().map(|observed| Connections(observed.connections));
    ctx.metrics.budget(Subject::of(budget).name, view(&ledger, status, open));
}

fn view(ledger: &Ledger, status: &ConnectionBudgetStatus, open: Option<Connections>) -> BudgetView {
    BudgetView {
        capacity: ledger.capacity.usable(),
        reserve: ledger.reserve,
        granted: ledger.granted(),
        over_by: ledger.over_by(),
        open,
        guaranteed: match status.promises.as_ref().map(|promises| promises.whole_pools.state) {
            Some(PromiseState::Holds) => Some(true),
            Some(PromiseState::DoesNotHold) => Some(false),
            Some(PromiseState::Unknown | PromiseState::NotEnforced) | None => None,
        },
        consumers: ledger.entries.len(),
    }
}

/// Whether the watched budget says other than its ledger does: scalers change the ledger, and what is said of it is this reconcile's.
pub(super) fn is_behind(budget: &Budget) -> bool {
    let Ok(Some(status)) = budget.0.as_ref().map(|budget| budget.status.as_ref()) else { return false };
    let Ok(ledger) = ledger::read(Some(status)) else { return false };
    let says_over = status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::OverBudget.as_str() && condition.status == ConditionStatus::True.as_str()
    });
    (ledger.over_by() > Connections::ZERO) != says_over || surplus_is_news(&ledger, status)
}

/// Whether what the ledger notes of replicas that nobody was granted is not what the status says.
fn surplus_is_news(ledger: &Ledger, status: &ConnectionBudgetStatus) -> bool {
    let said = |name: &str| {
        let assumptions = status.promises.iter().flat_map(|promises| &promises.assumptions);
        assumptions
            .into_iter()
            .find(|said| said.name == name)
            .is_some_and(|said| said.evidence == EvidenceState::Contradicted)
    };
    [(Surplus::ScaledByOthers, Assumption::ScaledHereOnly), (Surplus::BeyondReserve, Assumption::RolloutsCovered)]
        .into_iter()
        .any(|(surplus, assumption)| {
            ledger.entries.values().any(|entry| entry.surplus == Some(surplus)) != said(assumption.as_str())
        })
}

/// How soon a budget whose status could not be stored is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What to do when a budget's status could not be stored.
pub(super) fn failed(error: &LedgerError) -> Action {
    tracing::warn!(%error, "budget not stored");
    Action::requeue(AGAIN)
}
