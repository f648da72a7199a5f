//! Several ledgers for one workload, and a ledger that is lost.

use hybridscaler::api::{ConnectionBudget, HybridScaler, HybridScalerStatus};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{
    AT_ONCE, budget, on_queue,
    world::{World, condition},
};

fn granted(budget: &ConnectionBudget) -> Option<u32> {
    budget.status.as_ref().and_then(|status| status.granted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_on_two_databases_is_held_by_the_tighter_one_and_reserves_no_more_in_the_other() {
    let world = World::enter("two-databases").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 1_200);
    world.apply(&budget(100, 10)).await;
    world.apply(&budget(30, 0).replace("{name: db}", "{name: reader}")).await;
    let both = on_queue("worker", &queue, AT_ONCE)
        .replace("connections: [", "connections: [{budgetRef: {name: reader}, perReplica: 4, rolloutReserve: Surge}, ");
    world.apply(&both).await;

    // 12 are wanted; the writer carries 9, the reader 7.
    world.ready("worker", 7).await;
    let capped = world.scaler("worker", |scaler| {
        scaler.status.as_ref().is_some_and(|s| s.allowed_replicas == Some(7) && s.desired_replicas == Some(7))
    });
    let status = capped.await.status.unwrap();
    assert_eq!(status.limited_by.as_deref(), Some("ConnectionBudget"), "{status:#?}");
    assert!(status.headline.as_ref().unwrap().contains("reader"), "{status:#?}");
    let held: Vec<_> =
        status.connections.iter().map(|of| (of.budget.split('/').nth(1).unwrap(), of.granted_connections)).collect();
    assert_eq!(held, [("reader", Some(28)), ("db", Some(70))]);

    // More room in the reader is taken as soon as it is there, up to what the writer has.
    world.apply(&budget(60, 0).replace("{name: db}", "{name: reader}")).await;
    world.ready("worker", 9).await;
    world.sqs().purge_queue().queue_url(&queue).send().await.unwrap();
    world.ready("worker", 2).await;
    world.budget("db", |budget| granted(budget) == Some(20)).await;
    world.budget("reader", |budget| granted(budget) == Some(8)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_is_rebuilt_from_what_runs_before_anybody_grows() {
    let world = World::enter("lost").await;
    world.apply(&budget(110, 10)).await;
    for (name, messages) in [("first", 600), ("second", 300)] {
        world.deployment(name, 2).await;
        let queue = world.queue(name, messages);
        world.apply(&on_queue(name, &queue, AT_ONCE)).await;
    }
    world.ready("first", 6).await;
    world.ready("second", 3).await;
    world.budget("db", |budget| granted(budget) == Some(90)).await;
    // One replica more fits, and the first wants six.
    (0..600).for_each(|_| world.aws.sqs().send("first", "work").unwrap());
    world.ready("first", 7).await;

    let budgets = world.api::<ConnectionBudget>();
    for lost in ["its status is wiped", "it is deleted and made again"] {
        if lost.contains("wiped") {
            let nothing = Patch::Merge(json!({"status": {
                "ledger": null, "granted": null, "available": null, "capacity": null, "consumers": null,
            }}));
            budgets.patch_status("db", &PatchParams::default(), &nothing).await.unwrap();
        } else {
            budgets.delete("db", &DeleteParams::default()).await.unwrap();
            world.apply(&budget(110, 10)).await;
        }
        let rebuilt = world.budget("db", |budget| granted(budget) == Some(100)).await;
        assert_eq!(rebuilt.status.unwrap().consumers, Some(2), "{lost}");
        // Whatever was read in between, nobody was told to run more.
        for (name, replicas) in [("first", 7), ("second", 3)] {
            let deployment = world.api::<Deployment>().get(name).await.unwrap();
            assert_eq!(deployment.spec.unwrap().replicas, Some(replicas), "{name}, after {lost}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_does_not_exist_hides_from_no_other_what_a_scaler_runs() {
    let world = World::enter("one-missing").await;
    world.apply(&budget(110, 10)).await;
    for (name, messages) in [("first", 900), ("second", 600)] {
        world.deployment(name, 2).await;
        let queue = world.queue(name, messages);
        let mut scaler = on_queue(name, &queue, AT_ONCE);
        if name == "first" {
            let misspelt = "connections: [{budgetRef: {name: raeder}, perReplica: 4, rolloutReserve: Surge}, ";
            scaler = scaler.replace("connections: [", misspelt);
        }
        world.apply(&scaler).await;
    }
    // The first is charged for the two that it runs and grows no further; the second need not wait for its author.
    world.ready("second", 6).await;
    world.scaler("first", |scaler| condition(scaler, "AbleToScale") == "AbleToScale=False/BudgetNotFound").await;
    world.budget("db", |budget| granted(budget) == Some(80)).await;
    world.ready("first", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaler_that_moves_to_another_budget_grows_once_it_is_rolled_out() {
    let world = World::enter("moves").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 400);
    world.apply(&budget(100, 10)).await;
    world.apply(&budget(500, 0).replace("{name: db}", "{name: new}")).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    world.ready("worker", 4).await;

    // Its replicas were started for the old database, and so is whatever their Deployment would start now.
    world.apply(&on_queue("worker", &queue, AT_ONCE).replace("{name: db}", "{name: new}")).await;
    world.budget("new", |budget| granted(budget) == Some(40)).await;
    (0..600).for_each(|_| world.aws.sqs().send("orders", "work").unwrap());
    let waits = world.scaler("worker", |scaler| {
        let told = |status: &HybridScalerStatus| status.headline.as_ref().is_some_and(|told| told.contains("/db"));
        scaler.status.as_ref().is_some_and(|status| status.wanted_replicas == Some(10) && told(status))
    });
    let status = waits.await.status.unwrap();
    assert_eq!((status.limited_by.as_deref(), status.desired_replicas), (Some("ConnectionBudget"), Some(4)));
    world.budget("db", |budget| granted(budget) == Some(40)).await;

    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    world.api::<Deployment>().patch("worker", &PatchParams::default(), &Patch::Merge(restart)).await.unwrap();
    // A minute later no write of before can be on its way to it.
    world.budget("db", |budget| granted(budget) == Some(0)).await;
    world.ready("worker", 10).await;
    world.budget("new", |budget| granted(budget) == Some(100)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ledger_enters_nobody_and_says_so_and_those_in_it_go_on() {
    let world = World::enter("full").await;
    world.apply(&budget(200, 0)).await;
    let first = world.queue("first", 300);
    world.deployment("first", 2).await;
    world.apply(&on_queue("first", &first, AT_ONCE)).await;
    world.ready("first", 3).await;

    // As much as a thousand scalers would take, in one entry whose target nobody can look for.
    let crowd = json!({"uid": "crowd", "target": "a".repeat(245 * 1_024), "grant": 10, "perReplica": 10, "version": 1});
    let budgets = world.api::<ConnectionBudget>();
    let enter = |crowd: &Value| Patch::Merge(json!({"status": {"ledger": {"entries": {"elsewhere/crowd": crowd}}}}));
    budgets.patch_status("db", &PatchParams::default(), &enter(&crowd)).await.unwrap();
    let told = |budget: &ConnectionBudget| {
        let conditions = budget.status.iter().flat_map(|status| &status.conditions);
        conditions.filter(|condition| condition.reason == "LedgerFull").count() == 1
    };
    world.budget("db", told).await;

    let second = world.queue("second", 300);
    world.deployment("second", 2).await;
    world.apply(&on_queue("second", &second, AT_ONCE)).await;
    let refused = |scaler: &HybridScaler| condition(scaler, "AbleToScale") == "AbleToScale=False/LedgerFull";
    world.scaler("second", refused).await;
    (0..300).for_each(|_| world.aws.sqs().send("first", "work").unwrap());
    world.ready("first", 6).await;
    world.ready("second", 2).await;

    budgets.patch_status("db", &PatchParams::default(), &enter(&Value::Null)).await.unwrap();
    world.ready("second", 3).await;
    world.budget("db", |budget| granted(budget) == Some(90)).await;
}
