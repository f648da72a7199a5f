//! One run: two services under load, watched from the other side.

use std::time::Duration;

use anyhow::{Context, Result};
use hybridscaler::api::HybridScaler;
use kube::{Api, ResourceExt, runtime::wait::await_condition};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_postgres::NoTls;

use super::{
    clamp,
    fleet::{BYSTANDER, Fleet},
    manifests::CLUSTER,
    record::{self, Moment, Record, SERVICES, Variant},
    stage::{NAMESPACE, Stage},
    story,
    view::View,
};
use crate::{
    bed::postgres::Sample,
    runner::{Bystander, Producer, Totals},
};

/// How long the operator may take until it has read everything that its scalers need.
const PATIENCE: Duration = Duration::from_mins(1);

/// Puts the load on the fleet until its queues are drained, but no longer than the story allows.
///
/// # Errors
///
/// A part does not answer.
pub(super) async fn run(stage: &Stage<'_>, fleet: &Fleet<'_>, seed: u64, view: &mut View) -> Result<Record> {
    let scalers = timeout(PATIENCE, decided(stage, fleet.variant));
    for scaler in scalers.await.context("the scalers decide nothing: see the log of the operator")?? {
        for connections in scaler.status.iter().flat_map(|status| &status.connections) {
            let (name, covers) = (scaler.name_any(), connections.covers.as_deref().unwrap_or("unknown"));
            view.say(&format!("{name} is held to {}; rolloutReserve Surge {covers}", connections.budget))?;
        }
    }
    let mut seeds = seed..;
    let producers = fleet.services.each_ref().map(|service| {
        // Each service gets its own jitter.
        let seed = seeds.next().unwrap_or(seed);
        Producer::start(service.sqs.clone(), &service.queue_url, story::SCHEDULE, seed)
    });
    let bystander = Bystander::start(BYSTANDER, fleet.database.url(BYSTANDER).parse()?);
    let mut watch = Watch::begin(stage, fleet, bystander)?;
    let spiked = story::SCHEDULE.spike_at + story::SCHEDULE.spike_for;
    let longest = match fleet.variant {
        Variant::Unbudgeted => story::CUT,
        Variant::Budgeted | Variant::StaticMaximum | Variant::Clamped => story::LONGEST,
    };
    let clamped = clamp::hold(stage, fleet);
    tokio::pin!(clamped);
    let mut moments: Vec<Moment> = Vec::new();
    let mut drained_after = None;
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while watch.begun.elapsed() < longest && drained_after.is_none() {
        tokio::select! {
            _ = ticks.tick() => {}
            failed = &mut clamped, if fleet.variant == Variant::Clamped => match failed? {},
        }
        let moment = watch.moment().await?;
        view.show(&moment)?;
        let drained = moment.services.iter().all(|service| service.waiting <= story::DRAINED);
        if drained && watch.begun.elapsed() > spiked {
            drained_after = Some(moment.at);
        }
        moments.push(moment);
    }
    Ok(Record {
        variant: fleet.variant,
        seed,
        peak_connections: moments.iter().map(|moment| moment.connections).max().unwrap_or(0),
        moments,
        sent: producers.iter().map(Producer::sent).sum(),
        handled: handled(fleet).await?,
        drained_after,
    })
}

/// Waits until each scaler has made a decision, and knows its budget if it has one.
async fn decided(stage: &Stage<'_>, variant: Variant) -> Result<Vec<HybridScaler>> {
    let scalers = Api::<HybridScaler>::namespaced(stage.kube.clone(), NAMESPACE);
    let mut found = Vec::new();
    for service in SERVICES {
        let decided = |scaler: Option<&HybridScaler>| {
            let status = scaler.and_then(|scaler| scaler.status.as_ref());
            status.is_some_and(|status| {
                status.wanted_replicas.is_some() && (variant != Variant::Budgeted || status.allowed_replicas.is_some())
            })
        };
        found.extend(await_condition(scalers.clone(), service, decided).await?);
    }
    Ok(found)
}

