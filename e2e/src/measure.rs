//! What the operator costs and how soon it acts: the figures of `docs/measurements.md`.
//!
//! Two scalers, one of a Deployment and one of an ECS service, are charged to one budget. Only the operator under test should
//! be an optimized build; everything around it may be the development build.

mod burst;
mod cost;
mod delay;
mod scene;
mod spread;
mod start;
mod table;

use std::time::Duration;

use anyhow::Result;

use self::{
    cost::Cost,
    delay::Delays,
    scene::Scene,
    start::{Start, Stopped},
};
use crate::bed::Bed;

pub use self::{
    burst::Bursts,
    table::{BurstTable, Table},
};

/// How often the operator is started.
const STARTS: usize = 10;

/// All that was measured.
#[derive(Debug)]
pub struct Figures {
    starts: Vec<Start>,
    stops: Vec<Duration>,
    cost: Cost,
    delays: Delays,
}

/// Measures; takes four minutes, most of which is waiting. `seed` sets the moments at which the queue changes.
///
/// # Errors
///
/// A part does not come up, or the operator does not do in time what is measured.
pub async fn perform(bed: &Bed, seed: u64) -> Result<Figures> {
    eprintln!("measure: a control plane, a served AWS and the operator come up");
    let mut scene = Scene::set(bed).await?;
    let (mut starts, mut stops) = (Vec::new(), Vec::new());
    eprintln!("measure: {STARTS} starts");
    for _ in 0..STARTS {
        let Stopped { took, launch } = scene.stop().await?;
        stops.push(took);
        scene.renew().await?;
        starts.push(scene.start(launch).await?);
    }
    eprintln!("measure: {} s of rest", cost::REST.as_secs());
    let cost = Cost::at_rest(scene.operator()?.id()).await?;
    eprintln!("measure: {} changes of a queue", delay::CHANGES);
    let delays = Delays::measure(&scene, seed).await?;
    stops.push(scene.stop().await?.took);
    Ok(Figures { starts, stops, cost, delays })
}
