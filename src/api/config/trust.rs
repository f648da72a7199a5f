//! Who may use what outside the cluster.

use std::fmt;

use serde::Deserialize;

use super::{ConfigError, Glob};

/// Everything that is allowed; what no grant allows is denied.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(transparent)]
pub struct Trust(Vec<Grant>);

/// What some namespaces may use, and as whom.
///
/// AWS resources are granted together with the identity that reaches them. A namespace that may scale `prod/api` through a role
/// of another account may not, by leaving the role out, scale the service of that name in the operator's own account.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The namespaces that the grant is for.
    pub namespaces: Vec<Glob>,
    /// The IAM roles through which `queues` and `ecsServices` may be used. Empty: only the operator's own identity.
    #[serde(default)]
    pub role_arns: Vec<Glob>,
    /// ARNs of SQS queues that may be read.
    #[serde(default)]
    pub queues: Vec<Glob>,
    /// ECS services that may be scaled, as `REGION/CLUSTER/SERVICE`.
    #[serde(default)]
    pub ecs_services: Vec<Glob>,
    /// Database servers that may be connected to, as `HOST:PORT`.
    #[serde(default)]
    pub database_hosts: Vec<Glob>,
}

/// As whom AWS is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The operator's own identity.
    Operator,
    /// A role that it assumes, by ARN.
    Role(String),
}

/// Something outside the cluster that an object asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A queue to read.
    Queue {
        /// Its ARN.
        arn: String,
        /// As whom.
        identity: Identity,
    },
    /// An ECS service to read and scale.
    EcsService {
        /// Its region.
        region: String,
        /// Name of its cluster, without ARN.
        cluster: String,
        /// Its name.
        service: String,
        /// As whom.
        identity: Identity,
    },
    /// A database server to connect to, as `host:port`.
    DatabaseHost(String),
}

impl Identity {
    /// The identity that an optional `roleArn` asks for.
    pub fn of(role_arn: Option<&str>) -> Self {
        role_arn.map_or(Self::Operator, |arn| Self::Role(arn.into()))
    }
}

impl Trust {
    /// Whether `namespace` may use `resource`.
    ///
    /// # Errors
    /// The refusal, which prints the value to add.
    pub fn allows(&self, namespace: &str, resource: &Resource) -> Result<(), Refusal> {
        if self.0.iter().any(|grant| grant.covers(namespace, resource)) {
            Ok(())
        } else {
            Err(Refusal { namespace: namespace.into(), resource: resource.clone() })
        }
    }

    /// Refuses patterns that can never match: a typing mistake would otherwise read as a grant.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.0.iter().enumerate().try_for_each(|(at, grant)| grant.check(&format!("trust[{at}]")))
    }
}

impl Grant {
    fn covers(&self, namespace: &str, resource: &Resource) -> bool {
        let Self { namespaces, role_arns, queues, ecs_services, database_hosts } = self;
        any(namespaces, namespace)
            && match resource {
                Resource::Queue { arn, identity } => any(queues, arn) && admits(role_arns, identity),
                Resource::EcsService { identity, .. } => {
                    any(ecs_services, &resource.to_string()) && admits(role_arns, identity)
                }
                Resource::DatabaseHost(host) => any(database_hosts, &host.to_lowercase()),
            }
    }

    fn check(&self, path: &str) -> Result<(), ConfigError> {
        let Self { namespaces, role_arns, queues, ecs_services, database_hosts } = self;
        if namespaces.is_empty() {
            return Err(ConfigError::Value {
                field: format!("{path}.namespaces"),
                value: "[]".into(),
                problem: "names no namespace: name at least one, or * for all",
            });
        }
        check_each(
            &format!("{path}.namespaces"),
            namespaces,
            |pattern| !pattern.is_empty(),
            "matches nothing: write a name, or * for all",
        )?;
        check_each(
            &format!("{path}.roleArns"),
            role_arns,
            |pattern| is_arn(pattern, "iam") && pattern.contains(":role/"),
            "is not the ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME, * allowed in each part",
        )?;
        check_each(
            &format!("{path}.queues"),
            queues,
            |pattern| is_arn(pattern, "sqs"),
            "is not the ARN of a queue: write arn:aws:sqs:REGION:ACCOUNT:NAME, * allowed in each part",
        )?;
        check_each(
            &format!("{path}.ecsServices"),
            ecs_services,
            is_service,
            "is not an ECS service: write REGION/CLUSTER/SERVICE, * allowed in each part",
        )?;
        check_each(
            &format!("{path}.databaseHosts"),
            database_hosts,
            is_host_with_port,
            "is not a host with its port in lower case: write HOST:PORT, such as db.internal:5432",
        )
    }
}

/// Finds the first pattern of the list at `path` that is not `usable`.
fn check_each(
    path: &str,
    patterns: &[Glob],
    usable: impl Fn(&str) -> bool,
    problem: &'static str,
) -> Result<(), ConfigError> {
    match patterns.iter().map(Glob::as_str).enumerate().find(|(_, pattern)| !usable(pattern)) {
        Some((at, pattern)) => {
            Err(ConfigError::Value { field: format!("{path}[{at}]"), value: pattern.to_owned(), problem })
        }
        None => Ok(()),
    }
}

fn any(patterns: &[Glob], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

fn admits(roles: &[Glob], identity: &Identity) -> bool {
    match identity {
        Identity::Operator => roles.is_empty(),
        Identity::Role(arn) => any(roles, arn),
    }
}

/// Six parts, of which the first and the third are given: more stars than that would say nothing.
fn is_arn(pattern: &str, service: &str) -> bool {
    let parts: Vec<&str> = pattern.split(':').collect();
    matches!(parts.as_slice(), ["arn", _, of, _, _, _] if *of == service)
}

fn is_service(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('/').collect();
    matches!(parts.as_slice(), [region, cluster, service] if !region.is_empty() && !cluster.is_empty() && !service.is_empty())
}

fn is_host_with_port(pattern: &str) -> bool {
    let parts = pattern.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && !port.is_empty()) && pattern == pattern.to_lowercase()
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { arn, .. } => f.write_str(arn),
            Self::EcsService { region, cluster, service, .. } => write!(f, "{region}/{cluster}/{service}"),
            Self::DatabaseHost(host) => f.write_str(host),
        }
    }
}

/// Something that no grant allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    namespace: String,
    resource: Resource,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, resource } = self;
        let (what, list, identity) = match resource {
            Resource::Queue { identity, .. } => ("queue", "queues", Some(identity)),
            Resource::EcsService { identity, .. } => ("ECS service", "ecsServices", Some(identity)),
            Resource::DatabaseHost(_) => ("database host", "databaseHosts", None),
        };
        let (through, roles) = match identity {
            Some(Identity::Role(arn)) => (format!(" through role {arn}"), format!("      roleArns: [{arn:?}]\n")),
            Some(Identity::Operator) => (" through the operator's own identity".into(), String::new()),
            None => (String::new(), String::new()),
        };
        write!(
            f,
            "the operator's configuration does not let namespace {namespace} use {what} {resource}{through}. To allow it, add to the \
             chart's values:\nconfig:\n  trust:\n    - namespaces: [{namespace:?}]\n{roles}      {list}: [{:?}]\n",
            resource.to_string()
        )
    }
}

#[cfg(test)]
mod tests;
