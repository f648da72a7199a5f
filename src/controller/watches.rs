//! What is watched in the cluster, and whom a change concerns.

use std::sync::Arc;

use futures::{Stream, TryStreamExt, channel::mpsc::UnboundedSender};
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
    context::{Budget, Context, Scaler, ScalerRef, key},
};

/// Scalers whose spec changed. Those that are gone are forgotten, and budgets that they leave behind are to be looked at: `late`.
pub(super) fn scalers(
    client: Client,
    writer: Writer<Scaler>,
    ctx: &Arc<Context>,
    late: UnboundedSender<ObjectRef<Budget>>,
) -> impl Stream<Item = Result<Scaler, watcher::Error>> + Send + 'static {
    let ctx = Arc::clone(ctx);
    watcher(Api::<Scaler>::all(client), watcher::Config::default())
        .default_backoff()
        .modify(|scaler| scaler.managed_fields_mut().clear())
        .reflect(writer)
        .inspect_ok(move |event| heed_scaler(event, &ctx, &late))
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default())
}

/// Budgets whose spec changed; those whose conditions are behind their ledgers are `late`. Wakes the scalers that wait for room where there
/// is more now.
pub(super) fn budgets(
    client: Client,
    writer: Writer<Budget>,
    ctx: &Arc<Context>,
    late: UnboundedSender<ObjectRef<Budget>>,
) -> impl Stream<Item = Result<Budget, watcher::Error>> + Send + 'static {
    let ctx = Arc::clone(ctx);
    watcher(Api::<Budget>::all(client), watcher::Config::default())
        .default_backoff()
        .modify(|budget| budget.managed_fields_mut().clear())
        .reflect(writer)
        .inspect_ok(move |event| heed_budget(event, &ctx, &late))
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default())
}

/// What follows from an event of the watch of scalers.
pub(super) fn heed_scaler(event: &Event<Scaler>, ctx: &Context, late: &UnboundedSender<ObjectRef<Budget>>) {
    if let Event::Apply(scaler) | Event::Delete(scaler) = event {
        // Sending fails only when nobody listens any more, at the end of the process.
        for budget in left_behind(scaler, matches!(event, Event::Delete(_)), ctx) {
            let _ = late.unbounded_send(budget);
        }
    }
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

/// Budgets that are charged for the replicas of `scaler` although it is `gone`, or refers to others now.
fn left_behind(scaler: &Scaler, gone: bool, ctx: &Context) -> Vec<ObjectRef<Budget>> {
    let (namespace, uid) = (scaler.namespace().unwrap_or_default(), scaler.uid().unwrap_or_default());
    let consumer = key(&namespace, &scaler.name_any());
    let left = |object: &Budget| {
        let budget = object.0.as_ref().ok()?;
        let (of, name) = (budget.namespace()?, budget.name_any());
        let refers = !gone && scaler.0.as_ref().map_or(true, |scaler| scaler.spec.refers_to(&namespace, &of, &name));
        let charged = budget.status.as_ref()?.ledger.as_ref()?.charges(&consumer, &uid);
        (charged && !refers).then(|| ObjectRef::from_obj(object))
    };
    ctx.budgets.state().iter().filter_map(|budget| left(budget)).collect()
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
