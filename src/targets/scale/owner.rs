//! Who else scales a target.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hybridscaler_core::reading::Unknown;
use k8s_openapi::api::autoscaling::v2::{CrossVersionObjectReference, HorizontalPodAutoscaler};
use kube::{
    Api, Client, ResourceExt as _,
    api::DynamicObject,
    core::{GroupVersion, GroupVersionKind},
    discovery::ApiResource,
};
use tokio::time::Instant;

use crate::{
    kubernetes::{Failure, WorkloadRef, list_all},
    targets::{Note, Rival, TargetError},
};

/// How long a list of a namespace's autoscalers is believed: all targets of the namespace share it.
const BELIEVED: Duration = Duration::from_secs(15);

const HPA: &str = "HorizontalPodAutoscaler";
const SCALED_OBJECT: &str = "ScaledObject";

/// The autoscalers of each namespace, as last listed.
#[derive(Default)]
pub(super) struct Owners(Mutex<HashMap<String, (Instant, Arc<Listed>)>>);

#[derive(Default)]
struct Listed {
    owners: Vec<Owner>,
    notes: Vec<Note>,
}

/// An autoscaler and what it scales.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    kind: &'static str,
    name: String,
    group: String,
    target_kind: String,
    target_name: String,
}

impl Owners {
    /// The other autoscaler that scales `workload`, and what could not be found out.
    pub(super) async fn rival(
        &self,
        client: &Client,
        workload: &WorkloadRef,
    ) -> Result<(Option<Rival>, Vec<Note>), TargetError> {
        let listed = self.listed(client, &workload.namespace).await?;
        let rival = listed.owners.iter().find(|owner| owner.scales(workload)).map(|Owner { kind, name, .. }| Rival {
            kind,
            name: name.clone(),
            mend: format!("delete it, or this HybridScaler: kubectl delete {kind} {name} -n {}", workload.namespace),
        });
        Ok((rival, listed.notes.clone()))
    }

    async fn listed(&self, client: &Client, namespace: &str) -> Result<Arc<Listed>, TargetError> {
        let now = Instant::now();
        {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, (at, _)| now.duration_since(*at) < BELIEVED);
            if let Some((_, listed)) = known.get(namespace) {
                return Ok(Arc::clone(listed));
            }
        }
        let listed = Arc::new(list(client, namespace).await?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(namespace.to_owned(), (now, Arc::clone(&listed)));
        Ok(listed)
    }
}

impl Owner {
    fn scales(&self, workload: &WorkloadRef) -> bool {
        let Self { group, target_kind, target_name, .. } = self;
        let WorkloadRef { api_version, kind, name, .. } = workload;
        // Versions of one group are views of the same object.
        *target_kind == *kind && *target_name == *name && *group == group_of(api_version)
    }
}

/// A `ScaledObject` comes first: KEDA makes a `HorizontalPodAutoscaler` of it, and would make it again.
async fn list(client: &Client, namespace: &str) -> Result<Listed, TargetError> {
    let mut listed = Listed::default();
    let what = format!("autoscalers in {namespace}");
    let gvk = GroupVersionKind::gvk("keda.sh", "v1alpha1", SCALED_OBJECT);
    let scaled_objects: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&gvk));
    match list_all(&what, &scaled_objects, "").await {
        // KEDA is not installed.
        Err(Failure { why: Unknown::NotFound, .. }) => {}
        found => listed.add(SCALED_OBJECT, found, of_scaled_object)?,
    }
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    listed.add(HPA, list_all(&what, &hpas, "").await, of_hpa)?;
    Ok(listed)
}

impl Listed {
    fn add<K>(
        &mut self,
        kind: &'static str,
        found: Result<Vec<K>, Failure>,
        owner: impl Fn(&K) -> Option<Owner>,
    ) -> Result<(), TargetError> {
        match found {
            Ok(found) => self.owners.extend(found.iter().filter_map(owner)),
            Err(Failure { why: Unknown::Forbidden, message }) => self.notes.push(Note::OwnersHidden { kind, message }),
            Err(failure) => return Err(failure.into()),
        }
        Ok(())
    }
}

fn of_hpa(hpa: &HorizontalPodAutoscaler) -> Option<Owner> {
    let CrossVersionObjectReference { api_version, kind, name } = &hpa.spec.as_ref()?.scale_target_ref;
    Some(Owner {
        kind: HPA,
        name: hpa.name_any(),
        group: group_of(api_version.as_deref().unwrap_or_default()),
        target_kind: kind.clone(),
        target_name: name.clone(),
    })
}

/// KEDA's defaults: a Deployment of `apps/v1`.
fn of_scaled_object(object: &DynamicObject) -> Option<Owner> {
    let target = object.data.get("spec")?.get("scaleTargetRef")?;
    let field = |name: &str| target.get(name).and_then(|value| value.as_str());
    Some(Owner {
        kind: SCALED_OBJECT,
        name: object.name_any(),
        group: group_of(field("apiVersion").unwrap_or("apps/v1")),
        target_kind: field("kind").unwrap_or("Deployment").to_owned(),
        target_name: field("name")?.to_owned(),
    })
}

/// The group of `GROUP/VERSION`; what cannot be read has none, as the core group.
fn group_of(api_version: &str) -> String {
    api_version.parse::<GroupVersion>().map(|version| version.group).unwrap_or_default()
}
