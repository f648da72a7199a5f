//! How a workload is named.

use std::fmt;

use hybridscaler_core::reading::Unknown;
use kube::core::GroupVersionKind;

use super::Failure;

/// Which workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadRef {
    /// Its namespace.
    pub namespace: String,
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
}

impl WorkloadRef {
    /// Its kind. What people write ends in the path of a request that is made with our rights, so each part must be a mere name.
    ///
    /// # Errors
    /// [`Unknown::Invalid`]: a part is not.
    pub fn gvk(&self) -> Result<GroupVersionKind, Failure> {
        let Self { namespace, api_version, kind, name } = self;
        for (field, value) in [("namespace", namespace), ("kind", kind), ("name", name)] {
            if !is_name(value) {
                let message = format!("the target's {field} {value:?} is not a name: check its spelling");
                return Err(Failure::new(Unknown::Invalid, message));
            }
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if is_name(version) && (group.is_empty() || is_name(group)) {
            return Ok(GroupVersionKind::gvk(group, version, kind));
        }
        let message = format!("the target's apiVersion {api_version:?} is not GROUP/VERSION, such as apps/v1");
        Err(Failure::new(Unknown::Invalid, message))
    }
}

fn is_name(text: &str) -> bool {
    let spelled = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    // "." and ".." are steps of a path.
    spelled && text.chars().any(|c| c != '.')
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, kind, name, api_version: _ } = self;
        write!(f, "{kind} {namespace}/{name}")
    }
}
