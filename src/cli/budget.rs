//! `hybridscaler budget`: questions about connection budgets, answered from manifests.

mod capacity;
mod fit;
mod init_sql;
mod setting;

use clap::Subcommand;

pub(super) use self::{
    capacity::{Assumptions, Capacity, Reference},
    setting::own_shape,
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Tell how many replicas each reserve setting allows, and which setting changes it.
    Fit(fit::Args),
    /// Print the SQL of the role that a budget reads its database with.
    InitSql(init_sql::Args),
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Fit(args) => fit::run(&args),
        Command::InitSql(args) => init_sql::run(args),
    }
}
