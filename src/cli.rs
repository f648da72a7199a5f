//! How the binary is called: one module for each subcommand.

mod budget;
pub mod check;
mod controller;
mod crds;
pub mod decide;
mod explain;
mod manifest;
mod schema;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// An autoscaler for Kubernetes workloads and ECS services that never opens more connections than the database accepts.
#[derive(Parser)]
#[command(name = "hybridscaler", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer questions about connection budgets from manifests, without a cluster.
    #[command(subcommand)]
    Budget(budget::Command),
    /// Tell what is wrong with manifests, without a cluster.
    Check(check::Args),
    /// Run the operator.
    Controller(controller::Args),
    /// Print the CRDs of both kinds.
    Crds(crds::Args),
    /// Decide on a document instead of a cluster, and explain it.
    Decide(decide::Args),
    /// Tell what the operator last decided for a scaler, and why.
    Explain(explain::Args),
    /// Print the JSON schema of a document.
    Schema(schema::Args),
}

/// Runs what the command line asks for. An error is printed with its causes, and ends in exit code 1; wrong usage in 2.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Budget(command) => budget::run(command),
        Command::Check(args) => return check::run(&args),
        Command::Controller(args) => controller::run(args),
        Command::Crds(args) => crds::run(&args),
        Command::Decide(args) => return decide::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema(args) => schema::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints an error with its causes, unless it is that the reader of the output has seen enough, as `head` has.
fn tell(error: &anyhow::Error) {
    let left = |cause: &(dyn std::error::Error + 'static)| {
        let kind = match (cause.downcast_ref::<io::Error>(), cause.downcast_ref::<serde_json::Error>()) {
            (Some(error), _) => Some(error.kind()),
            (None, Some(error)) => error.io_error_kind(),
            (None, None) => None,
        };
        kind == Some(ErrorKind::BrokenPipe)
    };
    if !error.chain().any(left) {
        eprintln!("error: {error:#}");
    }
}
