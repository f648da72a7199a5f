//! Faults on request: what a caller must survive, switched on per operation and per resource.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{AwsError, Service};

/// What happens to a request that meets a [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is answered with this error and not carried out.
    Fail(AwsError),
    /// It is answered with the service's throttling error and not carried out.
    Throttle,
    /// It is never answered and not carried out; the connection stays open.
    Hang,
    /// It is carried out, and answered, this much later.
    Delay(Duration),
    /// The connection is closed without an answer; the request is not carried out.
    Drop,
}

/// A rule: requests of one operation, perhaps on one resource only, perhaps a number of times only.
#[derive(Debug, Clone)]
pub struct Fault {
    service: Service,
    operation: String,
    resource: Option<String>,
    remaining: Option<u32>,
    effect: Effect,
}

impl Fault {
    /// Every request of `operation` (its API name, as `GetQueueAttributes`) until removed.
    pub fn new(service: Service, operation: impl Into<String>, effect: Effect) -> Self {
        Self { service, operation: operation.into(), resource: None, remaining: None, effect }
    }

    /// Only requests that name this resource: its ARN or the last part of it, as `orders`, `core-api`,
    /// `prod/core-api`.
    #[must_use]
    pub fn on(self, resource: impl Into<String>) -> Self {
        Self { resource: Some(resource.into()), ..self }
    }

    /// Only the next `times` requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { remaining: Some(times), ..self }
    }

    fn meets(&self, service: Service, operation: &str, resources: &[String]) -> bool {
        self.service == service
            && self.operation == operation
            && self.remaining != Some(0)
            && self.resource.as_ref().is_none_or(|name| resources.iter().any(|arn| names(arn, name)))
    }
}

/// Names a fault for its removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

/// The faults now in force; of several that meet a request the oldest decides.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    next: u64,
    faults: Vec<(FaultId, Fault)>,
}

impl Faults {
    /// Puts a fault in force.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.next += 1;
        let id = FaultId(rules.next);
        rules.faults.push((id, fault));
        id
    }

    /// Ends a fault. One that already ended is no error.
    pub fn remove(&self, id: FaultId) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).faults.retain(|(other, _)| *other != id);
    }

    /// Ends every fault.
    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).faults.clear();
    }

    /// What happens to this request, counting it against the fault it meets.
    pub(crate) fn meet(&self, service: Service, operation: &str, resources: &[String]) -> Option<Effect> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, fault) = rules.faults.iter_mut().find(|(_, fault)| fault.meets(service, operation, resources))?;
        if let Some(remaining) = &mut fault.remaining {
            *remaining -= 1;
        }
        Some(fault.effect.clone())
    }
}

fn names(arn: &str, name: &str) -> bool {
    arn == name || arn.strip_suffix(name).is_some_and(|before| before.ends_with([':', '/']))
}
