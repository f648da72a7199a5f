//! The rights that an operator lacks, as manifests to paste. Conditions print them.

use std::fmt;

/// The ServiceAccount that the operator runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A Role with its binding, as YAML. Both live in the namespace of what they give access to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRole<'a> {
    namespace: &'a str,
    name: String,
    rules: String,
    to: &'a ServiceAccount,
}

/// The right to read one Secret by its name, and no other.
pub fn read_secret<'a>(namespace: &'a str, secret: &str, to: &'a ServiceAccount) -> MissingRole<'a> {
    MissingRole {
        namespace,
        name: format!("hybridscaler-read-{secret}"),
        rules: format!(
            "  - apiGroups: [\"\"]\n    resources: [secrets]\n    resourceNames: [{secret:?}]\n    verbs: [get]\n"
        ),
        to,
    }
}

/// The right to read and scale workloads of one resource (a plural such as `deployments`) in one namespace.
pub fn scale<'a>(namespace: &'a str, group: &str, resource: &str, to: &'a ServiceAccount) -> MissingRole<'a> {
    MissingRole {
        namespace,
        name: format!("hybridscaler-scale-{resource}"),
        rules: format!(
            "  - apiGroups: [{group:?}]\n    resources: [{resource:?}]\n    verbs: [get]\n  \
             - apiGroups: [{group:?}]\n    resources: [\"{resource}/scale\"]\n    verbs: [get, update]\n"
        ),
        to,
    }
}

impl fmt::Display for MissingRole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, name, rules, to: ServiceAccount { namespace: of, name: subject } } = self;
        write!(
            f,
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: {name:?}, namespace: {namespace:?}}}\nrules:\n{rules}\
             ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name:?}, namespace: {namespace:?}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name:?}}}\n\
             subjects: [{{kind: ServiceAccount, name: {subject:?}, namespace: {of:?}}}]\n"
        )
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use k8s_openapi::api::rbac::v1::{Role, RoleBinding};

    use super::*;

    fn operator() -> ServiceAccount {
        ServiceAccount { namespace: "hybridscaler-system".into(), name: "hybridscaler".into() }
    }

    fn parsed(printed: &str) -> (Role, RoleBinding) {
        let (role, binding) = printed.split_once("---\n").unwrap();
        (serde_saphyr::from_str(role).unwrap(), serde_saphyr::from_str(binding).unwrap())
    }

    #[test]
    fn the_right_to_a_secret_is_for_that_name_only() {
        let (role, binding) = parsed(&read_secret("orders", "orders-db.url", &operator()).to_string());
        let rules = role.rules.unwrap();
        assert_eq!(rules.len(), 1);
        let only = rules.first().unwrap();
        assert_eq!(only.verbs, ["get"]);
        assert_eq!(only.resources.as_deref().unwrap(), ["secrets"]);
        assert_eq!(only.resource_names.as_deref().unwrap(), ["orders-db.url"]);
        assert_eq!(role.metadata.namespace.as_deref(), Some("orders"));
        assert_eq!(binding.role_ref.name, role.metadata.name.unwrap());
        let subject = binding.subjects.unwrap().remove(0);
        assert_eq!(
            (subject.name.as_str(), subject.namespace.as_deref()),
            ("hybridscaler", Some("hybridscaler-system"))
        );
    }

    #[test]
    fn the_right_to_scale_is_for_the_scale_subresource_only() {
        let (role, _) = parsed(&scale("orders", "argoproj.io", "rollouts", &operator()).to_string());
        let rules: Vec<_> =
            role.rules.unwrap().into_iter().map(|r| (r.api_groups.unwrap(), r.resources.unwrap(), r.verbs)).collect();
        let texts = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            rules,
            [
                (texts(&["argoproj.io"]), texts(&["rollouts"]), texts(&["get"])),
                (texts(&["argoproj.io"]), texts(&["rollouts/scale"]), texts(&["get", "update"])),
            ]
        );
    }
}
