//! `hybridscaler schema`: what the documents look like that the command line reads and writes.

use std::io::{self, Write};

use crate::api::decision::{DecisionInput, DecisionOutput};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which document.
    document: Document,
}

/// A document that the command line reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Document {
    /// What `hybridscaler decide` decides on.
    DecisionInput,
    /// What it answers, as YAML or JSON.
    DecisionOutput,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let schema = match args.document {
        Document::DecisionInput => DecisionInput::schema(),
        Document::DecisionOutput => DecisionOutput::schema(),
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema)?;
    Ok(writeln!(out)?)
}
