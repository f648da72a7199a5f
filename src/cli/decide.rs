//! `hybridscaler decide`: one decision from a document, or those of a record again.

mod input;
mod replay;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use crate::api::decision::DecisionOutput;

pub use self::input::{Input, read};
pub use super::manifest::{Finding, Source};
use super::{manifest::Findings, tell};

/// Exit codes: a document that cannot be decided on, a decision that came out differently; a file that cannot be read.
const FINDINGS: u8 = 1;
const UNREADABLE: u8 = 2;

#[derive(clap::Args)]
pub(super) struct Args {
    /// What to decide on, in YAML or JSON, as docs/decide.md has it; `-` is standard input.
    #[arg(default_value = "-", value_name = "FILE")]
    file: PathBuf,
    /// FILE is a record of the operator: make each of its decisions again, and stop at the first that comes out differently.
    #[arg(long, conflicts_with = "output")]
    replay: bool,
    /// How the decision is printed.
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: Format,
}

/// A form in which a decision is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The decision, its explanation and the history after it.
    Yaml,
    /// The same as JSON.
    Json,
    /// The explanation in words.
    Text,
}

/// Exit code 0 when it is decided, 1 when something is wrong with the document or comes out differently, 2 when the file cannot be
/// read.
pub(super) fn run(args: &Args) -> ExitCode {
    let Args { file, replay, output } = args;
    let source = match Source::read(file) {
        Ok(source) => Arc::new(source),
        Err(error) => {
            tell(&error);
            return ExitCode::from(UNREADABLE);
        }
    };
    let done = if *replay { replay::run(&source) } else { decide(&source, *output) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::from(FINDINGS)
        }
    }
}

fn decide(source: &Arc<Source>, format: Format) -> anyhow::Result<()> {
    let output = read(source).and_then(|input| input.decide()).map_err(Findings)?;
    print(&output, format)
}

fn print(output: &DecisionOutput, format: Format) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Yaml => out.write_all(serde_saphyr::to_string(output)?.as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, output)?;
            writeln!(out)?;
        }
        Format::Text => writeln!(out, "{}", output.explanation.text)?,
    }
    Ok(())
}
