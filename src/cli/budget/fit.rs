//! `hybridscaler budget fit`: how many replicas fit into a budget, for each setting that changes the answer.

mod capacity;
mod setting;
mod table;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use kube::ResourceExt;

use self::{capacity::Capacity, setting::Setting, table::Table};
use crate::{
    api::HybridScaler,
    cli::manifest::{Found, Manifests},
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Files with manifests: scalers, the budgets they draw on, and the Deployments they scale.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What `SHOW max_connections` says, for budgets that read their capacity from PostgreSQL.
    #[arg(long, value_name = "CONNECTIONS")]
    max_connections: Option<u32>,
    /// What that server keeps for itself: `superuser_reserved_connections` plus `reserved_connections`, on RDS also
    /// `rds.rds_superuser_reserved_connections`.
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 3)]
    reserved: u32,
    /// `maximumPercent` in the deployment configuration of the ECS services.
    #[arg(long, value_name = "PERCENT", default_value_t = 200)]
    maximum_percent: u32,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let manifests = Manifests::read(&args.files)?;
    if manifests.scalers.is_empty() {
        let files: Vec<_> = args.files.iter().map(|file| file.display().to_string()).collect();
        anyhow::bail!("no HybridScaler in {}: name the files that hold one", files.join(", "));
    }
    let mut printed = Vec::new();
    for scaler in &manifests.scalers {
        printed.extend(tables(scaler, &manifests, args)?.iter().map(Table::to_string));
    }
    Ok(io::stdout().write_all(printed.join("\n").as_bytes())?)
}

/// One table for each budget that a scaler draws on.
fn tables(scaler: &Found<HybridScaler>, manifests: &Manifests, args: &Args) -> anyhow::Result<Vec<Table>> {
    let namespace = scaler.namespace();
    let spec = &scaler.object.spec;
    let policy = spec.policy().map_err(|error| scaler.problem(&error))?;
    let target = spec.target_ref.target().map_err(|error| scaler.problem(&error))?;
    let demands = spec.connection_demands(&namespace).map_err(|error| scaler.problem(&error))?;
    if demands.is_empty() {
        return Err(scaler.at("spec", "sets no connections, so no budget applies: set spec.connections").into());
    }
    let table = |demand| {
        Ok(Table {
            scaler: format!("{namespace}/{}", scaler.object.name_any()),
            target: target.to_string(),
            bounds: (policy.min, policy.max),
            capacity: Capacity::of(&demand, scaler, manifests, args)?,
            settings: Setting::all(target, &namespace, manifests, args.maximum_percent)?,
            demand,
        })
    };
    demands.into_iter().map(table).collect()
}
