//! What holds after any sequence of changes, reports and waits.

use proptest::prelude::*;
use tokio::runtime::Builder;

use super::*;
use crate::ecs::{rollout::Percentages, task::StopCode};

#[derive(Debug, Clone)]
enum Action {
    SetDesired(u32),
    Deploy,
    /// The runner answers the order at this place among those it has.
    Obey(usize),
    /// The container of the live task at this place exits.
    Crash(usize),
    Pass(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        1 => (0..12_u32).prop_map(Action::SetDesired),
        1 => Just(Action::Deploy),
        6 => any::<usize>().prop_map(Action::Obey),
        1 => any::<usize>().prop_map(Action::Crash),
        1 => (0..40_u64).prop_map(Action::Pass),
    ];
    prop::collection::vec(action, 1..60)
}

/// The tasks as the model holds them: id → (live, healthy, stopped by the scheduler).
fn census(ecs: &Ecs) -> BTreeMap<String, (bool, bool, bool)> {
    ecs.look(|world| {
        let cluster = &world.clusters["prod"];
        let tasks = cluster.tasks.values().chain(cluster.stopped.values());
        let by_scheduler = |task: &super::super::task::Task| {
            task.stop.as_ref().is_some_and(|stop| stop.code == StopCode::ServiceSchedulerInitiated)
        };
        tasks.map(|task| (task.id.clone(), (task.live(), task.running(), by_scheduler(task)))).collect()
    })
}

async fn play(desired: u32, percentages: Percentages, actions: Vec<Action>) -> Result<(), TestCaseError> {
    let Percentages { maximum, minimum_healthy } = percentages;
    let mut bed = Bed::new(desired, maximum, minimum_healthy);
    let mut desired = desired;
    let mut orders = Vec::new();
    let obey = |ecs: &Ecs, order: TaskEvent| match order {
        TaskEvent::Start(task) => ecs.task_running(&task.arn).unwrap(),
        // It may have crashed in the meantime.
        TaskEvent::Stop { arn, .. } | TaskEvent::Kill { arn } => drop(ecs.task_stopped(&arn, Exit::code(143))),
    };
    for action in actions {
        let before = census(&bed.ecs);
        orders.extend(bed.orders());
        match action {
            Action::SetDesired(n) => {
                desired = n;
                bed.update(json!({ "desiredCount": n }));
            }
            Action::Deploy => bed.deploy(),
            Action::Obey(i) if !orders.is_empty() => obey(&bed.ecs, orders.remove(i % orders.len())),
            Action::Crash(i) => {
                let started: Vec<_> =
                    tasks(&bed.ecs).into_iter().filter(|task| task["lastStatus"] == "RUNNING").collect();
                if !started.is_empty() {
                    let arn = started[i % started.len()]["taskArn"].as_str().unwrap();
                    bed.ecs.task_stopped(arn, Exit::code(1)).unwrap();
                }
            }
            Action::Pass(seconds) => advance(Duration::from_secs(seconds)).await,
            Action::Obey(_) => {}
        }
        let after = census(&bed.ecs);
        let live = after.values().filter(|(live, ..)| *live).count();
        prop_assert!(live <= percentages.most(desired) as usize, "{live} live tasks of {desired} desired");
        let healthy = after.values().filter(|(_, healthy, _)| *healthy).count();
        let stopped_healthy = after.iter().filter(|(id, (.., by_scheduler))| {
            *by_scheduler && before.get(*id).is_some_and(|(_, healthy, by_scheduler)| *healthy && !by_scheduler)
        });
        let least = percentages.least(desired) as usize;
        prop_assert!(
            stopped_healthy.count() == 0 || healthy >= least,
            "the scheduler stopped a healthy task and left {healthy} of at least {least}"
        );
    }
    // Left alone with a runner that obeys, the service settles.
    for _ in 0..1_000 {
        orders.extend(bed.orders());
        if orders.is_empty() {
            break;
        }
        obey(&bed.ecs, orders.remove(0));
    }
    let shown = service(&bed.ecs);
    prop_assert_eq!(&shown["runningCount"], desired);
    let stuck = desired > 0 && percentages.most(desired) == desired && percentages.least(desired) == desired;
    if !stuck {
        prop_assert_eq!(&shown["deployments"][0]["rolloutState"], "COMPLETED");
        prop_assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_service_keeps_its_bounds_on_the_way_and_settles_at_its_desired_count(
        desired in 0..12_u32,
        (maximum, minimum_healthy) in (100..=200_u32, 0..=100_u32).prop_filter("blocks", |p| *p != (100, 100)),
        actions in actions(),
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(desired, Percentages { maximum, minimum_healthy }, actions))?;
    }
}
