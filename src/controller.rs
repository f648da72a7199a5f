//! The only place where the core and the adapters meet: watches in, reconciles out.
//!
//! Two controllers share one process: one for scalers, woken by changes of the object, by new readings of its signals, and by room in
//! its budget; one for budgets, woken by changes of the object and by its poll interval.

mod budget;
mod capacity;
mod clock;
mod context;
mod events;
mod grants;
mod intent;
mod memory;
mod report;
mod reservation;
mod scaler;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]
mod simulation;
mod strays;
pub(crate) mod target_id;
mod trouble;
mod watches;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt, channel::mpsc};
use kube::{
    Client, ResourceExt,
    runtime::{
        Controller,
        controller::{Action, Config as ControllerConfig},
        reflector,
    },
};
use prometheus::core::Collector;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{
    clock::Machine,
    context::{Context, Scaler, ScalerRef},
    events::Events,
    grants::Grants,
    memory::{Memory, Missed, back_off},
};
use crate::{
    api::{config::OperatorConfig, rbac::ServiceAccount},
    aws::{self, Aws},
    databases::Roots,
    ledger::{Counts, Ledgers},
    record::Recorder,
    signals::{Readers, Sources},
    targets::{EcsTargets, KubernetesTargets},
    telemetry::{admin, health::Readiness, metrics::Metrics},
};

/// What a controller needs to run.
pub struct Options {
    /// Where the cluster is, and as whom to call it.
    pub kube: kube::Config,
    /// What may be scaled, and who may use what.
    pub config: OperatorConfig,
    /// The ServiceAccount we run as, for the Roles that conditions print.
    pub account: ServiceAccount,
    /// The authorities that databases' certificates come from.
    pub database_roots: Roots,
    /// Where probes and metrics are served.
    pub listener: TcpListener,
    /// Where decisions are recorded, if they are.
    pub recorder: Recorder,
}

/// Why the controller could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster's configuration cannot be used.
    #[error("kubernetes client: {0}")]
    Client(#[source] Box<kube::Error>),
    /// A metric is defined twice.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// Probes and metrics cannot be served.
    #[error("serving probes and metrics: {0}")]
    Admin(#[from] std::io::Error),
}

/// The parts that a reconcile needs before it may decide: half a view is no view.
const SCALERS: &str = "the list of HybridScalers";
const BUDGETS: &str = "the list of ConnectionBudgets";

/// Events of one object within this time are one reconcile.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// Longest time that what is under way may take once we are told to stop.
const ORDERLY_STOP: Duration = Duration::from_secs(4);

/// Longest time that clients of the probes and metrics have to finish, once everything else has ended.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Runs until `stop` is cancelled, then ends in order: reconciles under way are finished, none is started.
///
/// # Errors
/// See [`Error`]. Trouble with single objects never ends the run.
///
/// # Access control
/// `get`, `list`, `watch` on both kinds, `update` on their status, `create` and `patch` on events, and what the targets need.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), Error> {
    let Options { mut kube, config, account, database_roots, listener, recorder } = options;
    // One client, and it never repeats a request by itself: a repeated write that had succeeded would be a conflict of our own
    // making, and nothing would bound the time it takes. Reconciles are repeated instead.
    kube.default_retry = false;
    let client = Client::try_from(kube).map_err(|error| Error::Client(Box::new(error)))?;
    let aws = Aws::new(aws::Options { endpoint_url: config.aws.endpoint_url.clone(), ..aws::Options::default() });
    let (sources, wakes) = Sources::new(Readers::new(aws.clone(), client.clone(), account.clone()));
    let metrics = Metrics::new(source_requests(sources.clone())?)?;
    metrics.add(left_out_of_record(recorder.clone())?)?;
    let ledgers = Ledgers::new(client.clone());
    metrics.add(ledger_operations(ledgers.clone())?)?;
    let readiness = Readiness::waiting_for([SCALERS, BUDGETS]);
    let (scalers, scaler_writer) = reflector::store();
    let (budgets, budget_writer) = reflector::store();
    let (wake, woken) = mpsc::unbounded();
    let ctx = Arc::new(Context {
        clock: Arc::new(Machine),
        kubernetes: KubernetesTargets::new(client.clone()),
        ecs: EcsTargets::new(aws),
        ledgers,
        databases: capacity::Databases::new(database_roots),
        events: Events::new(client.clone()),
        memory: Memory::default(),
        missed: Missed::default(),
        spent: Missed::default(),
        grants: Grants::default(),
        config,
        account,
        sources,
        recorder,
        metrics: metrics.clone(),
        scalers: scalers.clone(),
        budgets: budgets.clone(),
        client: client.clone(),
        readiness: readiness.clone(),
        read_capacities: Mutex::default(),
        rooms: Mutex::default(),
        wake,
    });
    let admin = tokio::spawn(admin::serve(listener, readiness.clone(), metrics, stop.clone()));

    let (late, behind) = mpsc::unbounded();
    let scaler_stream = watches::scalers(client.clone(), scaler_writer, &ctx, late.clone());
    let budget_stream = watches::budgets(client, budget_writer, &ctx, late);
    let config = ControllerConfig::default().debounce(DEBOUNCE);
    let all_scalers = Controller::for_stream(scaler_stream, scalers)
        .with_config(config.clone())
        .reconcile_on(futures::stream::select(wakes, woken))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(scaler::reconcile, |scaler, error, ctx| scaler_failed(&scaler, error, &ctx), Arc::clone(&ctx))
        .for_each(told);
    let all_budgets = Controller::for_stream(budget_stream, budgets)
        .with_config(config)
        .reconcile_on(behind)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(budget::reconcile, |_, error, _| budget::failed(error), ctx)
        .for_each(told);
    let reconciles = futures::future::join(all_scalers, all_budgets);
    tokio::pin!(reconciles);
    tokio::select! {
        _ = &mut reconciles => {}
        () = stop.cancelled() => {
            if tokio::time::timeout(ORDERLY_STOP, reconciles).await.is_err() {
                // Whatever hangs has reserved before it wrote: the next process finds the ledger ahead of the target, never behind.
                tracing::warn!("a reconcile did not end in {} s and was given up", ORDERLY_STOP.as_secs());
            }
        }
    }
    stop.cancel();
    match tokio::time::timeout(LAST_ANSWERS, admin).await {
        Ok(Ok(served)) => served.map_err(Error::Admin),
        Ok(Err(join)) => Err(Error::Admin(std::io::Error::other(join))),
        // A client that does not finish its request must not keep us.
        Err(_) => Ok(()),
    }
}