/// How many messages the database knows of as handled.
async fn handled(fleet: &Fleet<'_>) -> Result<u64> {
    let (client, connection) = tokio_postgres::connect(&fleet.database.url("postgres"), NoTls).await?;
    tokio::spawn(connection);
    let row = client.query_one("SELECT count(*) FROM handled", &[]).await?;
    Ok(u64::try_from(row.try_get::<_, i64>(0)?)?)
}

/// A run that is under way.
struct Watch<'a> {
    stage: &'a Stage<'a>,
    fleet: &'a Fleet<'a>,
    bystander: Bystander,
    begun: Instant,
    /// How many samples of connections were looked at.
    sampled: usize,
    /// What `core-api` had done at the moment before, and when that was.
    before: (Totals, Instant),
}

impl<'a> Watch<'a> {
    fn begin(stage: &'a Stage<'a>, fleet: &'a Fleet<'a>, bystander: Bystander) -> Result<Self> {
        let begun = Instant::now();
        let [_, core_api] = &fleet.services;
        // From the newest sample on: what is open when the load begins.
        let sampled = fleet.sampler.samples()?.len().saturating_sub(1);
        Ok(Self { stage, fleet, bystander, begun, sampled, before: (core_api.counters.totals(), begun) })
    }

    /// What there is to see now.
    async fn moment(&mut self) -> Result<Moment> {
        let samples = self.fleet.sampler.samples()?;
        let new = samples.get(self.sampled..).unwrap_or_default();
        let connections = new.iter().map(Sample::connections).max().unwrap_or(0);
        self.sampled = samples.len();
        self.report_cpu();
        let services = self.services().await?;
        let suffered = self.bystander.suffered();
        Ok(Moment {
            at: self.begun.elapsed().as_secs_f64(),
            connections,
            refused: self.fleet.database.refusals()?.try_into()?,
            crashed: self.fleet.services.iter().map(|service| service.counters.totals().crashed).sum(),
            bystander_asked: suffered.asked,
            bystander_failed: suffered.failed,
            services,
        })
    }

    async fn services(&self) -> Result<[record::Service; 2]> {
        let scalers = Api::<HybridScaler>::namespaced(self.stage.kube.clone(), NAMESPACE);
        let gauges = self.stage.gauges().await?;
        let mut services: [record::Service; 2] = Default::default();
        for ((service, shown), queue) in self.fleet.services.iter().zip(&mut services).zip(&self.fleet.queues) {
            let depth = self.stage.aws.sqs().depth(queue)?;
            let status = scalers.get(&service.name).await?.status.unwrap_or_default();
            *shown = record::Service {
                waiting: depth.visible.try_into()?,
                in_flight: depth.in_flight.try_into()?,
                wanted: gauges.replicas("hybridscaler_replicas_wanted", &service.name),
                allowed: gauges.replicas("hybridscaler_replicas_allowed", &service.name),
                desired: gauges.replicas("hybridscaler_replicas_desired", &service.name),
                running: service.counters.totals().working.try_into()?,
                decision: status.headline.unwrap_or_default(),
            };
        }
        Ok(services)
    }

    /// Tells `CloudWatch` how busy the tasks of `core-api` were since the moment before: the share of their time that they spent
    /// on messages.
    fn report_cpu(&mut self) {
        let [_, core_api] = &self.fleet.services;
        let (totals, now) = (core_api.counters.totals(), Instant::now());
        let (before, at) = std::mem::replace(&mut self.before, (totals, now));
        let busy = totals.busy.saturating_sub(before.busy).as_secs_f64();
        let replicas = u32::try_from(totals.working).unwrap_or(u32::MAX);
        let time = now.duration_since(at).as_secs_f64() * f64::from(replicas);
        if time > 0.0 {
            self.stage.aws.cloudwatch().report_cpu(CLUSTER, &core_api.name, 100.0 * busy / time);
        }
    }
}
