//! How findings are printed.

use std::io::{self, IsTerminal, Write};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::manifest::{Check, Finding, Problem, Severity},
    text::one_line,
};

/// A form in which findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people: the line of each finding, and what to do instead.
    Text,
    /// For programs: one document, described in docs/check.md.
    Json,
}

/// What a run found.
pub(super) struct Report<'a> {
    pub(super) findings: &'a [Finding],
    /// How many objects of our kinds there were.
    pub(super) checked: usize,
    /// How many files were read.
    pub(super) files: usize,
}

impl Report<'_> {
    /// Prints it to standard output, in colour when that is a terminal and `NO_COLOR` is not set.
    pub(super) fn print(&self, format: Format) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, &self.document())?;
                writeln!(out)
            }
            Format::Text => {
                let colored = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
                out.write_all(self.text(&if colored { Renderer::styled() } else { Renderer::plain() }).as_bytes())
            }
        }
    }

    fn text(&self, renderer: &Renderer) -> String {
        let found = self.findings.iter().map(|finding| format!("{}\n\n", excerpt(finding, renderer)));
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let result = match (errors, warnings) {
            (0, 0) => "all right".into(),
            (errors, 0) => of(errors, "error"),
            (0, warnings) => of(warnings, "warning"),
            (errors, warnings) => format!("{}, {}", of(errors, "error"), of(warnings, "warning")),
        };
        let checked = format!("{} in {}: {result}\n", of(self.checked, "object"), of(self.files, "file"));
        found.chain([checked]).collect()
    }

    fn document(&self) -> Document<'_> {
        Document {
            files: self.files,
            objects: self.checked,
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            findings: self.findings.iter().map(Entry::of).collect(),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// A finding with its line, and the mend below what is wrong.
fn excerpt(finding: &Finding, renderer: &Renderer) -> String {
    let Finding { severity, place, problem, .. } = finding;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut mark = AnnotationKind::Primary.span(place.span.clone());
    if let Some(mend) = problem.hint() {
        mark = mark.label(mend);
    }
    let snippet = Snippet::source(&place.source.text).path(&place.source.name).annotation(mark);
    renderer.render(&[level.primary_title(one_line(&problem.message)).element(snippet)])
}

fn of(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[derive(Serialize)]
struct Document<'a> {
    files: usize,
    objects: usize,
    errors: usize,
    warnings: usize,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    severity: Severity,
    check: Check,
    file: &'a str,
    line: usize,
    column: usize,
    object: Option<&'a str>,
    field: &'a str,
    value: Option<&'a Value>,
    message: &'a str,
    mend: &'a str,
}

impl<'a> Entry<'a> {
    fn of(finding: &'a Finding) -> Self {
        let Finding { severity, place, problem: Problem { check, field, message, mend }, object, value } = finding;
        Self {
            severity: *severity,
            check: *check,
            file: &place.source.name,
            line: place.line(),
            column: place.column(),
            object: object.as_deref(),
            field,
            value: value.as_ref(),
            message,
            mend,
        }
    }
}
