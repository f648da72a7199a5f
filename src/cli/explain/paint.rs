//! Colours and columns.

use std::fmt;

use clap::builder::styling::{AnsiColor, Style};

/// Whether words are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// For a terminal.
    Colored,
    /// For everything else.
    Plain,
}

/// What a word means for who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing of note.
    Neutral,
    /// The head of a section.
    Head,
    /// As it should be.
    Good,
    /// Worth a look.
    Watch,
    /// To be mended.
    Bad,
}

/// A piece of text in a table.
pub(super) struct Cell(pub(super) Tone, pub(super) String);

impl Paint {
    pub(super) fn word(self, tone: Tone, text: &str) -> String {
        if self == Self::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Neutral => return text.to_owned(),
            Tone::Head => Style::new().bold(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Watch => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Writes rows whose columns are aligned, indented by two.
    pub(super) fn table(self, f: &mut fmt::Formatter<'_>, rows: &[Vec<Cell>]) -> fmt::Result {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|Cell(_, text)| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let cells = row.iter().zip(&widths).map(|(Cell(tone, text), width)| {
                let missing = width.saturating_sub(text.chars().count());
                format!("  {}{:missing$}", self.word(*tone, text), "")
            });
            writeln!(f, "{}", cells.collect::<String>().trim_end())?;
        }
        Ok(())
    }
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(Tone::Neutral, text.into())
    }
}
