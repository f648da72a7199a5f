//! What is watched in the cluster, and whom a change concerns.

use std::sync::Arc;

use futures::{
    Stream, TryStreamExt,
    channel::mpsc::{self, UnboundedReceiver, UnboundedSender},
};
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        WatchStreamExt, predicates,
        reflector::{ObjectRef, store::Writer},
        utils::PredicateConfig,
        watcher::{self, Event, watcher},
    },
};

use super::{
    BUDGETS, SCALERS, budget,
    context::{Budget, Context, Scaler, ScalerRef},
};

/// Scalers whose spec changed. Those that are gone are forgotten.
pub(super) fn scalers(
    client: Client,
    writer: Writer<Scaler>,
    ctx: &Arc<Context>,
) -> impl Stream<Item = Result<Scaler, watcher::Error>> + Send + 'static {
    let ctx = Arc::clone(ctx);
    watcher(Api::<Scaler>::all(client), watcher::Config::default())
        .default_backoff()
        .modify(|scaler| scaler.managed_fields_mut().clear())
        .reflect(writer)
        .inspect_ok(move |event| heed_scaler(event, &ctx))
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default())
}

/// Budgets whose spec changed, and those whose conditions are behind their ledgers. Wakes the scalers that wait for room where there is
/// more now.
pub(super) fn budgets(
    client: Client,
    writer: Writer<Budget>,
    ctx: &Arc<Context>,
) -> (impl Stream<Item = Result<Budget, watcher::Error>> + Send + 'static, UnboundedReceiver<ObjectRef<Budget>>) {
    let (late, behind) = mpsc::unbounded();
    let ctx = Arc::clone(ctx);
    let stream = watcher(Api::<Budget>::all(client), watcher::Config::default())
        .default_backoff()
        .modify(|budget| budget.managed_fields_mut().clear())
        .reflect(writer)
        .inspect_ok(move |event| heed_budget(event, &ctx, &late))
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default());
    (stream, behind)
}

/// What follows from an event of the watch of scalers.
pub(super) fn heed_scaler(event: &Event<Scaler>, ctx: &Context) {
    match event {
        // Not by `Store::wait_until_ready`: of several tasks that wait for one store, kube wakes only the last.
        Event::InitDone => {
            ctx.readiness.reached(SCALERS);
            ctx.sweep();
        }
        Event::Delete(_) => ctx.sweep(),
        Event::Init | Event::InitApply(_) | Event::Apply(_) => {}
    }
}

/// What follows from an event of the watch of budgets; one whose condition is behind its ledger is `late`.
pub(super) fn heed_budget(event: &Event<Budget>, ctx: &Context, late: &UnboundedSender<ObjectRef<Budget>>) {
    match event {
        // Sending fails only when nobody listens any more, at the end of the process.
        Event::Apply(changed) | Event::InitApply(changed) => {
            budget::show(changed, ctx);
            if budget::is_behind(changed) {
                let _ = late.unbounded_send(ObjectRef::from_obj(changed));
            }
            for scaler in who_waits_for(changed, ctx) {
                let _ = ctx.wake.unbounded_send(scaler);
            }
        }
        Event::InitDone => {
            ctx.readiness.reached(BUDGETS);
            ctx.sweep_budgets();
        }
        Event::Delete(_) => ctx.sweep_budgets(),
        Event::Init => {}
    }
}

/// The scalers that wait for room in `budget`, when it has more to give than before.
fn who_waits_for(budget: &Budget, ctx: &Context) -> Vec<ScalerRef> {
    if !ctx.has_more_room(budget) {
        return Vec::new();
    }
    let (namespace, name) = (budget.namespace().unwrap_or_default(), budget.name_any());
    let waits = |scaler: &Scaler| {
        let own = scaler.namespace().unwrap_or_default();
        let refers = scaler.0.as_ref().is_ok_and(|scaler| scaler.spec.refers_to(&own, &namespace, &name));
        refers && ctx.memory.waits_for_room(&scaler.uid().unwrap_or_default())
    };
    ctx.scalers.state().iter().filter(|scaler| waits(scaler)).map(|scaler| ObjectRef::from_obj(&**scaler)).collect()
}
