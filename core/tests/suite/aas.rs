//! Application Auto Scaling's rules as a table: what a service is seen to do at each moment, and what it is told then.
//!
//! The cases are our own; each names the document whose rule it holds us to, in our words: *tt* is the user guide's page on target
//! tracking, *step* that on step scaling, *sched* that on scheduled scaling, *ecs* the ECS guide's page on service auto scaling, *api*
//! the API reference. *ours* marks a rule where the documents are silent or we differ on purpose.

use hybridscaler_core::{
    Replicas,
    explanation::Limit,
    observation::{Rollout, Workload},
    policy::{Mode, Schedule, Target},
    reading::{Reading, Unknown},
};
use jiff::SignedDuration;

mod cases;

use self::cases::CASES;
use crate::{
    life::{Life, new},
    support::{at, messages, policy, queue, unknown, utilization},
};

/// What a signal says.
#[derive(Clone, Copy)]
enum Says {
    /// CPU in percent; the target is 65.
    Cpu(f64),
    /// Messages; 60 are enough for a task.
    Backlog(u64),
    /// `INSUFFICIENT_DATA`.
    Nothing,
}
use Says::{Backlog, Cpu, Nothing};

/// What the service runs of the tasks it was told.
#[derive(Clone, Copy)]
enum Runs {
    /// So many, none on its way.
    All(u32),
    /// So many, and others on their way.
    Starting(u32, u32),
    /// So many, in a deployment.
    Deploying(u32),
}
use Runs::{All, Deploying, Starting};

/// Seconds, what the signals say, what runs, and then the number told and what limits it.
type Moment = (i64, &'static [Says], Runs, u32, Limit);

#[derive(Clone, Copy)]
struct Case {
    rule: &'static str,
    /// Tasks told to run at the start.
    start: u32,
    /// Cooldowns out and in, in seconds.
    cooldowns: (i64, i64),
    mode: Mode,
    /// Minimum and maximum of a scheduled action, and the second from which they hold.
    scheduled: Option<(Option<u32>, Option<u32>, i64)>,
    life: &'static [Moment],
}

const fn case(rule: &'static str, start: u32, life: &'static [Moment]) -> Case {
    Case { rule, start, cooldowns: (30, 180), mode: Mode::Active, scheduled: None, life }
}

const fn cooled(cooldowns: (i64, i64), case: Case) -> Case {
    Case { cooldowns, ..case }
}

const fn suspended(mode: Mode, case: Case) -> Case {
    Case { mode, ..case }
}

const fn scheduled(min: Option<u32>, max: Option<u32>, from: i64, case: Case) -> Case {
    Case { scheduled: Some((min, max, from)), ..case }
}

fn life_of(case: &Case) -> Life {
    let triggers: Vec<(String, Target)> = (case.life[0].1.iter().enumerate())
        .map(|(i, says)| match (says, case.life[0].1.len(), i) {
            (Backlog(_), ..) | (Nothing, 2, 1) => (format!("backlog-{i}"), messages(60)),
            (Cpu(_) | Nothing, ..) => (format!("cpu-{i}"), Target::Utilization(65)),
        })
        .collect();
    let named: Vec<_> = triggers.iter().map(|(name, target)| (name.as_str(), *target)).collect();
    let mut policy = policy(2, 50, &named);
    policy.behavior.scale_up.cooldown = SignedDuration::from_secs(case.cooldowns.0);
    policy.behavior.scale_down.cooldown = SignedDuration::from_secs(case.cooldowns.1);
    policy.mode = case.mode;
    if let Some((min, max, _)) = case.scheduled {
        policy.schedules =
            vec![Schedule { name: "action".into(), floor: None, min: min.map(Replicas), max: max.map(Replicas) }];
    }
    Life::new(policy, case.start)
}

fn reading(says: Says) -> Reading {
    match says {
        Cpu(percent) => utilization(percent),
        Backlog(visible) => queue(visible),
        Nothing => unknown(Unknown::Empty),
    }
}

fn workload(desired: Replicas, runs: Runs) -> Workload {
    let (running, starting, rollout) = match runs {
        All(running) => (running, 0, Rollout::Settled),
        Starting(running, starting) => (running, starting, Rollout::Settled),
        Deploying(running) => (running, 0, Rollout::InProgress),
    };
    Workload { desired, running: Replicas(running), starting: Replicas(starting), terminating: Replicas::ZERO, rollout }
}

#[test]
fn every_rule_of_application_auto_scaling_holds() {
    let mut wrong = Vec::new();
    for case in CASES {
        let mut life = life_of(case);
        for &(seconds, says, runs, told, limit) in case.life {
            life.workload = workload(life.workload.desired, runs);
            let from = case.scheduled.map_or(i64::MAX, |(.., from)| from);
            life.schedules.fill((seconds >= from).then(|| at(100_000)));
            let readings: Vec<_> = says.iter().map(|says| reading(*says)).collect();
            let outcome = life.turn_as_read(seconds, &new(seconds, &readings));
            if outcome != (told, limit) {
                wrong.push(format!("{}, after {seconds} s: {outcome:?} instead of {:?}", case.rule, (told, limit)));
            }
        }
    }
    println!("{} cases", CASES.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(CASES.len() >= 40);
}
