//! What a scaler scales.

use std::fmt;

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::{rule::rule, spec_error::SpecError};

/// A Kubernetes workload in the scaler's namespace (`apiVersion`, `kind`, `name`), or an ECS service (`ecs`): exactly one of them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_target())]
pub struct TargetRef {
    /// API version of the workload, such as `apps/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 300),
        regex(pattern = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?$")
    )]
    pub api_version: Option<String>,

    /// Kind of the workload, such as `Deployment`: any kind with a scale subresource that the operator's configuration allows
    /// (`Deployment` and `StatefulSet` of `apps` unless changed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = r"^[A-Z][A-Za-z0-9]*$"))]
    pub kind: Option<String>,

    /// Name of the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: Option<String>,

    /// An ECS service instead of a Kubernetes workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecs: Option<EcsService>,
}

/// An ECS service. The operator's configuration says which namespaces may scale which services and use which roles.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = region_of_the_cluster())]
pub struct EcsService {
    /// Name or ARN of the cluster.
    #[schemars(
        length(max = 320),
        regex(pattern = r"^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:cluster/)?[A-Za-z0-9_-]{1,255}$")
    )]
    pub cluster: String,

    /// Name of the service, without cluster or ARN.
    #[schemars(length(max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub service: String,

    /// AWS region of the service, such as `eu-west-1`.
    #[schemars(length(max = 32), regex(pattern = r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$"))]
    pub region: String,

    /// ARN of the IAM role to assume for this service. Default: the operator's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 640), regex(pattern = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$"))]
    pub role_arn: Option<String>,
}

/// What a [`TargetRef`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A Kubernetes workload in the scaler's namespace.
    Workload {
        /// Group and version of its API.
        api_version: &'a str,
        /// Its kind.
        kind: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// An ECS service.
    Ecs(&'a EcsService),
}

impl TargetRef {
    /// The one target that it names.
    ///
    /// # Errors
    /// It names none, half of one, or two.
    pub fn target(&self) -> Result<Target<'_>, SpecError> {
        let Self { api_version, kind, name, ecs } = self;
        match (ecs, api_version, kind, name) {
            (Some(ecs), None, None, None) => Ok(Target::Ecs(ecs)),
            (None, Some(api_version), Some(kind), Some(name)) => Ok(Target::Workload { api_version, kind, name }),
            _ => Err(SpecError::new(
                "spec.targetRef",
                format_args!("{} {}", kind.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default())
                    .to_string()
                    .trim(),
                "is not one target: set either apiVersion, kind and name, or ecs",
            )),
        }
    }
}

impl EcsService {
    /// Name of the cluster, also when `cluster` is an ARN.
    pub fn cluster_name(&self) -> &str {
        self.cluster.rsplit_once('/').map_or(&self.cluster, |(_, name)| name)
    }
}

impl fmt::Display for Target<'_> {
    /// The target in words that tell it from every other in its namespace: `Deployment order-worker`, `ECS eu-west-1/prod/core-api`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload { kind, name, .. } => write!(f, "{kind} {name}"),
            Self::Ecs(ecs) => write!(f, "ECS {}/{}/{}", ecs.region, ecs.cluster_name(), ecs.service),
        }
    }
}

fn one_target() -> Rule {
    rule(
        "has(self.ecs) ? !has(self.apiVersion) && !has(self.kind) && !has(self.name)
                       : has(self.apiVersion) && has(self.kind) && has(self.name)",
        "targetRef has apiVersion %s, kind %s, name %s and ecs %s: set either apiVersion, kind and name of a workload, or ecs",
        &[
            "has(self.apiVersion) ? self.apiVersion : 'none'",
            "has(self.kind) ? self.kind : 'none'",
            "has(self.name) ? self.name : 'none'",
            "has(self.ecs) ? self.ecs.service : 'none'",
        ],
    )
}

fn region_of_the_cluster() -> Rule {
    rule(
        "!self.cluster.startsWith('arn:') || self.cluster.split(':')[3] == self.region",
        "region %s is not that of cluster %s: set region to %s",
        &["self.region", "self.cluster", "self.cluster.split(':')[3]"],
    )
    .field_path(".region")
}
