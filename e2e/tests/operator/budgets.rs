//! What a ConnectionBudget promises, and what it does when its database shrinks or is shared.

use hybridscaler::api::{ConnectionBudget, status::PromiseState};
use hybridscaler_e2e::bed::postgres::Settings;

use super::{
    AT_ONCE, budget, on_queue,
    world::{World, condition},
};

fn says(budget: &ConnectionBudget, type_: &str, status: &str, reason: &str) -> bool {
    let conditions = budget.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|c| c.type_ == type_ && c.status == status && c.reason == reason)
}

fn drained(capacity: u32) -> String {
    format!(
        "{{apiVersion: hybridscaler.dev/v1alpha1, kind: ConnectionBudget, metadata: {{name: db}}, \
          spec: {{capacity: {{static: {capacity}}}, onShrink: Drain}}}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_shrinks_lowers_its_scalers_when_told_to_drain_and_says_why() {
    let world = World::enter("drain").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 1_200);
    world.apply(&drained(400)).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    world.ready("worker", 12).await;
    let kept = world.budget("db", |budget| says(budget, "PoolsGuaranteed", "True", "NotContradicted")).await;
    let promises = kept.status.unwrap().promises.unwrap();
    assert_eq!(promises.isolation.state, PromiseState::NotEnforced);
    assert_eq!(promises.whole_pools.state, PromiseState::Holds);

    // The Deployment rolls out without a surge, so 100 connections carry 10 replicas.
    world.apply(&drained(100)).await;
    let lowered = world.scaler("worker", |scaler| {
        scaler.status.as_ref().is_some_and(|s| s.desired_replicas == Some(10) && s.wanted_replicas == Some(12))
    });
    let status = lowered.await.status.unwrap();
    assert_eq!(status.limited_by.as_deref(), Some("ConnectionBudget"), "{status:#?}");
    world.ready("worker", 10).await;
    world
        .budget("db", |budget| {
            says(budget, "OverBudget", "False", "AsExpected")
                && says(budget, "PoolsGuaranteed", "True", "NotContradicted")
        })
        .await;
    let notes = world.notes("db", "GrantsExceedCapacity").await;
    assert!(notes.iter().any(|note| note.contains("the largest are lowered to 100 connections each")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_budgets_on_one_database_see_each_other_and_freeze_growth_until_one_is_gone() {
    let world = World::enter("shared").await;
    let database =
        world.bed.postgres("shared", Settings { max_connections: 203, ..Settings::default() }).await.unwrap();
    database.create_role("hybridscaler").await.unwrap();
    world.secret("db-url", &database.url("hybridscaler")).await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 1_200);
    let live = |name: &str| {
        format!(
            "{{apiVersion: hybridscaler.dev/v1alpha1, kind: ConnectionBudget, metadata: {{name: {name}}}, \
              spec: {{capacity: {{postgres: {{secretRef: {{name: db-url}}}}}}, pollIntervalSeconds: 5}}}}"
        )
    };
    world.apply(&live("db")).await;
    world.apply(&live("other")).await;
    let shared = |budget: &ConnectionBudget| says(budget, "SharedDatabase", "True", "SharedDatabase");
    world.budget("other", shared).await;
    let seen = world.budget("db", shared).await;
    assert!(says(&seen, "PoolsGuaranteed", "False", "SharedDatabase"), "{:#?}", seen.status);
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    let held = world.scaler("worker", |scaler| {
        scaler
            .status
            .as_ref()
            .is_some_and(|s| s.wanted_replicas == Some(12) && s.limited_by.as_deref() == Some("ConnectionBudget"))
    });
    assert_eq!(held.await.status.unwrap().desired_replicas, Some(2), "nobody grows");

    world.api::<ConnectionBudget>().delete("other", &kube::api::DeleteParams::default()).await.unwrap();
    world.ready("worker", 12).await;
    let alone = world.budget("db", |budget| says(budget, "SharedDatabase", "False", "AsExpected")).await;
    let status = alone.status.unwrap();
    assert_eq!(status.capacity, Some(200));
    assert!(status.observed.is_some_and(|observed| observed.connections >= 1), "our own connection at least");
    assert!(
        world.notes("db", "SharedDatabase").await.iter().any(|note| note.contains("UID")),
        "the other one is named"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaler_whose_formula_does_not_compile_is_charged_for_what_it_runs_and_holds_up_nobody() {
    let world = World::enter("formula").await;
    for name in ["broken", "worker"] {
        world.deployment(name, 2).await;
    }
    let queue = world.queue("orders", 1_200);
    world.apply(&budget(110, 0)).await;
    let misspelt = format!(
        "triggers: [{{name: backlog, sqs: {{queueUrl: \"{queue}\", region: eu-west-1}}}}, \
          {{name: work, formula: {{expression: backlog.seen / 4.0, targetAverageValue: \"10\"}}}}]"
    );
    let broken = on_queue("broken", &queue, AT_ONCE);
    let triggers = broken.lines().find(|line| line.trim_start().starts_with("triggers:")).unwrap().trim_start();
    world.apply(&broken.replace(triggers, &misspelt)).await;
    let told = world.scaler("broken", |scaler| condition(scaler, "Ready") == "Ready=False/InvalidSpec").await;
    assert!(told.status.unwrap().conditions.iter().any(|c| c.message.contains("seen")));

    // The Deployments roll out without a surge: two replicas of the broken one leave 90 of 110 connections.
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    world.ready("worker", 9).await;
    world.budget("db", |budget| budget.status.as_ref().and_then(|status| status.granted) == Some(110)).await;
}