/// What a reconcile ended with was told by itself; a watch that fails has nobody else to tell. It is tried again with back-off.
async fn told<R, E, W>(outcome: Result<R, kube::runtime::controller::Error<E, W>>)
where
    E: std::error::Error + 'static,
    W: std::error::Error + 'static,
{
    if let Err(error @ kube::runtime::controller::Error::QueueError(_)) = outcome {
        tracing::warn!(error = %crate::text::chain(&error), "a watch failed");
    }
}

fn scaler_failed(scaler: &Scaler, error: &scaler::NotStored, ctx: &Context) -> Action {
    tracing::warn!(scaler = scaler.name_any(), namespace = scaler.namespace(), %error, "will be stored later");
    Action::requeue(back_off(2, &*ctx.clock))
}

/// The request counters of the signal readers, as a Prometheus metric.
fn source_requests(sources: Sources<ScalerRef>) -> Result<Box<dyn Collector>, prometheus::Error> {
    let counters = crate::telemetry::metrics::Counted::new(
        "hybridscaler_source_requests_total",
        "Polls of signal sources, by kind of source and outcome",
        ["source", "outcome"],
        move || {
            let counts = sources.counts().into_iter();
            counts
                .map(|count| ([count.kind.as_str(), count.unknown.map_or("ok", |why| why.as_str())], count.polls))
                .collect()
        },
    )?;
    Ok(Box::new(counters))
}

/// What happened at the ledgers, as a Prometheus metric: a step that shares a write with others is one of many.
fn ledger_operations(ledgers: Ledgers) -> Result<Box<dyn Collector>, prometheus::Error> {
    let counter = crate::telemetry::metrics::Counted::new(
        "hybridscaler_ledger_operations_total",
        "Steps asked of ledgers, the writes that stored them, and the writes that met a newer ledger",
        ["operation"],
        move || {
            let Counts { steps, writes, conflicts } = ledgers.counts();
            vec![(["step"], steps), (["write"], writes), (["conflict"], conflicts)]
        },
    )?;
    Ok(Box::new(counter))
}

/// The decisions that are missing in the record, as a Prometheus metric.
fn left_out_of_record(recorder: Recorder) -> Result<Box<dyn Collector>, prometheus::Error> {
    let counter = crate::telemetry::metrics::Counted::new(
        "hybridscaler_record_left_out_total",
        "Decisions that the record lacks, since they came too fast or could not be written",
        [],
        move || vec![([], recorder.left_out())],
    )?;
    Ok(Box::new(counter))
}
