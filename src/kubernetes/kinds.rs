//! What the API server calls a kind in its URLs, and whether it can be scaled: asked once a kind.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use hybridscaler_core::reading::Unknown;
use kube::{
    Client, Error,
    core::GroupVersionKind,
    discovery::{self, ApiResource, Scope},
};

use super::{Failure, read};

/// The kinds that were asked for so far.
#[derive(Debug, Default)]
pub struct Kinds(Mutex<HashMap<GroupVersionKind, ApiResource>>);

/// Why a kind cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// The API server could not be asked, or serves no such kind.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// It is not of a namespace, or has no scale subresource.
    #[error("{0}")]
    NotScalable(String),
}

impl Kinds {
    /// Asks the API server unless the kind is known. What cannot be scaled is asked again each time: it may be mended.
    ///
    /// # Errors
    /// See [`KindError`].
    pub async fn resolve(&self, client: &Client, gvk: &GroupVersionKind) -> Result<ApiResource, KindError> {
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
            let message = format!("the API server serves no {what}: check the target's apiVersion and kind");
            Failure::new(Unknown::NotFound, message)
        };
        let (resource, capabilities) = match found.await {
            Ok(Some(found)) => found,
            Ok(None) | Err(Failure { why: Unknown::NotFound, .. }) => return Err(not_served().into()),
            Err(failure) => return Err(failure.into()),
        };
        if capabilities.scope != Scope::Namespaced {
            return Err(KindError::NotScalable(format!("{what} is not namespaced")));
        }
        // A subresource's "plural" is its bare name.
        if !capabilities.subresources.iter().any(|(subresource, _)| subresource.plural == "scale") {
            return Err(KindError::NotScalable(format!("{what} has no scale subresource")));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(gvk.clone(), resource.clone());
        Ok(resource)
    }

    /// Asks anew the next time: the kind may have been removed and made again in another form.
    pub fn forget(&self, gvk: &GroupVersionKind) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(gvk);
    }
}
