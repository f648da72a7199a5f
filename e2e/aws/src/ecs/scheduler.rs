//! The scheduler of a service: carries out the moves that [`rollout`](super::rollout) finds.

use std::{cmp::Reverse, collections::BTreeMap, ops::RangeBounds};

use tokio::time::Instant;

use super::{
    Timing,
    rollout::{Count, Move, Tasks, next},
    runner::Runner,
    service::{Deployment, Rollout, Service, Status},
    task::{NewTask, Phase, StopCode, Task},
};

/// Failed attempts in a row from which the service's events say so.
const REPEATEDLY: u32 = 3;

/// What the scheduler works with besides the service.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    /// The tasks of the cluster.
    pub(super) tasks: &'a mut BTreeMap<String, Task>,
    pub(super) timing: &'a Timing,
    /// Who starts new tasks.
    pub(super) starter: Runner,
    /// Numbers given so far.
    pub(super) numbers: &'a mut u64,
    pub(super) now: Instant,
}

/// Makes every move that is possible now. Returns whether there was one.
pub(super) fn settle(service: &mut Service, bench: &mut Bench) -> bool {
    note_outcomes(service, bench);
    let mut moved = false;
    loop {
        match next(count(service, bench)) {
            Move::StopPrimary(n) => stop(service, ..1, n, bench),
            Move::StopOld(n) => stop(service, 1.., n, bench),
            Move::StartPrimary(n) => start(service, 0, n, bench),
            Move::StartOld(n) => start_old(service, n, bench),
            Move::Rest => break,
            Move::Stuck => {
                tell_stuck(service, bench.now);
                break;
            }
        }
        moved = true;
    }
    finish(service, bench);
    moved
}

fn count(service: &Service, bench: &Bench) -> Count {
    let mut deployments = service.deployments.iter();
    let Some(primary) = deployments.next() else {
        return Count::default();
    };
    let old = deployments.map(|deployment| (tasks_of(deployment, bench), deployment));
    let old = old.fold((Tasks::default(), 0, false), |(sum, target, may_start), (tasks, deployment)| {
        let sum = Tasks { live: sum.live + tasks.live, healthy: sum.healthy + tasks.healthy };
        let missing = deployment.target > tasks.live;
        (sum, target + deployment.target, may_start || missing && deployment.may_start(bench.now))
    });
    Count {
        desired: service.desired,
        percentages: service.percentages,
        primary: tasks_of(primary, bench),
        old: old.0,
        old_target: old.1,
        primary_may_start: primary.may_start(bench.now),
        old_may_start: old.2,
    }
}

fn tasks_of(deployment: &Deployment, bench: &Bench) -> Tasks {
    let live = bench.tasks.values().filter(|task| task.deployment == deployment.id && task.live());
    live.fold(Tasks::default(), |sum, task| Tasks {
        live: sum.live + 1,
        healthy: sum.healthy + u32::from(healthy(task, bench)),
    })
}

fn healthy(task: &Task, bench: &Bench) -> bool {
    task.healthy_from(bench.timing).is_some_and(|at| at <= bench.now)
}

/// Starts tasks of one deployment.
fn start(service: &mut Service, index: usize, n: u32, bench: &mut Bench) {
    let Some(deployment) = service.deployments.get(index) else {
        return;
    };
    let mut ids = Vec::new();
    for _ in 0..n {
        *bench.numbers += 1;
        let new = NewTask {
            number: *bench.numbers,
            service: service.name.clone(),
            deployment: deployment.id.clone(),
            definition: deployment.definition.clone(),
            launch_type: service.launch_type.clone(),
            runner: bench.starter,
        };
        let task = Task::new(new, bench.now, bench.timing);
        ids.push(format!("(task {})", task.id));
        bench.tasks.insert(task.id.clone(), task);
    }
    service.steady = false;
    service.tell(&format!("has started {n} tasks: {}.", ids.join(" ")), bench.now);
}

