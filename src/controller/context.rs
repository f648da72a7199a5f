//! What every reconcile shares.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures::channel::mpsc::UnboundedSender;
use hybridscaler_core::Connections;
use kube::{
    Client, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::reflector::{ObjectRef, Store},
};

use super::{
    capacity::Databases,
    clock::Clock,
    events::Events,
    grants::Grants,
    intent::Intent,
    memory::{Memory, Missed},
    target_id::TargetId,
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget, HybridScaler,
        conditions::{ConditionType, reasons},
        config::OperatorConfig,
        rbac::ServiceAccount,
    },
    ledger::{self, Ledgers},
    record::Recorder,
    signals::Sources,
    targets::{EcsTargets, KubernetesTargets, Target},
    telemetry::{
        health::Readiness,
        metrics::{Metrics, ObjectName},
    },
};

/// A scaler as it is watched: one that cannot be read must not stop the watch of all others.
pub(super) type Scaler = DeserializeGuard<HybridScaler>;
/// A budget as it is watched.
pub(super) type Budget = DeserializeGuard<ConnectionBudget>;
/// A scaler by name.
pub(super) type ScalerRef = ObjectRef<Scaler>;

/// What every reconcile shares.
pub(super) struct Context {
    pub(super) clock: Arc<dyn Clock>,
    /// Never repeats a request by itself.
    pub(super) client: Client,
    pub(super) config: OperatorConfig,
    /// Who we are, for the Roles that conditions print.
    pub(super) account: ServiceAccount,
    pub(super) kubernetes: KubernetesTargets,
    pub(super) ecs: EcsTargets,
    pub(super) sources: Sources<ScalerRef>,
    pub(super) ledgers: Ledgers,
    pub(super) databases: Databases,
    /// What the watch of scalers has seen.
    pub(super) scalers: Store<Scaler>,
    /// What the watch of budgets has seen: trails the ledger, so never a basis for a grant.
    pub(super) budgets: Store<Budget>,
    pub(super) memory: Memory,
    /// What each scaler is known to have been granted.
    pub(super) grants: Grants,
    /// Targets of scalers that are gone, which are not there either.
    pub(super) missed: Missed,
    /// Entries without a scaler of which nothing seems to be left.
    pub(super) spent: Missed,
    pub(super) events: Events,
    /// Where decisions are recorded, if they are.
    pub(super) recorder: Recorder,
    pub(super) metrics: Metrics,
    /// Whether both kinds have been listed: nothing is decided on half a view.
    pub(super) readiness: Readiness,
    /// Budgets whose capacity this process has read: what an earlier one left in the ledger may be out of date.
    pub(super) read_capacities: Mutex<HashSet<String>>,
    /// Has scalers reconciled that wait for something other than their object and their signals.
    pub(super) wake: UnboundedSender<ScalerRef>,
    /// What each budget last had to give.
    pub(super) rooms: Mutex<HashMap<ObjectName, Room>>,
}

/// What a budget has to give, as far as waiting scalers are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) available: Option<Connections>,
    pub(super) over_by: Connections,
    pub(super) frozen: bool,
    pub(super) consumers: usize,
}

impl Room {
    /// Whether somebody who waited at `before` may have less to wait for now.
    pub(super) fn improves_on(&self, before: &Self) -> bool {
        self.available > before.available
            || self.over_by < before.over_by
            || (before.frozen && !self.frozen)
            || self.consumers != before.consumers
    }
}

/// The object that a reconcile is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: ObjectName,
    pub(super) uid: String,
    pub(super) generation: Option<i64>,
    pub(super) reference: k8s_openapi::api::core::v1::ObjectReference,
}

impl Subject {
    pub(super) fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        Self {
            name: ObjectName { namespace: object.namespace().unwrap_or_default(), name: object.name_any() },
            uid: object.uid().unwrap_or_default(),
            generation: object.meta().generation,
            reference: object.object_ref(&()),
        }
    }

    /// `namespace/name`, the key of the ledger.
    pub(super) fn key(&self) -> String {
        key(&self.name.namespace, &self.name.name)
    }
}

/// The key of a consumer in a ledger.
pub(super) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

impl Context {
    /// Whether this process has read the capacity of `budget` since it started.
    pub(super) fn has_read_capacity(&self, budget: &ConnectionBudget) -> bool {
        let uid = budget.uid().unwrap_or_default();
        self.read_capacities.lock().unwrap_or_else(PoisonError::into_inner).contains(&uid)
    }

    /// Whether `budget`, as it is watched now, has more to give to those who wait than when it was last watched.
    pub(super) fn has_more_room(&self, budget: &Budget) -> bool {
        let Ok(Ok(ledger)) = budget.0.as_ref().map(|budget| ledger::read(budget.status.as_ref())) else { return false };
        let room = Room {
            available: ledger.available(),
            over_by: ledger.over_by(),
            frozen: ledger.capacity.frozen(),
            consumers: ledger.entries.len(),
        };
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.insert(Subject::of(budget).name, room).is_none_or(|before| room.improves_on(&before))
    }

