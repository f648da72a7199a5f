//! `hybridscaler budget fit`: how many replicas fit into a budget, for each setting that changes the answer.

mod table;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use hybridscaler_core::Replicas;

use self::table::Table;
use super::{
    capacity::{Assumptions, Capacity, Reference},
    setting::Setting,
};
use crate::{
    api::{HybridScaler, into_core::ConnectionDemand},
    cli::manifest::{Finding, Findings, Found, Manifests},
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Files with manifests: scalers, the budgets they draw on, and the Deployments they scale.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    assumptions: Assumptions,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let manifests = Manifests::sound(&args.files)?;
    if manifests.scalers.is_empty() {
        let files: Vec<_> = args.files.iter().map(|file| file.display().to_string()).collect();
        anyhow::bail!("no HybridScaler in {}: name the files that hold one", files.join(", "));
    }
    let (mut printed, mut wrong) = (Vec::new(), Vec::new());
    for scaler in &manifests.scalers {
        match tables(scaler, &manifests, &args.assumptions) {
            Ok(tables) => printed.extend(tables.iter().map(Table::to_string)),
            // A budget that many draw on is wrong once.
            Err(findings) => {
                wrong.extend(findings.into_iter().filter(|finding| !wrong.contains(finding)).collect::<Vec<_>>());
            }
        }
    }
    if !wrong.is_empty() {
        return Err(Findings(wrong).into());
    }
    Ok(io::stdout().write_all(printed.join("\n").as_bytes())?)
}

/// One table for each budget that a scaler draws on, or everything that stands in the way of one.
fn tables(
    scaler: &Found<HybridScaler>,
    manifests: &Manifests,
    assumptions: &Assumptions,
) -> Result<Vec<Table>, Vec<Finding>> {
    let namespace = scaler.namespace();
    let spec = &scaler.object.spec;
    let target = spec.target_ref.target().map_err(|error| vec![scaler.unusable(&error)])?;
    let demands = spec.connection_demands(&namespace).map_err(|error| vec![scaler.unusable(&error)])?;
    if demands.is_empty() {
        let message = "sets no connections, so no budget applies";
        return Err(vec![scaler.error("spec", message, "set spec.connections")]);
    }
    let replicas = |count: i32| Replicas(u32::try_from(count).unwrap_or_default());
    let table = |(index, demand): (usize, ConnectionDemand)| -> Result<Table, Box<Finding>> {
        Ok(Table {
            scaler: scaler.path(),
            target: target.to_string(),
            bounds: (replicas(spec.min_replicas), replicas(spec.max_replicas)),
            capacity: capacity(&demand, index, scaler, manifests, assumptions)?,
            settings: Setting::all(target, &namespace, manifests, assumptions.maximum_percent())?,
            demand,
        })
    };
    let (mut tables, mut wrong) = (Vec::new(), Vec::new());
    for demand in demands.into_iter().enumerate() {
        match table(demand) {
            Ok(table) => tables.push(table),
            Err(finding) => wrong.push(*finding),
        }
    }
    if wrong.is_empty() { Ok(tables) } else { Err(wrong) }
}

/// What the budget of a scaler's connections at `index` has to give: here nothing about it may be missing.
fn capacity(
    demand: &ConnectionDemand,
    index: usize,
    scaler: &Found<HybridScaler>,
    manifests: &Manifests,
    assumptions: &Assumptions,
) -> Result<Capacity, Box<Finding>> {
    let budget = match Reference::of(demand, index, scaler, manifests) {
        Reference::Admitted(budget) => budget,
        Reference::Refused(problem) | Reference::Missing(problem) => return Err(problem.into()),
    };
    let capacity = Capacity::of(budget, assumptions).map_err(|error| budget.unusable(&error))?;
    let unknown = || {
        let message = "spec.capacity is read from the server, which is not asked here";
        budget.error("spec.capacity.postgres", message, "pass --max-connections and --reserved")
    };
    capacity.ok_or_else(|| unknown().into())
}
