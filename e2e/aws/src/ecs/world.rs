//! Everything ECS knows, and the passing of its time.

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use super::{
    Timing,
    definitions::Definitions,
    names::{definition_name, task_arn},
    runner::{Runner, TaskEvent, TaskInfo},
    scheduler,
    service::{Service, Status},
    task::{Order, Phase, Task},
};
use crate::AwsError;

/// How long a stopped task is still described (API reference of `DescribeTasks`: at least one hour).
const STOPPED_KEPT: Duration = Duration::from_hours(1);

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) timing: Timing,
    pub(super) definitions: Definitions,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) runner: Option<mpsc::UnboundedSender<TaskEvent>>,
    /// Numbers given to tasks and deployments so far.
    pub(super) numbers: u64,
}

#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) services: BTreeMap<String, Service>,
    /// Every task that is not in STOPPED, by id.
    pub(super) tasks: BTreeMap<String, Task>,
    /// Those in STOPPED, apart, since a crash loop leaves many.
    pub(super) stopped: BTreeMap<String, Task>,
}

impl World {
    pub(super) fn cluster(&self, name: &str) -> Result<&Cluster, AwsError> {
        self.clusters.get(name).ok_or_else(cluster_not_found)
    }

    pub(super) fn cluster_mut(&mut self, name: &str) -> Result<&mut Cluster, AwsError> {
        self.clusters.get_mut(name).ok_or_else(cluster_not_found)
    }

    /// A number for a new deployment.
    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Does everything that is due, and all that follows from it at once.
    pub(super) fn step(&mut self, now: Instant) {
        let Self { timing, clusters, runner, numbers, definitions: _ } = self;
        let starter = if runner.is_some() { Runner::Attached } else { Runner::BuiltIn };
        for (name, cluster) in clusters {
            loop {
                let mut moved = cluster.advance(now, timing);
                for service in cluster.services.values_mut().filter(|service| service.status != Status::Inactive) {
                    let mut bench = scheduler::Bench { tasks: &mut cluster.tasks, timing, starter, numbers, now };
                    moved |= scheduler::settle(service, &mut bench);
                }
                if !moved {
                    break;
                }
            }
            if let Some(runner) = runner {
                cluster.hand_orders(name, runner);
            }
            cluster.archive(now);
        }
    }

    /// When something is due next.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let clusters = self.clusters.values();
        let tasks = clusters.clone().flat_map(|cluster| cluster.tasks.values());
        let healthy = tasks.clone().filter_map(|task| task.healthy_from(&self.timing)).filter(|at| *at > now);
        let services = clusters.flat_map(|cluster| cluster.services.values());
        let restarts = services.flat_map(|service| &service.deployments).filter_map(|deployment| deployment.throttle);
        tasks
            .filter_map(Task::due)
            .chain(healthy)
            .chain(restarts.map(|throttle| throttle.until).filter(|at| *at > now))
            .min()
    }
}

impl Cluster {
    /// Lets the tasks' time pass. Returns whether any changed.
    fn advance(&mut self, now: Instant, timing: &Timing) -> bool {
        let mut advanced = false;
        for task in self.tasks.values_mut() {
            advanced |= task.advance(now, timing);
        }
        advanced
    }

    /// Hands the orders that came up to the runner, those of older tasks first.
    fn hand_orders(&mut self, name: &str, runner: &mpsc::UnboundedSender<TaskEvent>) {
        let mut orders = Vec::new();
        for task in self.tasks.values_mut() {
            orders.extend(task.take_orders().into_iter().map(|order| (task.number, event(name, task, order))));
        }
        orders.sort_by_key(|(number, _)| *number);
        for (_, event) in orders {
            // A runner that went away leaves its tasks as they are.
            let _ = runner.send(event);
        }
    }

    /// Puts the stopped tasks away and forgets those of long ago.
    fn archive(&mut self, now: Instant) {
        self.stopped.extend(self.tasks.extract_if(.., |_, task| task.phase == Phase::Stopped));
        let expired = |task: &Task| task.stopped.is_some_and(|at| now.duration_since(at) > STOPPED_KEPT);
        self.stopped.retain(|_, task| !expired(task));
    }

    /// A task in whichever state.
    pub(super) fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.get(id).or_else(|| self.stopped.get(id))
    }
}

fn cluster_not_found() -> AwsError {
    AwsError::new("ClusterNotFoundException", "Cluster not found.")
}

fn event(cluster: &str, task: &Task, order: Order) -> TaskEvent {
    let arn = task_arn(cluster, &task.id);
    match order {
        Order::Start => TaskEvent::Start(TaskInfo {
            arn,
            cluster: cluster.to_owned(),
            service: task.service.clone(),
            definition: definition_name(&task.definition.arn()).to_owned(),
            environment: task.definition.environment(),
        }),
        Order::Stop { grace } => TaskEvent::Stop { arn, grace },
        Order::Kill => TaskEvent::Kill { arn },
    }
}
