//! What the API server wrote down: who asked for what, and whether it was allowed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;

/// The audit log of one control plane: requests of everybody but its own components. A watch stands in it when it ends.
#[derive(Debug, Clone)]
pub struct AuditLog {
    pub(super) path: PathBuf,
}

impl AuditLog {
    /// All requests answered so far, oldest first. The line of a request follows its answer, so the very last may lack.
    ///
    /// # Errors
    /// When the file cannot be read or a line of it is not an audit event.
    pub fn events(&self) -> Result<Vec<AuditEvent>> {
        let log = fs::read_to_string(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("not an audit event: {line}")))
            .collect()
    }

    /// The requests of one user, for example `system:serviceaccount:NAMESPACE:NAME`.
    ///
    /// # Errors
    /// As [`AuditLog::events`].
    pub fn of_user(&self, username: &str) -> Result<Vec<AuditEvent>> {
        Ok(self.events()?.into_iter().filter(|event| event.user.username == username).collect())
    }
}

/// One answered request: the fields of `audit.k8s.io/v1` that tests ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// The Kubernetes verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`…
    pub verb: String,
    /// Who asked.
    pub user: User,
    /// The path and query of the request.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// The object, when the request was about one or about a collection.
    pub object_ref: Option<ObjectRef>,
    /// The outcome.
    pub response_status: Option<ResponseStatus>,
    /// When the request arrived.
    pub request_received_timestamp: Timestamp,
    /// Among others `authorization.k8s.io/decision` and `authorization.k8s.io/reason`.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

impl AuditEvent {
    /// Whether the request was meant to change something.
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether RBAC, or whoever else decides, refused the request.
    pub fn is_forbidden(&self) -> bool {
        self.response_status.as_ref().is_some_and(|status| status.code == Some(403))
    }
}

/// Who sent a request.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// The name as RBAC knows it.
    pub username: String,
}

/// What a request was about; absent parts are empty in the log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    /// The plural, for example `deployments`.
    pub resource: String,
    /// For example `status` or `scale`.
    pub subresource: String,
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The namespace of a namespaced object.
    pub namespace: String,
    /// The name of a single object.
    pub name: String,
}

/// The outcome of a request.
#[derive(Debug, Clone, Deserialize)]
pub struct ResponseStatus {
    /// The HTTP status.
    pub code: Option<u16>,
}
