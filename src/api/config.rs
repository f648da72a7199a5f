//! The operator's own configuration: what may be scaled, and who may use what outside the cluster. Everything else is denied.
//!
//! The controller reads it once, at start, from the file that `--config` names. The chart writes that file from its values, so a
//! refusal prints the lines for the chart's values.

mod glob;
mod kinds;
mod trust;

use serde::Deserialize;

pub use self::{
    glob::Glob,
    kinds::{KindRefusal, ScalableKind, ScalableKinds},
    trust::{Grant, Identity, Refusal, Resource, Trust},
};
use super::yaml::{self, YamlError};

/// The operator's configuration file.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperatorConfig {
    /// The kinds that a `targetRef` may name. Default: `Deployment` and `StatefulSet` of `apps`.
    #[serde(default)]
    pub scalable_kinds: ScalableKinds,
    /// What namespaces may use outside the cluster. Default: nothing.
    #[serde(default)]
    pub trust: Trust,
    /// How AWS is reached.
    #[serde(default)]
    pub aws: AwsConfig,
}

/// How AWS is reached.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsConfig {
    /// One URL for all AWS services instead of their public ones: an endpoint inside a network, or a test's.
    #[serde(default)]
    pub endpoint_url: Option<String>,
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not YAML of the right shape.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value would never match anything, or match by accident.
    #[error("{field}: `{value}` {problem}")]
    Value {
        /// Path of the field, such as `trust[0].queues[1]`.
        field: String,
        /// What stands there.
        value: String,
        /// What is wrong with it and what to write instead.
        problem: &'static str,
    },
}

impl OperatorConfig {
    /// Reads a configuration and checks that each of its values can mean something. An empty text is the default: deny.
    ///
    /// # Errors
    /// The first value that cannot be used, by line or by field.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Option<Self> = yaml::read(text)?;
        let config = config.unwrap_or_default();
        config.trust.check()?;
        config.scalable_kinds.check()?;
        config.aws.check()?;
        Ok(config)
    }
}

impl AwsConfig {
    fn check(&self) -> Result<(), ConfigError> {
        match &self.endpoint_url {
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => Err(ConfigError::Value {
                field: "aws.endpointUrl".into(),
                value: url.clone(),
                problem: "is not a URL: write https://HOST or http://HOST:PORT",
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        for text in ["", "{}", "# nothing\n", "trust: []\n"] {
            assert_eq!(OperatorConfig::parse(text).unwrap(), OperatorConfig::default(), "{text:?}");
        }
    }

    #[test]
    fn a_full_file_is_read() {
        let config = OperatorConfig::parse(
            r#"
scalableKinds:
  - {apiGroup: argoproj.io, kinds: [Rollout]}
trust:
  - namespaces: [orders, "team-*"]
    roleArns: ["arn:aws:iam::123456789012:role/scaling"]
    queues: ["arn:aws:sqs:eu-west-1:123456789012:orders-*"]
    ecsServices: [eu-west-1/prod/core-api]
    databaseHosts: ["orders-db.internal:5432"]
aws: {endpointUrl: "http://127.0.0.1:4566"}
"#,
        )
        .unwrap();
        assert_eq!(config.aws.endpoint_url.as_deref(), Some("http://127.0.0.1:4566"));
        assert!(config.scalable_kinds.allows("argoproj.io/v1alpha1", "Rollout").is_ok());
        assert!(config.scalable_kinds.allows("apps/v1", "Deployment").is_err());
    }

    #[test]
    fn a_value_that_could_never_match_is_refused_by_field() {
        let cases = [
            (
                "trust: [{queues: [\"arn:aws:sqs:eu-west-1:123456789012:q\"]}]",
                "line 1, column 10: the field `namespaces` is missing: set it",
            ),
            (
                "trust: [{namespaces: []}]",
                "trust[0].namespaces: `[]` names no namespace: name at least one, or * for all",
            ),
            (
                "trust: [{namespaces: [a], queues: [orders]}]",
                "trust[0].queues[0]: `orders` is not the ARN of a queue: write arn:aws:sqs:REGION:ACCOUNT:NAME, * allowed in each part",
            ),
            (
                "trust: [{namespaces: [a]}, {namespaces: [b], roleArns: [admin]}]",
                "trust[1].roleArns[0]: `admin` is not the ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME, * allowed in each part",
            ),
            (
                "trust: [{namespaces: [a], ecsServices: [prod/api]}]",
                "trust[0].ecsServices[0]: `prod/api` is not an ECS service: write REGION/CLUSTER/SERVICE, * allowed in each part",
            ),
            (
                "trust: [{namespaces: [a], databaseHosts: [db.internal]}]",
                "trust[0].databaseHosts[0]: `db.internal` is not a host with its port in lower case: write HOST:PORT, such as db.internal:5432",
            ),
            ("trust: [{namespaces: [\"\"]}]", "trust[0].namespaces[0]: `` matches nothing: write a name, or * for all"),
            (
                "scalableKinds: [{apiGroup: apps, kinds: []}]",
                "scalableKinds[0].kinds: `[]` names no kind: name at least one",
            ),
            (
                "aws: {endpointUrl: \"localhost:4566\"}",
                "aws.endpointUrl: `localhost:4566` is not a URL: write https://HOST or http://HOST:PORT",
            ),
            ("trusted: []", "line 1, column 1: unknown field `trusted`: did you mean `trust`?"),
            (
                "trust:\n  - namespaces: [a]\n    queue: []\n",
                "line 3, column 5: unknown field `queue`: did you mean `queues`?",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(OperatorConfig::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
