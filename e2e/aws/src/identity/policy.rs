//! Policies of allow statements, the part of IAM that a missing permission needs.

/// What a user or role may do; nothing until allowed.
#[derive(Debug, Default)]
pub(super) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    /// In lower case: IAM compares actions without regard to it.
    action: String,
    resource: String,
}

impl Policy {
    pub(super) fn allow(&mut self, action: &str, resource: &str) {
        self.statements.push(Statement { action: action.to_ascii_lowercase(), resource: resource.to_owned() });
    }

    pub(super) fn allows(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.statements
            .iter()
            .any(|statement| matches(&statement.action, &action) && matches(&statement.resource, resource))
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text
            .strip_prefix(before)
            .is_some_and(|rest| (0..=rest.len()).filter_map(|i| rest.get(i..)).any(|tail| matches(after, tail))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_until_a_statement_allows_it() {
        let mut policy = Policy::default();
        assert!(!policy.allows("sqs:SendMessage", "arn:orders"));
        policy.allow("sqs:Send*", "arn:orders");
        assert!(policy.allows("SQS:sendmessage", "arn:orders"));
        assert!(!policy.allows("sqs:ReceiveMessage", "arn:orders"));
        assert!(!policy.allows("sqs:SendMessage", "arn:payments"));
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("a*b*c", "a-b-b-c", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} on {text}");
        }
    }
}
