//! Patterns in the configuration.

use serde::Deserialize;

/// What divides a name into parts: an ARN by `:`, a path by `/`, a host from its port by `:`.
const DIVIDERS: [char; 2] = [':', '/'];

/// A pattern in which `*` stands for any run of characters, also an empty one, within one part of a name.
///
/// A `*` never crosses `:` or `/`, so that a pattern for one queue cannot reach another account, `role/*` cannot reach a role
/// under a path, and a host always comes with its port. Nothing else is special; letters are compared as they are.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `name` fits the pattern.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(DIVIDERS).eq(name.matches(DIVIDERS))
            && self.0.split(DIVIDERS).zip(name.split(DIVIDERS)).all(|(pattern, part)| part_matches(pattern, part))
    }
}

impl<T: Into<String>> From<T> for Glob {
    fn from(pattern: T) -> Self {
        Self(pattern.into())
    }
}

/// Matches one part: the first piece at its start, the last at its end, those between in order, each as early as it can be.
fn part_matches(pattern: &str, part: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == part;
    };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(inner) = part.strip_prefix(first).and_then(|tail| tail.strip_suffix(last)) else {
        return false;
    };
    between.split('*').try_fold(inner, |tail, piece| tail.split_once(piece).map(|(_, after)| after)).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_run_within_one_part() {
        let cases = [
            ("orders", "orders", true),
            ("orders", "orders-eu", false),
            ("orders", "Orders", false),
            ("*", "orders", true),
            ("*", "", true),
            ("team-*", "team-", true),
            ("team-*", "team-a", true),
            ("team-*", "steam-a", false),
            ("*-db.*:5432", "orders-db.internal.example:5432", true),
            ("*", "db.internal:5432", false),
            ("*:5432", "db.internal:5432", true),
            ("*:5432", "db.internal:15432", false),
            ("arn:aws:sqs:eu-west-1:123456789012:orders-*", "arn:aws:sqs:eu-west-1:123456789012:orders-eu", true),
            ("arn:aws:sqs:eu-west-1:123456789012:*", "arn:aws:sqs:eu-west-1:999999999999:orders", false),
            ("arn:aws:sqs:*", "arn:aws:sqs:eu-west-1:123456789012:orders", false),
            ("arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:role/scaling", true),
            ("arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:role/admin/root", false),
            ("eu-west-1/*/core-*", "eu-west-1/prod/core-api", true),
            ("eu-west-1/*/core-*", "eu-west-1/prod:x/core-api", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("**", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("?", "a", false),
            ("[a]", "a", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Glob::from(pattern).matches(name), expected, "{pattern} against {name}");
        }
    }

    /// The rule as one reads it, at the price of exponential time.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], [next, tail @ ..]) => {
                by_definition(rest, name) || (!DIVIDERS.contains(next) && by_definition(pattern, tail))
            }
            (['*', rest @ ..], []) => by_definition(rest, name),
            ([one, rest @ ..], [next, tail @ ..]) => one == next && by_definition(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[ab*:/]{0,8}", name in "[ab:/]{0,8}") {
            let expected = by_definition(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>());
            prop_assert_eq!(Glob::from(pattern).matches(&name), expected);
        }
    }
}
