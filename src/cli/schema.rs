//! `hybridscaler schema`: what the documents look like that the command line reads.

use std::io::{self, Write};

use crate::api::decision::DecisionInput;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which document.
    document: Document,
}

/// A document that the command line reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Document {
    /// What `hybridscaler decide` decides on.
    DecisionInput,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let schema = match args.document {
        Document::DecisionInput => DecisionInput::schema(),
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema)?;
    Ok(writeln!(out)?)
}
