//! One task and its way through the lifecycle.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Timing,
    definitions::TaskDefinition,
    runner::{Exit, Runner},
};

/// The states of the lifecycle, in order, as `lastStatus` shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Phase {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Why a task is to stop: `stopCode` and `stoppedReason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) code: StopCode,
    pub(super) reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    UserInitiated,
    ServiceSchedulerInitiated,
}

impl StopCode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
        }
    }
}

/// What the runner must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Start,
    Stop { grace: Duration },
    Kill,
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    /// Order of creation, over all clusters.
    pub(super) number: u64,
    pub(super) service: String,
    /// Id of the deployment that started it.
    pub(super) deployment: String,
    pub(super) definition: Arc<TaskDefinition>,
    pub(super) launch_type: String,
    pub(super) phase: Phase,
    /// Set when the desired status is STOPPED.
    pub(super) stop: Option<Stop>,
    pub(super) exit: Option<Exit>,
    pub(super) created: Instant,
    pub(super) started: Option<Instant>,
    pub(super) stopping: Option<Instant>,
    pub(super) execution_stopped: Option<Instant>,
    pub(super) stopped: Option<Instant>,
    runner: Runner,
    /// When the state ends by itself.
    due: Option<Instant>,
    /// Not yet handed to the runner.
    orders: Vec<Order>,
    /// How its start went, until its service has taken note.
    outcome: Option<Outcome>,
}

/// How a task's start went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It reached RUNNING.
    Ran,
    /// Its container ended before.
    Failed,
}

/// What a service's scheduler decides before a task exists.
#[derive(Debug)]
pub(super) struct NewTask {
    pub(super) number: u64,
    pub(super) service: String,
    pub(super) deployment: String,
    pub(super) definition: Arc<TaskDefinition>,
    pub(super) launch_type: String,
    pub(super) runner: Runner,
}

