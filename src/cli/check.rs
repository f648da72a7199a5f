//! `hybridscaler check`: what is wrong with manifests, without a cluster: the API server's verdict on each object, and what only a
//! look across all of them shows.

mod across;
mod report;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    budget::Assumptions,
    manifest::{Manifests, Previous},
    tell,
};

pub use super::manifest::{Check, Finding, Place, Problem, Severity, Source};

/// Exit codes: findings; a file that cannot be read.
const FINDINGS: u8 = 1;
const UNREADABLE: u8 = 2;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Files with manifests, of any kinds; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A file with the objects as they are now: what may not change is checked too.
    #[arg(long, value_name = "FILE")]
    previous: Vec<PathBuf>,
    /// Fail on warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// How findings are printed.
    #[arg(short, long, value_enum, default_value = "text")]
    output: report::Format,
    #[command(flatten)]
    assumptions: Assumptions,
}

/// Prints what it finds. Exit code 0 when there is nothing, 1 when there is something, 2 when a file cannot be read.
pub(super) fn run(args: &Args) -> ExitCode {
    match findings(args) {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            ExitCode::from(UNREADABLE)
        }
    }
}

fn findings(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { files, previous, deny_warnings, output, assumptions } = args;
    let read = |files: &[PathBuf]| files.iter().map(|file| Source::read(file).map(Arc::new)).collect();
    let sources: anyhow::Result<Vec<Arc<Source>>> = read(files);
    let previous: anyhow::Result<Vec<Arc<Source>>> = read(previous);
    let (sources, previous) = (sources?, previous?);
    let (checked, findings) = look(&sources, &previous, assumptions);
    report::Report { findings: &findings, checked, files: sources.len() }.print(*output)?;
    let counts = |finding: &Finding| *deny_warnings || finding.severity == Severity::Error;
    Ok(if findings.iter().any(counts) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// Everything that is wrong with the manifests in some texts, as the command finds it without options; `previous` are the objects as
/// they are stored now.
pub fn check(sources: &[Arc<Source>], previous: &[Arc<Source>]) -> Vec<Finding> {
    look(sources, previous, &Assumptions::default()).1
}

/// How many objects of our kinds there are, and what is wrong with them, in the order of the files.
fn look(sources: &[Arc<Source>], previous: &[Arc<Source>], assumptions: &Assumptions) -> (usize, Vec<Finding>) {
    let mut manifests = Manifests::of(sources, &Previous::read(previous));
    let mut findings = std::mem::take(&mut manifests.findings);
    // Of one field the first word is enough.
    let is_told = |across: &Finding| {
        let same = |told: &Finding| told.object == across.object && told.problem.field == across.problem.field;
        findings.iter().any(same)
    };
    let across: Vec<_> = across::check(&manifests, assumptions).into_iter().filter(|across| !is_told(across)).collect();
    findings.extend(across);
    if manifests.ours == 0 && findings.is_empty() {
        findings.extend(sources.first().map(nothing_of_ours));
    }
    let at = |finding: &Finding| {
        let file = sources.iter().position(|source| Arc::ptr_eq(source, &finding.place.source));
        (file, finding.place.span.start)
    };
    findings.sort_by_key(at);
    (manifests.ours, findings)
}

/// A check that looks at nothing finds nothing, whatever is wrong: it is told where it began.
fn nothing_of_ours(source: &Arc<Source>) -> Finding {
    Finding {
        severity: Severity::Warning,
        place: Place { source: source.clone(), span: 0..0 },
        problem: Problem {
            check: Check::Unknown,
            field: String::new(),
            message: "none of the files has a HybridScaler or a ConnectionBudget".into(),
            mend: "name the files that have one".into(),
        },
        object: None,
        value: None,
    }
}
