//! Runs the tasks of services of the served ECS.

use std::{collections::HashMap, time::Duration};

use hybridscaler_e2e_aws::{Ecs, Exit, TaskEvent, TaskInfo};
use tokio::{sync::mpsc::UnboundedReceiver, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Service,
    connection::ConnectionError,
    worker::{Orders, Worker},
};

/// The tasks of some services. Dropped, it kills all of them, and starts no more.
pub struct Tasks {
    _life: AbortOnDropHandle<()>,
}

impl Tasks {
    /// Runs every task that ECS starts from now on as a replica of the service of its name. A task runs when `start_up` has passed
    /// since ECS ordered it.
    pub fn run(ecs: Ecs, services: impl IntoIterator<Item = Service>, start_up: Duration) -> Self {
        let orders = ecs.attach_runner();
        let services = services.into_iter().map(|service| (service.name.clone(), service)).collect();
        let lives = Lives { ecs, services, start_up, known: HashMap::new(), running: JoinSet::new() };
        Self { _life: AbortOnDropHandle::new(tokio::spawn(lives.run(orders))) }
    }
}

struct Lives {
    ecs: Ecs,
    services: HashMap<String, Service>,
    start_up: Duration,
    /// By ARN, while the task lives.
    known: HashMap<String, Orders>,
    /// Each gives its ARN when it ends.
    running: JoinSet<String>,
}

impl Lives {
    async fn run(mut self, mut events: UnboundedReceiver<TaskEvent>) {
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.on(event),
                    None => return,
                },
                Some(Ok(arn)) = self.running.join_next() => drop(self.known.remove(&arn)),
            }
        }
    }

    fn on(&mut self, event: TaskEvent) {
        match event {
            TaskEvent::Start(task) => self.start(task),
            TaskEvent::Stop { arn, .. } => {
                if let Some(orders) = self.known.get(&arn) {
                    orders.stop.cancel();
                }
            }
            TaskEvent::Kill { arn } => {
                if let Some(orders) = self.known.get(&arn) {
                    orders.kill();
                }
            }
        }
    }

    fn start(&mut self, task: TaskInfo) {
        let Some(service) = self.services.get(&task.service).cloned() else {
            let exit = Exit::code(127).because(format!("the runner has no program for service {}", task.service));
            return report(&task.arn, self.ecs.task_stopped(&task.arn, exit));
        };
        let orders = Orders::default();
        self.known.insert(task.arn.clone(), orders.clone());
        let (ecs, start_up) = (self.ecs.clone(), self.start_up);
        self.running.spawn(async move {
            let exit = live(&ecs, &task.arn, &service, start_up, &orders).await;
            report(&task.arn, ecs.task_stopped(&task.arn, exit));
            task.arn
        });
    }
}

/// One task, from ECS's order to its exit.
async fn live(ecs: &Ecs, arn: &str, service: &Service, start_up: Duration, orders: &Orders) -> Exit {
    tokio::select! {
        () = tokio::time::sleep(start_up) => {}
        () = orders.stop.cancelled() => return Exit::code(TERMINATED),
    }
    // ECS calls a task running when its container runs, before the program in it has opened a connection.
    report(arn, ecs.task_running(arn));
    let id = arn.rsplit('/').next().unwrap_or(arn);
    match work(service, id, orders).await {
        Ok(()) if orders.killed() => Exit::code(KILLED),
        Ok(()) => Exit::code(0),
        Err(error) => {
            service.counters.crashed();
            Exit::code(1).because(error.to_string())
        }
    }
}

async fn work(service: &Service, id: &str, orders: &Orders) -> Result<(), ConnectionError> {
    Worker::start(service, id).await?.run(orders).await
}

/// Exit codes of a process that a signal ended: 128 and the signal's number.
const TERMINATED: i32 = 143;
const KILLED: i32 = 137;

/// ECS forgets a task that was stopped long ago; nothing then hangs on what becomes of it.
fn report(arn: &str, answer: Result<(), impl std::error::Error>) {
    if let Err(error) = answer {
        tracing::warn!(arn, %error, "report to ECS");
    }
}
