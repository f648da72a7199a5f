//! Words of others, made fit for our messages, which stand in one line wherever they are shown.

use std::{error::Error, iter::successors};

/// `text` in one line: what control characters part is joined by a space. So a value that is quoted can neither begin a line of its own
/// nor change the terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    let pieces = text.split(char::is_control).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(" ")
}

/// An error with all its causes, outermost first and each once, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string) {
        // Some errors print their source themselves.
        if text.ends_with(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    one_line(&text)
}

/// An error and all its causes, outermost first.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Told {
        words: &'static str,
        source: Option<Box<Told>>,
    }

    fn told(words: &'static str, source: Option<Told>) -> Told {
        Told { words, source: source.map(Box::new) }
    }

    #[test]
    fn a_quoted_value_begins_no_line_and_reaches_no_terminal() {
        assert_eq!(one_line("`a\n\n  b\x1b[31m`\tis  no time\r\n"), "`a b [31m` is  no time");
    }

    #[test]
    fn each_cause_is_told_once_and_in_one_line() {
        let refused = || told("refused:\n  port 5432", None);
        let error = told("cannot connect", Some(told("error sending: refused:\n  port 5432", Some(refused()))));
        assert_eq!(chain(&error), "cannot connect: error sending: refused: port 5432");
        assert_eq!(chain(&told("cannot connect", Some(refused()))), "cannot connect: refused: port 5432");
    }
}
