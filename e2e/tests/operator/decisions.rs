//! What the operator decides can be read from the cluster, and decided again from its record.

use std::process::Output;

use hybridscaler_core::Replicas;
use hybridscaler_e2e::operator::binary;
use tokio::process::Command;

use super::{AT_ONCE, budget, on_queue, world::World};

/// Runs the command line as the user who may do everything.
async fn hybridscaler(world: &World, args: &[&str]) -> Output {
    let kubeconfig = world.bed.control_plane.kubeconfig_path();
    Command::new(binary().unwrap()).args(args).env("KUBECONFIG", kubeconfig).output().await.unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_of_a_run_is_recorded_and_comes_out_the_same_again() {
    let mut world = World::enter("recorded").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("recorded", 1_200);
    world.apply(&budget(100, 10)).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    world.ready("worker", 9).await;
    world.sqs().purge_queue().queue_url(&queue).send().await.unwrap();
    world.ready("worker", 2).await;
    let made = world.made_again().await;
    let moves = made.iter().filter_map(|record| {
        let (from, to) = (record.input.observation.replicas.desired, record.output.decision.replicas);
        (from != to).then_some((from.0, to.0))
    });
    let moves: Vec<_> = moves.collect();
    assert!(moves.contains(&(2, 9)) && moves.contains(&(9, 2)), "{moves:?}");
    assert!(made.iter().any(|record| record.output.decision.wanted == Replicas(12)), "no decision before the budget");
    assert_eq!(made[0].name, format!("{}/worker", world.namespace()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_explains_a_scaler_from_the_cluster() {
    let world = World::enter("explained").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("explained", 1_200);
    world.apply(&budget(100, 10)).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    let capped = |scaler: &hybridscaler::api::HybridScaler| {
        let status = scaler.status.as_ref();
        status.is_some_and(|s| s.desired_replicas == Some(9) && s.limited_by.as_deref() == Some("ConnectionBudget"))
    };
    world.scaler("worker", capped).await;

    let namespace = world.namespace();
    let name = format!("{namespace}/worker");
    let page = stdout(&hybridscaler(&world, &["explain", &name]).await);
    assert!(page.starts_with(&format!("{name}  Deployment worker\n")), "{page}");
    for part in [
        "  wanted                 12\n",
        "  allowed by the budget  9\n",
        "  limited by             ConnectionBudget\n",
        "\nCONDITIONS\n",
        "\nTRIGGERS\n  backlog  Known  wants 12",
        &format!("\nCONNECTIONS\n  {namespace}/db  grants 90 connections  allows 9 replicas"),
        "\nLAST DECISION\n  decided at ",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&hybridscaler(&world, &["explain", &name, "-o", "json"]).await)).unwrap();
    assert_eq!((&json["name"], &json["status"]["wantedReplicas"]), (&"worker".into(), &12.into()));

    for (wrong, expected) in [
        (format!("{namespace}/worker1"), format!("not found in namespace \"{namespace}\": did you mean `worker`?\n")),
        ("default/worker".into(), "not found: namespace \"default\" has none, name another one\n".into()),
    ] {
        let output = hybridscaler(&world, &["explain", &wrong]).await;
        assert!(stderr(&output).ends_with(&expected), "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(1));
    }
    let context = hybridscaler(&world, &["explain", &name, "--context", "no-such-context"]).await;
    assert!(stderr(&context).contains("the kubeconfig has no context \"no-such-context\""), "{}", stderr(&context));
}
