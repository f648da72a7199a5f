//! `hybridscaler budget`: questions about connection budgets, answered from manifests.

mod fit;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Tell how many replicas each reserve setting allows, and which setting changes it.
    Fit(fit::Args),
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Fit(args) => fit::run(&args),
    }
}
