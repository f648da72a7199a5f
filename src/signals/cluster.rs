//! Reading in our own cluster: as whom, of which kinds, and with the Role to paste where a right is missing.

use std::sync::Arc;

use hybridscaler_core::reading::{Reading, Unknown};
use kube::{Api, Client, api::DynamicObject};

use crate::{
    api::rbac::{self, ServiceAccount},
    kubernetes::{Failure, KindError, Kinds, WorkloadRef, read},
};

/// How the cluster is read. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    kinds: Arc<Kinds>,
    account: Arc<ServiceAccount>,
}

impl Cluster {
    /// `client` must not repeat requests by itself: nothing would bound the time that a poll takes.
    pub(super) fn new(client: Client, account: ServiceAccount) -> Self {
        Self { client, kinds: Arc::default(), account: Arc::new(account) }
    }

    /// The label selector of a workload's pods, as its scale subresource has it now: another workload of the same name has its own.
    pub(super) async fn selector(&self, workload: &WorkloadRef) -> Result<String, Failure> {
        let gvk = workload.gvk()?;
        let resource = self.kinds.resolve(&self.client, &gvk).await.map_err(|error| match error {
            KindError::Failed(failure) => failure,
            KindError::NotScalable(message) => Failure::new(Unknown::NotFound, message),
        })?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &workload.namespace, &resource);
        let scale = read(workload, api.get_scale(&workload.name)).await;
        if let Err(Failure { why: Unknown::NotFound, .. }) = scale {
            self.kinds.forget(&gvk);
        }
        let selector = scale?.status.and_then(|status| status.selector).filter(|selector| !selector.is_empty());
        selector.ok_or_else(|| {
            let lack = "its scale subresource names no selector (labelSelectorPath), so its pods cannot be read";
            Failure::new(Unknown::Invalid, format!("{workload}: {lack}"))
        })
    }

    /// A read in `namespace` that failed, as a reading.
    pub(super) fn unknown(&self, failure: Failure, namespace: &str) -> Reading {
        let Failure { why, mut message } = failure;
        if why == Unknown::Forbidden
            && let Some(role) = rbac::missing(namespace, &message, &self.account)
        {
            message = format!("{message}. To allow it, apply:\n{role}");
        }
        Reading::unknown(why, message)
    }
}
