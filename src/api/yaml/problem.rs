//! What is wrong with a YAML text, in our words: those of the parser name its own options and Rust's types.

use serde_saphyr::Error;

use super::unknown_field;
use crate::text::one_line;

/// What is wrong, and how to mend it.
pub(super) fn problem(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => problem(error),
        Error::SerdeUnknownField { field, expected, .. } => unknown_field(field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown value `{variant}`: use one of {}", expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("the field `{field}` is missing: set it"),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            one_line(&format!("{unexpected} stands where another value belongs: write {expected}"))
        }
        Error::SerdeInvalidLength { len, expected, .. } => {
            one_line(&format!("it has {len} items, which is another number than belongs there: write {expected}"))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            one_line(&format!("the field `{key}` is set a second time: remove one of the two"))
        }
        Error::DuplicateMappingKey { key: None, .. } => "a field is set a second time: remove one of the two".into(),
        Error::NonFiniteFloat { value, .. } => format!("`{value}` is no number to calculate with: write a finite one"),
        Error::NullIntoString { .. } | Error::Unexpected { expected: "string scalar", .. } => {
            "the name of a field is no text: put it in quotes".into()
        }
        Error::InvalidScalar { .. } | Error::UnsupportedTag { .. } => {
            "the value is not what its tag says: remove the tag, or write such a value".into()
        }
        Error::UnknownAnchor { .. } => {
            "the alias names an anchor that is not set above it: write what it stands for".into()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "the anchor contains itself: write what it stands for".into()
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            "`<<` merges something that is no object: name the anchor of one".into()
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            "it is longer or deeper, with its aliases, than what is read: write it shorter".into()
        }
        Error::MultipleDocuments { .. } => "a second document begins: leave one".into(),
        Error::Eof { .. } => "the text ends too early: complete it".into(),
        Error::ExternalMessage { msg, .. } => of_scanner(msg),
        // What a type of ours says of its value.
        Error::Message { msg, .. } => one_line(msg),
        _ => "it is no YAML that is read here: write plain fields, lists and values".into(),
    }
}

/// The same for a text that is no YAML at all. The parser tells its kinds of such errors apart by their words only; kinds that it adds
/// get the last line.
fn of_scanner(message: &str) -> String {
    let says = |words: &str| message.contains(words);
    if let Some(bracket) = message.strip_prefix("unclosed bracket ") {
        return format!("the bracket {bracket} is never closed: close it");
    }
    let problem = if says("unclosed quote") {
        "the quote is never closed: close it"
    } else if says("tab ") || says("tabs ") {
        "a tab indents the line: indent with spaces"
    } else if says("bracket") {
        "a bracket closes that is not the one opened last: make them match"
    } else if says("flow ") {
        "between brackets something is missing before this: write a comma, a colon or the closing bracket"
    } else if says("mapping values are not allowed") {
        "a second colon follows in one line: quote the value, or begin a new line"
    } else if says("unexpected character") {
        "a value may not begin with this character: put it in quotes"
    } else {
        "the text is no YAML from here on: mend the indentation, a quote or a colon"
    };
    problem.into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use crate::api::yaml::read;

    #[test]
    fn what_is_no_yaml_is_told_in_our_words_where_it_is_and_how_to_mend_it() {
        for (text, expected) in [
            ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the field `a` is set a second time: remove one of the two"),
            ("a: .nan\n", "line 1, column 4: `.nan` is no number to calculate with: write a finite one"),
            ("a: {b: 1\n", "line 1, column 4: the bracket '{' is never closed: close it"),
            ("a: \"b\n", "line 1, column 4: the quote is never closed: close it"),
            ("a: [1}\n", "line 1, column 4: a bracket closes that is not the one opened last: make them match"),
            (
                "{a: 1 b: 2}\n",
                "line 1, column 8: between brackets something is missing before this: write a comma, a colon or the closing bracket",
            ),
            ("a: b: c\n", "line 1, column 5: a second colon follows in one line: quote the value, or begin a new line"),
            ("a: @b\n", "line 1, column 4: a value may not begin with this character: put it in quotes"),
            ("a:\n\tb: 1\n", "line 2, column 2: a tab indents the line: indent with spaces"),
            (
                "a: 1\n b: 2\n",
                "line 2, column 3: a second colon follows in one line: quote the value, or begin a new line",
            ),
            (
                "a:\n  - 1\n b: 2\n",
                "line 3, column 2: the text is no YAML from here on: mend the indentation, a quote or a colon",
            ),
            (
                "a: *b\n",
                "line 1, column 4: the alias names an anchor that is not set above it: write what it stands for",
            ),
            ("a: &b [*b]\n", "line 1, column 8: the anchor contains itself: write what it stands for"),
            (
                "a: !!int b\n",
                "line 1, column 10: the value is not what its tag says: remove the tag, or write such a value",
            ),
            ("? [1]\n: 2\n", "line 1, column 3: the name of a field is no text: put it in quotes"),
            ("<<: 1\n", "line 1, column 5: `<<` merges something that is no object: name the anchor of one"),
        ] {
            assert_eq!(read::<Value>(text).unwrap_err().to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_told_with_what_belongs_there() {
        let error = read::<Vec<u8>>("[1, many]\n").unwrap_err();
        assert_eq!((error.line, error.column), (1, 5));
        let (what, mend) = error.problem.rsplit_once(": ").unwrap();
        assert!(!what.is_empty() && !mend.is_empty(), "{error}");
    }
}
