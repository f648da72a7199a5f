//! Text that was read, and places in it.

use std::{
    io::{self, Read},
    ops::Range,
    path::Path,
    sync::Arc,
};

use anyhow::Context;

/// A file that was read, or standard input.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called in findings.
    pub name: String,
    /// All of its text.
    pub text: String,
}

impl Source {
    /// Reads a file, or standard input when the path is `-`.
    ///
    /// # Errors
    /// It cannot be read, or is not UTF-8.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            return Ok(Self { name: "<stdin>".into(), text });
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { name: path.display().to_string(), text })
    }
}

/// A stretch of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is.
    pub source: Arc<Source>,
    /// Which bytes of the text it takes.
    pub span: Range<usize>,
}

impl Place {
    /// Its first line, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The character of its first line at which it begins, from 1.
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    fn before(&self) -> &str {
        self.source.text.get(..self.span.start).unwrap_or_default()
    }
}
