//! `make measure`: what the operator costs and how soon it acts, as Markdown.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use hybridscaler_e2e::{
    bed::Bed,
    measure::{self, Table},
};

/// Measures an operator with two scalers and one budget on a real control plane, and prints tables for docs/measurements.md.
///
/// Name an optimized build of the operator in `HYBRIDSCALER_BIN`. Takes four minutes, all on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// What the moments at which a queue changes are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match attempt(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn attempt(options: &Options) -> Result<()> {
    let mut bed = Bed::own("measure").await?;
    match measure::perform(&bed, options.seed).await {
        Ok(figures) => {
            print!("{}", Table(&figures));
            Ok(())
        }
        Err(error) => {
            bed.keep();
            Err(error)
        }
    }
}
