//! `make demo`: one spike with a connection budget, the same without, and the two side by side.

use std::{fs, path::PathBuf, pin::pin, process::ExitCode, sync::Mutex};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use hybridscaler_e2e::{
    bed::Bed,
    demo::{
        self,
        record::{Record, Variant},
        report::{Comparison, failures},
        svg::Picture,
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Scales two services that share a PostgreSQL through a spike, once with a connection budget and once without.
///
/// Everything runs on this machine and ends with the demo. It succeeds only if the budget did what it is for.
#[derive(Debug, Parser)]
struct Options {
    /// What the jitter of the load is made from; the same number gives the same load.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Makes these runs instead.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "budgeted,unbudgeted")]
    runs: Vec<Variant>,
    /// Where to write what was measured, second by second, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where to write the picture of the runs.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match attempt(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever ends it, all that it started ends with it, and the logs are kept unless all went well.
async fn attempt(options: &Options) -> Result<()> {
    let mut ended = pin!(ended());
    let mut bed = tokio::select! {
        bed = Bed::own("demo") => bed?,
        ended = &mut ended => return ended,
    };
    let outcome = tokio::select! {
        outcome = perform(&bed, options) => outcome,
        ended = ended => ended,
    };
    if outcome.is_err() {
        bed.keep();
    }
    outcome
}

async fn perform(bed: &Bed, options: &Options) -> Result<()> {
    log_to_a_file(bed)?;
    let records = demo::perform(bed, &options.runs, options.seed).await?;
    write_files(&records, options)?;
    print!("\n{}", Comparison(&records));
    let failures = failures(&records);
    ensure!(failures.is_empty(), "the budget did not show what it is for:\n{}", failures.join("\n"));
    Ok(())
}

/// The terminal belongs to the view.
fn log_to_a_file(bed: &Bed) -> Result<()> {
    let path = bed.logs().join("demo.log");
    let file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file)).init();
    Ok(())
}

fn write_files(records: &[Record], options: &Options) -> Result<()> {
    let write = |path: &PathBuf, text: String| {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    if let Some(path) = &options.report {
        write(path, serde_json::to_string_pretty(records)? + "\n")?;
    }
    if let Some(path) = &options.svg {
        write(path, Picture(records).to_string())?;
    }
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM, which are both errors here.
async fn ended() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    bail!("interrupted")
}