    /// Whether a ledger holds an entry of `consumer`: when nothing is remembered of it, an earlier process made that entry.
    pub(super) fn is_charged(&self, consumer: &Subject) -> bool {
        let consumer = consumer.key();
        let charged = |budget: &Budget| {
            let ledger = budget.0.as_ref().ok().and_then(|budget| ledger::read(budget.status.as_ref()).ok());
            ledger.is_some_and(|ledger| ledger.entries.contains_key(&consumer))
        };
        self.budgets.state().iter().any(|budget| charged(budget))
    }

    /// Wakes those who wait for room once every scaler has been looked at: until then none of them may have had any.
    pub(super) fn wake_who_waits_for_others(&self) {
        let scalers = self.scalers.state();
        let uid = |scaler: &Scaler| scaler.uid().unwrap_or_default();
        if scalers.iter().all(|scaler| self.memory.has_looked(&uid(scaler))) {
            for scaler in scalers.iter().filter(|scaler| self.memory.waits_for_room(&uid(scaler))) {
                // Nobody listens any more at the end of the process only.
                let _ = self.wake.unbounded_send(ObjectRef::from_obj(&**scaler));
            }
        }
    }

    /// The target's adapter.
    pub(super) fn target(&self, id: &TargetId) -> Target {
        match id {
            TargetId::Workload(workload) => Target::Scale(self.kubernetes.target(workload.clone())),
            TargetId::Ecs(service) => Target::Ecs(self.ecs.target(service.clone())),
        }
    }

    /// What `scaler` asks for, when it may scale its target at all. Only such a scaler is a consumer of its budget: what another one's
    /// target opens is unmanaged, and has to fit into the reserve.
    pub(super) fn admit(&self, scaler: &HybridScaler, object: &Scaler) -> Result<Intent, Trouble> {
        let namespace = scaler.namespace().unwrap_or_default();
        let intent = Intent::of(scaler, &namespace)?;
        intent.check_target(&namespace, &self.config)?;
        if let Some(owner) = self.older_owner(&intent.target, object) {
            let message = format!("HybridScaler {owner} scales this target already: delete one of the two");
            return Err(Trouble::new(ConditionType::AbleToScale, reasons::TARGET_OWNED_BY_ANOTHER, message));
        }
        Ok(intent)
    }

    /// The scaler that has `target` by right (one that may scale it), when it is not `subject`: the oldest, and of two of the same second the first by name.
    fn older_owner(&self, target: &TargetId, subject: &Scaler) -> Option<String> {
        let age = |scaler: &Scaler| {
            let created = scaler.creation_timestamp().map(|time| time.0);
            (created, scaler.namespace(), scaler.name_any())
        };
        let rival = |scaler: &Scaler| {
            scaler.0.as_ref().is_ok_and(|scaler| {
                let namespace = scaler.namespace().unwrap_or_default();
                Intent::of(scaler, &namespace).is_ok_and(|theirs| {
                    theirs.target.is(target) && theirs.check_target(&namespace, &self.config).is_ok()
                })
            })
        };
        let oldest =
            self.scalers.state().into_iter().filter(|scaler| rival(scaler)).min_by_key(|scaler| age(scaler))?;
        (oldest.uid() != subject.uid()).then(|| key(&oldest.namespace().unwrap_or_default(), &oldest.name_any()))
    }

    /// Forgets everything about scalers that exist no more.
    pub(super) fn sweep(&self) {
        let live: HashSet<String> = self.scalers.state().iter().filter_map(|scaler| scaler.uid()).collect();
        self.grants.retain(|uid| live.contains(uid));
        for gone in self.memory.retain(|reference, uid| {
            self.scalers.get(reference).is_some_and(|scaler| scaler.uid().as_deref() == Some(uid))
        }) {
            // A scaler made anew under the same name has the same reference, and watches sources already.
            if self.scalers.get(&gone).is_none() {
                let namespace = gone.namespace.clone().unwrap_or_default();
                self.metrics.forget_scaler(&ObjectName { namespace, name: gone.name.clone() });
                self.sources.forget(&gone);
            }
        }
    }

    /// Forgets everything about budgets that exist no more.
    pub(super) fn sweep_budgets(&self) {
        let live = self.budgets.state();
        self.databases.retain(|uid| live.iter().any(|budget| budget.uid().as_deref() == Some(uid)));
        self.metrics.retain_budgets(|name| {
            live.iter()
                .any(|budget| budget.namespace().as_deref() == Some(&name.namespace) && budget.name_any() == name.name)
        });
    }
}
