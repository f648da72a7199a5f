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

/// The right that the API server missed when it refused a request in `namespace` with `said`; nothing when that is not the sentence
/// RBAC refuses with.
pub fn missing<'a>(namespace: &'a str, said: &str, to: &'a ServiceAccount) -> Option<MissingRole<'a>> {
    // `User "…" cannot get resource "deployments" in API group "apps" in the namespace "orders"`
    let (_, refused) = said.split_once(" cannot ")?;
    let (verb, rest) = refused.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once("\" in API group \"")?;
    let (group, _) = rest.split_once('"')?;
    // What is pasted into a cluster is made of names, whatever was said.
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-./_".contains(c));
    if verb.is_empty() || resource.is_empty() || ![verb, resource, group].into_iter().all(is_name) {
        return None;
    }
    Some(MissingRole {
        namespace,
        name: format!("hybridscaler-{verb}-{}", resource.replace('/', "-")),
        rules: format!("  - apiGroups: [{group:?}]\n    resources: [{resource}]\n    verbs: [{verb}]\n"),
        to,
    })
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
    fn the_right_that_rbac_missed_is_read_from_its_refusal() {
        let refusal = |resource: &str| {
            format!(
                "deployments.apps \"order-worker\" is forbidden: User \"system:serviceaccount:hybridscaler-system:hybridscaler\" cannot \
                 update resource \"{resource}\" in API group \"apps\" in the namespace \"orders\""
            )
        };
        let operator = operator();
        let (role, binding) = parsed(&missing("orders", &refusal("deployments/scale"), &operator).unwrap().to_string());
        let granted: Vec<_> =
            role.rules.unwrap().into_iter().map(|r| (r.verbs, r.api_groups.unwrap(), r.resources.unwrap())).collect();
        let one = |word: &str| vec![word.to_owned()];
        assert_eq!(granted, [(one("update"), one("apps"), one("deployments/scale"))]);
        assert_eq!(role.metadata.name.as_deref(), Some("hybridscaler-update-deployments-scale"));
        assert_eq!(binding.role_ref.name, role.metadata.name.unwrap());
        // External metrics are resources of the names that their adapter gives them.
        assert!(missing("orders", &refusal("requests_per_second"), &operator).is_some());
        for other in ["admission webhook denied the request", &refusal("x]\n    verbs: [\"*\""), ""] {
            assert_eq!(missing("orders", other, &operator), None, "{other}");
        }
    }
}
