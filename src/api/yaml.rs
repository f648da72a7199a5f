//! Reading YAML that a person wrote: an error says where, what, and what was probably meant.

mod problem;

use serde::de::DeserializeOwned;

use self::problem::problem;

/// YAML that cannot be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct YamlError {
    /// Line of the text, from 1.
    pub line: u64,
    /// Character of the line, from 1.
    pub column: u64,
    /// What is wrong there and how to mend it.
    pub problem: String,
}

/// Reads one document. Whether unknown fields are refused is for the type to say (`deny_unknown_fields`).
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    serde_saphyr::from_str(text).map_err(|error| explain(&error))
}

/// Reads one document of a manifest as `kubectl` does, by YAML 1.1: `010` is 8 there, and `on` is true.
pub fn read_manifest<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error))
}

fn explain(error: &serde_saphyr::Error) -> YamlError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    YamlError { line, column, problem: problem(error) }
}

/// What to say of a field that is none of the known ones.
pub fn unknown_field(field: &str, known: &[&str]) -> String {
    format!("unknown field `{field}`: {}", likely(field, known))
}

/// What may have been meant by a name that is none of the known ones.
pub fn likely(name: &str, known: &[&str]) -> String {
    match (nearest(name, known), known) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, []) => "leave it out, there is none".into(),
        (None, known) => format!("use one of {}", known.join(", ")),
    }
}

/// The known name that is at most a third of its letters away, if any.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .filter(|(edits, candidate)| *edits <= candidate.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, drop or replace to make `a` of `b` (Levenshtein), without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only its name matters")]
        database_hosts: Vec<String>,
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line_and_the_nearest_known_one() {
        let error = read::<Sample>("# a comment\ndatabaseHost: []\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 1: unknown field `databaseHost`: did you mean `databaseHosts`?");
    }

    #[test]
    fn a_field_that_resembles_nothing_gets_the_list() {
        let error = read::<Sample>("colour: red\n").unwrap_err();
        assert_eq!(error.to_string(), "line 1, column 1: unknown field `colour`: use one of databaseHosts");
    }

    #[test]
    fn where_nothing_is_known_nothing_is_proposed() {
        assert_eq!(unknown_field("colour", &[]), "unknown field `colour`: leave it out, there is none");
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, edits) in [
            ("", "", 0),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("ecs", "ECS", 0),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(a, b), edits, "{a} to {b}");
        }
    }
}
