//! `make measure`: what the operator costs and how soon it acts, as Markdown.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use hybridscaler_e2e::{
    bed::Bed,
    measure::{self, BurstTable, Bursts, Table},
};

/// Measures an operator on a real control plane, and prints tables for docs/measurements.md.
///
/// Name an optimized build of the operator in `HYBRIDSCALER_BIN`. Takes some minutes, all on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// What is measured.
    #[arg(value_enum, default_value_t = Subject::Operator)]
    subject: Subject,
    /// What the moments at which a queue changes are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    /// What an operator with two scalers costs, and how soon it acts.
    Operator,
    /// A hundred consumers of one budget that rise and fall at once.
    Budget,
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
    let measured = match options.subject {
        Subject::Operator => measure::perform(&bed, options.seed).await.map(|figures| Table(&figures).to_string()),
        Subject::Budget => Bursts::measure(&bed).await.map(|bursts| BurstTable(&bursts).to_string()),
    };
    match measured {
        Ok(table) => {
            print!("{table}");
            Ok(())
        }
        Err(error) => {
            bed.keep();
            Err(error)
        }
    }
}