/// Starts tasks of the old deployments that lost some, the newest of them first.
fn start_old(service: &mut Service, mut n: u32, bench: &mut Bench) {
    for index in 1..service.deployments.len() {
        let Some(deployment) = service.deployments.get(index) else {
            return;
        };
        let missing = deployment.target.saturating_sub(tasks_of(deployment, bench).live);
        let started = missing.min(n);
        if started > 0 && deployment.may_start(bench.now) {
            start(service, index, started, bench);
            n -= started;
        }
    }
}

/// Stops tasks of the deployments at these places: those not healthy yet first, then of the oldest deployment, then the
/// youngest. An old deployment keeps so many fewer.
fn stop(service: &mut Service, places: impl RangeBounds<usize>, n: u32, bench: &mut Bench) {
    let mut candidates = Vec::new();
    for (place, deployment) in service.deployments.iter().enumerate().filter(|(place, _)| places.contains(place)) {
        let live = bench.tasks.values().filter(|task| task.deployment == deployment.id && task.live());
        candidates
            .extend(live.map(|task| (healthy(task, bench), Reverse(place), Reverse(task.number), task.id.clone())));
    }
    candidates.sort();
    candidates.truncate(usize::try_from(n).unwrap_or(usize::MAX));
    let mut ids = Vec::new();
    for (_, Reverse(place), _, id) in candidates {
        let Some(deployment) = service.deployments.get_mut(place) else {
            continue;
        };
        let Some(task) = bench.tasks.get_mut(&id) else { continue };
        let reason = format!("Scaling activity initiated by (deployment {})", deployment.id);
        task.stop(StopCode::ServiceSchedulerInitiated, &reason, bench.now, bench.timing);
        deployment.target = deployment.target.saturating_sub(1);
        ids.push(format!("(task {id})"));
    }
    service.steady = false;
    service.tell(&format!("has stopped {n} running tasks: {}.", ids.join(" ")), bench.now);
}

/// Lets a deployment wait whose tasks ended before they ran, and end its wait once one runs.
fn note_outcomes(service: &mut Service, bench: &mut Bench) {
    let mut repeatedly = false;
    for task in bench.tasks.values_mut() {
        let mut deployments = service.deployments.iter_mut();
        let Some(deployment) = deployments.find(|deployment| deployment.id == task.deployment) else {
            continue;
        };
        let Some(outcome) = task.take_outcome() else { continue };
        let attempts = deployment.note(outcome, task.created, &bench.timing.restart, bench.now);
        repeatedly |= attempts == Some(REPEATEDLY);
    }
    if repeatedly {
        service.tell("is unable to consistently start tasks successfully.", bench.now);
    }
}

fn tell_stuck(service: &mut Service, now: Instant) {
    let told = service.deployments.front_mut().is_none_or(|primary| std::mem::replace(&mut primary.stuck, true));
    if !told {
        service.tell(
            "was unable to stop or start tasks during a deployment because of the service deployment configuration. \
             Update the minimumHealthyPercent or maximumPercent value and try again.",
            now,
        );
    }
}

/// Drops deployments that are replaced, completes the newest, ends a deletion.
fn finish(service: &mut Service, bench: &Bench) {
    let primary = service.deployments.front().map(|deployment| deployment.id.clone());
    service
        .deployments
        .retain(|deployment| Some(&deployment.id) == primary.as_ref() || tasks_of(deployment, bench).live > 0);
    let Count { desired, primary, .. } = count(service, bench);
    // The old deployments are gone by then: nothing keeps a task of theirs once all new ones are healthy.
    let settled = primary.live == desired && primary.healthy == desired;
    match service.status {
        Status::Draining => {
            let left = |task: &Task| task.service == service.name && task.phase < Phase::Stopping;
            if !bench.tasks.values().any(left) {
                service.status = Status::Inactive;
            }
        }
        Status::Active if settled && !service.steady => {
            service.steady = true;
            let completed = service.deployments.front_mut().filter(|primary| primary.rollout == Rollout::InProgress);
            if let Some(primary) = completed {
                primary.rollout = Rollout::Completed;
                primary.updated = bench.now;
                let completed = format!("(deployment {}) deployment completed.", primary.id);
                service.tell(&completed, bench.now);
            }
            service.tell("has reached a steady state.", bench.now);
        }
        Status::Active => service.steady &= settled,
        Status::Inactive => {}
    }
}
