//! Which kinds may be scaled.

use std::fmt;

use serde::Deserialize;

use super::ConfigError;

/// The kinds that a `targetRef` may name.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct ScalableKinds(Vec<ScalableKind>);

/// Kinds of one API group.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalableKind {
    /// The API group, without version; empty for the core group.
    pub api_group: String,
    /// Kinds with a scale subresource, such as `Deployment`.
    pub kinds: Vec<String>,
}

impl Default for ScalableKinds {
    /// `Deployment` and `StatefulSet` of `apps`. Not `ReplicaSet`: those are a Deployment's, which would scale them back.
    fn default() -> Self {
        Self(vec![ScalableKind { api_group: "apps".into(), kinds: vec!["Deployment".into(), "StatefulSet".into()] }])
    }
}

impl ScalableKinds {
    /// Whether a target of this kind may be scaled. The version does not matter.
    ///
    /// # Errors
    /// The refusal, which prints the value to add.
    pub fn allows(&self, api_version: &str, kind: &str) -> Result<(), KindRefusal> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let listed = self.0.iter().any(|one| one.api_group == group && one.kinds.iter().any(|known| known == kind));
        if listed { Ok(()) } else { Err(KindRefusal { group: group.into(), kind: kind.into() }) }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.0.iter().position(|one| one.kinds.is_empty()) {
            Some(at) => Err(ConfigError::Value {
                field: format!("scalableKinds[{at}].kinds"),
                value: "[]".into(),
                problem: "names no kind: name at least one",
            }),
            None => Ok(()),
        }
    }
}

/// A kind that the configuration does not list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct KindRefusal {
    group: String,
    kind: String,
}

impl fmt::Display for KindRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, kind } = self;
        let resource = plural(kind);
        write!(
            f,
            "the operator's configuration does not list kind {kind} of API group {group:?}. To have it scaled, add to the chart's values \
             (resource is the plural that kubectl api-resources prints):\n\
             scalableKinds:\n  - apiGroup: {group:?}\n    kind: {kind}\n    resource: {resource}\n"
        )
    }
}

/// The plural that a kind has unless its author chose another (the guess of Kubernetes' own `UnsafeGuessKindToResource`).
fn plural(kind: &str) -> String {
    let singular = kind.to_lowercase();
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn workloads_of_apps_are_scalable_unless_configured_otherwise() {
        let kinds = ScalableKinds::default();
        for (version, kind, allowed) in [
            ("apps/v1", "Deployment", true),
            ("apps/v2beta1", "StatefulSet", true),
            ("apps/v1", "ReplicaSet", false),
            ("apps.example.com/v1", "Deployment", false),
            ("v1", "ReplicationController", false),
            ("apps", "Deployment", false),
        ] {
            assert_eq!(kinds.allows(version, kind).is_ok(), allowed, "{version} {kind}");
        }
    }

    #[test]
    fn a_refusal_prints_the_value_to_add() {
        let refusal = ScalableKinds::default().allows("argoproj.io/v1alpha1", "Rollout").unwrap_err();
        assert!(
            refusal.to_string().ends_with(
                "scalableKinds:\n  - apiGroup: \"argoproj.io\"\n    kind: Rollout\n    resource: rollouts\n"
            ),
            "{refusal}"
        );
    }

    #[test]
    fn plurals_are_those_of_kubernetes() {
        for (kind, expected) in [("Rollout", "rollouts"), ("Policy", "policies"), ("Ingress", "ingresses")] {
            assert_eq!(plural(kind), expected);
        }
    }
}
