//! What the API server calls a kind in its URLs, and whether it can be scaled: asked once a kind.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kube::{
    Client, Error,
    core::GroupVersionKind,
    discovery::{self, ApiResource, Scope},
};

use super::call::read;
use crate::targets::TargetError;

#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<HashMap<GroupVersionKind, ApiResource>>);

impl Kinds {
    /// Asks the API server unless the kind is known. What cannot be scaled is asked again each time: it may be mended.
    pub(super) async fn resolve(&self, client: &Client, gvk: &GroupVersionKind) -> Result<ApiResource, TargetError> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(gvk) {
            return Ok(known.clone());
        }
        let (kind, version) = (&gvk.kind, gvk.api_version());
        let what = format!("kind {kind} of {version}");
        let found = read(&what, async {
            match discovery::pinned_kind(client, gvk).await {
                Err(Error::Discovery(_)) => Ok(None),
                found => found.map(Some),
            }
        });
        let not_served = || {
            TargetError::NotFound(format!("the API server serves no {what}: check the target's apiVersion and kind"))
        };
        let (resource, capabilities) = match found.await {
            Err(TargetError::NotFound(_)) | Ok(None) => return Err(not_served()),
            found => found?.ok_or_else(not_served)?,
        };
        if capabilities.scope != Scope::Namespaced {
            return Err(TargetError::NotScalable(format!("{what} is not namespaced")));
        }
        // A subresource's "plural" is its bare name.
        if !capabilities.subresources.iter().any(|(subresource, _)| subresource.plural == "scale") {
            return Err(TargetError::NotScalable(format!("{what} has no scale subresource")));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(gvk.clone(), resource.clone());
        Ok(resource)
    }

    pub(super) fn forget(&self, gvk: &GroupVersionKind) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(gvk);
    }
}
