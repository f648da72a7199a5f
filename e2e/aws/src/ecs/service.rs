//! A service, its deployments, and the event stream that tells what its scheduler did.

use std::{collections::VecDeque, sync::Arc};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    definitions::TaskDefinition,
    rollout::Percentages,
    task::{Outcome, Task},
    timing::Backoff,
};

/// Events a service keeps (API reference of `Service`).
const EVENTS: usize = 100;

/// Status of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    /// Deleted, with tasks that are still to stop.
    Draining,
    Inactive,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) desired: u32,
    pub(super) percentages: Percentages,
    pub(super) launch_type: String,
    pub(super) created: Instant,
    /// The newest first: the PRIMARY one, then those it replaces.
    pub(super) deployments: VecDeque<Deployment>,
    /// The newest first.
    pub(super) events: VecDeque<Event>,
    /// Whether the event of the steady state was written since the last change.
    pub(super) steady: bool,
    /// Members that `DescribeServices` shows in place of the model's own.
    pub(super) overlay: Value,
}

#[derive(Debug)]
pub(super) struct Deployment {
    /// `ecs-svc/` and a number.
    pub(super) id: String,
    pub(super) definition: Arc<TaskDefinition>,
    pub(super) created: Instant,
    pub(super) updated: Instant,
    pub(super) rollout: Rollout,
    /// Tasks an old deployment keeps up until it is replaced; of no meaning for the newest.
    pub(super) target: u32,
    /// Tasks that failed to start since one ran.
    pub(super) failures: u32,
    /// The wait after such a failure.
    pub(super) throttle: Option<Throttle>,
    /// Whether the event that the percentages leave no room was written.
    pub(super) stuck: bool,
}

/// A wait before the next attempt to start tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throttle {
    /// Attempts in a row that failed.
    pub(super) attempts: u32,
    /// Tasks created until then belong to an attempt already counted.
    pub(super) since: Instant,
    pub(super) until: Instant,
}

/// `rolloutState` of a deployment. Without a circuit breaker none fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: Instant,
    pub(super) message: String,
}

/// A service's tasks by what they are doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// `desiredCount`.
    pub desired: u32,
    /// `pendingCount`: meant to run, not in RUNNING yet.
    pub pending: u32,
    /// `runningCount`: in RUNNING and meant to run on.
    pub running: u32,
    /// In DEACTIVATING or STOPPING: meant to stop, container still there. The API has no count of them.
    pub stopping: u32,
}

impl Service {
    /// A service with its first deployment.
    pub(super) fn new(name: &str, desired: u32, definition: Arc<TaskDefinition>, number: u64, now: Instant) -> Self {
        Self {
            name: name.to_owned(),
            status: Status::Active,
            desired,
            percentages: Percentages::default(),
            launch_type: "EC2".to_owned(),
            created: now,
            deployments: VecDeque::from([Deployment::new(number, definition, now)]),
            events: VecDeque::new(),
            steady: false,
            overlay: Value::Null,
        }
    }

    /// Starts a deployment; the one before keeps the tasks it has until they are replaced.
    pub(super) fn deploy(&mut self, definition: Arc<TaskDefinition>, live: u32, number: u64, now: Instant) {
        if let Some(replaced) = self.deployments.front_mut() {
            replaced.target = live;
            replaced.updated = now;
        }
        self.deployments.push_front(Deployment::new(number, definition, now));
        self.steady = false;
    }

    /// Adds to the event stream; the service's name leads every sentence.
    pub(super) fn tell(&mut self, what: &str, now: Instant) {
        let message = format!("(service {}) {what}", self.name);
        let id = format!("{:032x}", rand::random::<u128>());
        self.events.push_front(Event { id, at: now, message });
        self.events.truncate(EVENTS);
    }

    pub(super) fn counts<'a>(&self, tasks: impl Iterator<Item = &'a Task>) -> ServiceCounts {
        let mut counts = ServiceCounts { desired: self.desired, ..ServiceCounts::default() };
        for task in tasks.filter(|task| task.service == self.name) {
            counts.pending += u32::from(task.pending());
            counts.running += u32::from(task.running());
            counts.stopping += u32::from(task.holds_container_while_stopping());
        }
        counts
    }
}

impl Deployment {
    fn new(number: u64, definition: Arc<TaskDefinition>, now: Instant) -> Self {
        Self {
            id: format!("ecs-svc/{number:019}"),
            definition,
            created: now,
            updated: now,
            rollout: Rollout::InProgress,
            target: 0,
            failures: 0,
            throttle: None,
            stuck: false,
        }
    }

    /// Whether it may start tasks now.
    pub(super) fn may_start(&self, now: Instant) -> bool {
        self.throttle.is_none_or(|throttle| throttle.until <= now)
    }

    /// Takes note of how a task's start went. Returns the attempts that failed in a row when this one adds to them.
    pub(super) fn note(&mut self, outcome: Outcome, created: Instant, restart: &Backoff, now: Instant) -> Option<u32> {
        if outcome == Outcome::Ran {
            self.failures = 0;
            self.throttle = None;
            return None;
        }
        self.failures += 1;
        let attempts = match self.throttle {
            Some(throttle) if created <= throttle.since => return None,
            Some(throttle) => throttle.attempts + 1,
            None => 1,
        };
        self.throttle = Some(Throttle { attempts, since: now, until: now + restart.after(attempts) });
        Some(attempts)
    }
}