impl Task {
    pub(super) fn new(new: NewTask, now: Instant, timing: &Timing) -> Self {
        let NewTask { number, service, deployment, definition, launch_type, runner } = new;
        // An odd factor spreads the numbers over all ids, so that ids are unique and in no telling order.
        let id = format!("{:032x}", u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
        Self {
            id,
            number,
            service,
            deployment,
            definition,
            launch_type,
            phase: Phase::Provisioning,
            stop: None,
            exit: None,
            created: now,
            started: None,
            stopping: None,
            execution_stopped: None,
            stopped: None,
            runner,
            due: Some(now + timing.provisioning),
            orders: Vec::new(),
            outcome: None,
        }
    }

    /// Whether the task is meant to run on: its desired status is RUNNING.
    pub(super) fn live(&self) -> bool {
        self.stop.is_none()
    }

    /// Live, and not in RUNNING yet.
    pub(super) fn pending(&self) -> bool {
        self.live() && self.phase < Phase::Running
    }

    /// Live and in RUNNING.
    pub(super) fn running(&self) -> bool {
        self.live() && self.phase == Phase::Running
    }

    /// When a running task counts as healthy.
    pub(super) fn healthy_from(&self, timing: &Timing) -> Option<Instant> {
        self.started.filter(|_| self.running()).map(|at| at + timing.healthy_after)
    }

    /// When the task next changes by itself.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes the orders for the runner that came up since the last call.
    pub(super) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// Leaves every state whose time is up. Returns whether there was one.
    pub(super) fn advance(&mut self, now: Instant, timing: &Timing) -> bool {
        let mut advanced = false;
        while let Some(due) = self.due.filter(|due| *due <= now) {
            advanced = true;
            match self.phase {
                Phase::Provisioning => self.enter(Phase::Pending, due, timing),
                Phase::Pending => self.enter(Phase::Activating, due, timing),
                Phase::Activating => self.enter(Phase::Running, due, timing),
                Phase::Deactivating => self.enter(Phase::Stopping, due, timing),
                Phase::Stopping if self.runner == Runner::Attached => {
                    self.orders.push(Order::Kill);
                    self.due = None;
                }
                Phase::Stopping => {
                    let killed = timing.stop > self.definition.stop_timeout;
                    self.exit = Some(Exit::code(if killed { 137 } else { 0 }));
                    self.enter(Phase::Deprovisioning, due, timing);
                }
                Phase::Deprovisioning => self.enter(Phase::Stopped, due, timing),
                Phase::Running | Phase::Stopped => self.due = None,
            }
        }
        advanced
    }

    /// Sets the desired status to STOPPED. Of no effect on a task that already stops.
    pub(super) fn stop(&mut self, code: StopCode, reason: &str, now: Instant, timing: &Timing) {
        if !self.live() {
            return;
        }
        self.stop = Some(Stop { code, reason: reason.to_owned() });
        match self.phase {
            // No container was ordered yet, so none has to end.
            Phase::Provisioning => self.enter(Phase::Deprovisioning, now, timing),
            Phase::Pending | Phase::Activating => self.enter(Phase::Stopping, now, timing),
            Phase::Running => self.enter(Phase::Deactivating, now, timing),
            Phase::Deactivating | Phase::Stopping | Phase::Deprovisioning | Phase::Stopped => {}
        }
    }

    /// The runner's report that the container runs.
    pub(super) fn started(&mut self, now: Instant, timing: &Timing) {
        if self.phase == Phase::Pending {
            self.enter(Phase::Activating, now, timing);
        }
    }

    /// The runner's report that the container has ended.
    pub(super) fn exited(&mut self, exit: Exit, now: Instant, timing: &Timing) {
        if matches!(self.phase, Phase::Provisioning | Phase::Deprovisioning | Phase::Stopped) {
            return;
        }
        let stop = match (self.started, &exit.reason) {
            (None, Some(reason)) => Stop { code: StopCode::TaskFailedToStart, reason: reason.clone() },
            (None, None) => Stop { code: StopCode::TaskFailedToStart, reason: "Task failed to start".to_owned() },
            (Some(_), _) => Stop {
                code: StopCode::EssentialContainerExited,
                reason: "Essential container in task exited".to_owned(),
            },
        };
        if self.live() {
            if self.started.is_none() {
                self.outcome = Some(Outcome::Failed);
            }
            self.stop = Some(stop);
        }
        self.exit = Some(exit);
        self.enter(Phase::Deprovisioning, now, timing);
    }

    /// Meant to stop, and its container is still there.
    pub(super) fn holds_container_while_stopping(&self) -> bool {
        matches!(self.phase, Phase::Deactivating | Phase::Stopping)
    }

    /// How its start went, once it is known; told once.
    pub(super) fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    fn enter(&mut self, phase: Phase, now: Instant, timing: &Timing) {
        self.phase = phase;
        let built_in = self.runner == Runner::BuiltIn;
        let grace = self.definition.stop_timeout;
        self.due = match phase {
            Phase::Provisioning => Some(now + timing.provisioning),
            Phase::Pending => built_in.then_some(now + timing.start),
            Phase::Activating => Some(now + timing.activating),
            Phase::Running | Phase::Stopped => None,
            Phase::Deactivating => Some(now + timing.deactivating),
            Phase::Stopping => Some(now + if built_in { timing.stop.min(grace) } else { grace }),
            Phase::Deprovisioning => Some(now + timing.deprovisioning),
        };
        match phase {
            Phase::Provisioning | Phase::Activating => {}
            Phase::Pending => self.orders.push(Order::Start),
            Phase::Running => {
                self.started = Some(now);
                self.outcome = Some(Outcome::Ran);
            }
            Phase::Deactivating => self.stopping = Some(now),
            Phase::Stopping => {
                self.stopping.get_or_insert(now);
                self.orders.push(Order::Stop { grace });
            }
            Phase::Deprovisioning => {
                self.stopping.get_or_insert(now);
                self.execution_stopped = Some(now);
            }
            Phase::Stopped => self.stopped = Some(now),
        }
        if built_in {
            self.orders.clear();
        }
    }
}
