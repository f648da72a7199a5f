//! The demo: two services, one database, ten times the load, with a connection budget and without.

mod clamp;
mod fleet;
mod gauges;
mod manifests;
pub mod record;
pub mod report;
mod run;
mod stage;
mod story;
pub mod svg;
mod view;

use anyhow::Result;

use self::{
    fleet::Fleet,
    record::{Record, Variant},
    stage::Stage,
    view::View,
};
use crate::bed::Bed;

/// What the first run is about.
const INTRODUCTION: &str = "
order-worker (a Deployment) and core-api (an ECS service) work off a queue each. Every replica opens 10 connections to one
PostgreSQL that accepts 360. For 30 seconds ten times the messages arrive, and each service wants 50 replicas: 1,000 connections
together. payments, which nobody scales, opens a fresh connection to the same database every half second.
";

/// Makes the runs, one after the other, showing each as it goes, and at the end every decision of theirs again, from its record.
///
/// # Errors
///
/// A part does not come up or does not answer, or a decision comes out differently.
pub async fn perform(bed: &Bed, variants: &[Variant], seed: u64) -> Result<Vec<Record>> {
    let mut view = View::new();
    view.say("starting the operator on a Kubernetes control plane, a served AWS and PostgreSQL")?;
    let stage = Stage::set(bed).await?;
    let mut records = Vec::new();
    for variant in variants.iter().copied() {
        view.say(match variant {
            Variant::Budgeted => INTRODUCTION,
            Variant::Unbudgeted => "\nThe same load without the budget:",
            Variant::StaticMaximum => "\nThe same load with a fixed maximum for each service:",
            Variant::Clamped => "\nThe same load, each service held to the connections that it sees free:",
        })?;
        let fleet = Fleet::raise(&stage, variant).await?;
        records.push(run::run(&stage, &fleet, seed, &mut view).await?);
        fleet.clear().await?;
    }
    view.say(&stage.replay().await?)?;
    Ok(records)
}
