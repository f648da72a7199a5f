//! The name of a target in words that tell it from every other: what a ledger's entry remembers of a scaler that is gone.

use std::{fmt, str::FromStr};

use crate::{
    api::target_ref::Target,
    aws::{Access, Service},
    kubernetes::WorkloadRef,
};

/// One thing that is scaled. It is written as words (none of its parts has spaces) and read back without loss.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TargetId {
    /// A Kubernetes workload: `workload apps/v1 Deployment NAMESPACE NAME`.
    Workload(WorkloadRef),
    /// An ECS service: `ecs REGION CLUSTER SERVICE [ROLE_ARN]`.
    Ecs(Service),
}

/// The words do not name a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no target")]
pub(crate) struct NotATarget(String);

impl TargetId {
    /// What `target` names for a scaler in `namespace`.
    pub(crate) fn of(target: Target<'_>, namespace: &str) -> Self {
        match target {
            Target::Workload { api_version, kind, name } => Self::Workload(WorkloadRef {
                namespace: namespace.to_owned(),
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
            }),
            Target::Ecs(ecs) => Self::Ecs(Service {
                cluster: ecs.cluster.clone(),
                name: ecs.service.clone(),
                access: Access { region: ecs.region.clone(), role_arn: ecs.role_arn.clone() },
            }),
        }
    }
}

impl TargetId {
    /// Whether both name the same thing, however it is written: a cluster by name or by ARN, a kind in one version or another. Two
    /// services of one name in accounts that are not known to differ are taken for one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Workload(one), Self::Workload(two)) => {
                let group =
                    |workload: &WorkloadRef| workload.api_version.rsplit_once('/').map(|(group, _)| group.to_owned());
                (&one.namespace, group(one), &one.kind, &one.name) == (&two.namespace, group(two), &two.kind, &two.name)
            }
            (Self::Ecs(one), Self::Ecs(two)) => {
                let name = |service: &Service| {
                    let Access { region, .. } = &service.access;
                    (region.clone(), service.cluster_name().to_owned(), service.short_name().to_owned())
                };
                let accounts = account(one).zip(account(two));
                name(one) == name(two) && accounts.is_none_or(|(one, two)| one == two)
            }
            _ => false,
        }
    }
}

/// The account that a service is known to be in: from the cluster's ARN, else from the role that reaches it.
fn account(service: &Service) -> Option<&str> {
    let arns = [Some(service.cluster.as_str()), service.access.role_arn.as_deref()];
    arns.into_iter().flatten().filter_map(|arn| arn.split(':').nth(4)).find(|account| !account.is_empty())
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(WorkloadRef { namespace, api_version, kind, name }) => {
                write!(f, "workload {api_version} {kind} {namespace} {name}")
            }
            Self::Ecs(Service { cluster, name, access: Access { region, role_arn } }) => {
                write!(f, "ecs {region} {cluster} {name}")?;
                role_arn.iter().try_for_each(|role| write!(f, " {role}"))
            }
        }
    }
}

impl FromStr for TargetId {
    type Err = NotATarget;

    fn from_str(words: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = words.split(' ').collect();
        match parts.as_slice() {
            ["workload", api_version, kind, namespace, name] => Ok(Self::Workload(WorkloadRef {
                namespace: (*namespace).to_owned(),
                api_version: (*api_version).to_owned(),
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
            })),
            ["ecs", region, cluster, name, role @ ..] if role.len() <= 1 => Ok(Self::Ecs(Service {
                cluster: (*cluster).to_owned(),
                name: (*name).to_owned(),
                access: Access { region: (*region).to_owned(), role_arn: role.first().map(|role| (*role).to_owned()) },
            })),
            _ => Err(NotATarget(words.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Service, TargetId, WorkloadRef};

    #[test]
    fn what_is_written_is_read_back() {
        let workload = TargetId::Workload(WorkloadRef {
            namespace: "orders".into(),
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            name: "order-worker".into(),
        });
        let ecs = |role_arn: Option<&str>| {
            TargetId::Ecs(Service {
                cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/prod".into(),
                name: "core-api".into(),
                access: Access { region: "eu-west-1".into(), role_arn: role_arn.map(Into::into) },
            })
        };
        for target in [workload, ecs(None), ecs(Some("arn:aws:iam::123456789012:role/scaler"))] {
            assert_eq!(target.to_string().parse(), Ok(target.clone()), "{target}");
        }
        for words in ["", "workload", "ecs a b", "ecs a b c d e", "pod a b c d"] {
            assert!(words.parse::<TargetId>().is_err(), "{words:?}");
        }
    }

    #[test]
    fn one_thing_is_one_thing_however_it_is_written() {
        let ecs = |cluster: &str, role_arn: Option<&str>| {
            TargetId::Ecs(Service {
                cluster: cluster.into(),
                name: "core-api".into(),
                access: Access { region: "eu-west-1".into(), role_arn: role_arn.map(Into::into) },
            })
        };
        let workload = |api_version: &str| {
            TargetId::Workload(WorkloadRef {
                namespace: "orders".into(),
                api_version: api_version.into(),
                kind: "Rollout".into(),
                name: "order-worker".into(),
            })
        };
        let arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod";
        let (own, other) = ("arn:aws:iam::123456789012:role/scaler", "arn:aws:iam::999999999999:role/scaler");
        assert!(ecs("prod", None).is(&ecs(arn, None)), "nobody says that the accounts differ");
        assert!(ecs("prod", Some(own)).is(&ecs(arn, None)));
        assert!(!ecs("prod", Some(other)).is(&ecs(arn, None)));
        assert!(!ecs("prod", None).is(&ecs("test", None)));
        assert!(workload("argoproj.io/v1alpha1").is(&workload("argoproj.io/v1")));
        assert!(!workload("argoproj.io/v1").is(&workload("example.com/v1")));
        assert!(!workload("apps/v1").is(&ecs("prod", None)));
    }
}
