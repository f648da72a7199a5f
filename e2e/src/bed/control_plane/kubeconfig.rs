//! Kubeconfig files.

use std::path::Path;

use serde_json::{Value, json};

/// A kubeconfig with one user, who shows a token. JSON is YAML, and needs no quoting by hand.
pub(super) fn with_token(port: u16, authority: &Path, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "e2e", "cluster": {"server": format!("https://127.0.0.1:{port}"), "certificate-authority": authority}}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "user"}}],
        "current-context": "e2e",
    })
}
