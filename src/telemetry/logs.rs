//! Structured logs on standard error, filtered by `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::Directive, util::SubscriberInitExt};

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line, for log collectors.
    Json,
    /// For people.
    Text,
}

/// Installs the process's logger: level `info` unless `RUST_LOG` says otherwise.
///
/// # Errors
/// A logger is installed already.
pub fn init(format: Format) -> Result<(), tracing_subscriber::util::TryInitError> {
    let filter = EnvFilter::builder().with_default_directive(Directive::from(tracing::Level::INFO)).from_env_lossy();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Json => builder.json().flatten_event(true).finish().try_init(),
        Format::Text => builder.with_ansi(std::io::stderr().is_terminal()).finish().try_init(),
    }
}
