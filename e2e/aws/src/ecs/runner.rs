//! The life of tasks from outside: what stands in for the container runtime.
//!
//! The model orders ([`TaskEvent`]), the runner reports ([`Ecs::task_running`], [`Ecs::task_stopped`]):
//!
//! ```text
//! PROVISIONING ─▶ PENDING ─▶ ACTIVATING ─▶ RUNNING ─▶ DEACTIVATING ─▶ STOPPING ─▶ DEPROVISIONING ─▶ STOPPED
//!                 │ Start ▲                                           │ Stop ▲
//!                 ▼       │                                           ▼      │
//!                 task_running                        (grace over: Kill) task_stopped
//! ```
//!
//! A task waits in PENDING and in STOPPING for as long as the runner takes. [`TaskEvent::Kill`] is no end in itself:
//! the container is gone when the runner says so. Without an attached runner a built-in one keeps the times of
//! [`Timing`](super::Timing).

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use super::{Ecs, Timing, names::task_id, task::Task};

/// An order to the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEvent {
    /// Start the task's container and report it by [`Ecs::task_running`], or its failure by [`Ecs::task_stopped`].
    Start(TaskInfo),
    /// Send SIGTERM; the container has `grace` to exit.
    Stop {
        /// The task's ARN.
        arn: String,
        /// The task definition's `stopTimeout`, 30 s by default.
        grace: Duration,
    },
    /// Send SIGKILL: the grace is over.
    Kill {
        /// The task's ARN.
        arn: String,
    },
}

/// A task to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// The task's ARN, its name in every other event and report.
    pub arn: String,
    /// Name of its cluster.
    pub cluster: String,
    /// Name of its service.
    pub service: String,
    /// Its task definition as `family:revision`.
    pub definition: String,
    /// The environment of its first essential container.
    pub environment: BTreeMap<String, String>,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code: 0 for success, 143 after SIGTERM, 137 after SIGKILL.
    pub code: i32,
    /// A sentence for `Container.reason`, where there is one.
    pub reason: Option<String>,
}

impl Exit {
    /// An exit with this code and no reason.
    pub fn code(code: i32) -> Self {
        Self { code, reason: None }
    }

    /// The same exit with a reason.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}

/// Who starts and stops a task; settled when the task is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    BuiltIn,
    Attached,
}

/// A task the model does not have, or no longer has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no task {0}")]
pub struct UnknownTask(pub String);

impl Ecs {
    /// Makes the caller the runner, in place of the one attached before. Tasks that the built-in runner started stay
    /// with it.
    ///
    /// Orders come in order and wait until received. A runner that drops the receiver leaves its tasks as they are.
    pub fn attach_runner(&self) -> mpsc::UnboundedReceiver<TaskEvent> {
        let (events, orders) = mpsc::unbounded_channel();
        self.change(|world, _| world.runner = Some(events));
        orders
    }

    /// Reports that a task's container runs. Of no effect on a task that no longer waits for it.
    ///
    /// # Errors
    ///
    /// The task is unknown.
    pub fn task_running(&self, arn: &str) -> Result<(), UnknownTask> {
        self.report(arn, Task::started)
    }

    /// Reports that a task's container has exited or could not be started. A service's task that was not to stop is
    /// replaced. Of no effect on a task whose container is already gone.
    ///
    /// # Errors
    ///
    /// The task is unknown.
    pub fn task_stopped(&self, arn: &str, exit: Exit) -> Result<(), UnknownTask> {
        self.report(arn, |task, now, timing| task.exited(exit, now, timing))
    }

    fn report(&self, arn: &str, change: impl FnOnce(&mut Task, Instant, &Timing)) -> Result<(), UnknownTask> {
        self.change(|world, now| {
            let timing = world.timing.clone();
            for (name, cluster) in &mut world.clusters {
                let Some(id) = task_id(name, arn) else { continue };
                if let Some(task) = cluster.tasks.get_mut(id) {
                    change(task, now, &timing);
                    return Ok(());
                }
                if cluster.stopped.contains_key(id) {
                    return Ok(());
                }
            }
            Err(UnknownTask(arn.to_owned()))
        })
    }
}
