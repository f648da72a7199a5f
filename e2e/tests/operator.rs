//! The operator at work: on a real API server, as the chart installs it, with a served AWS.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "operator/budgets.rs"]
mod budgets;
#[path = "operator/decisions.rs"]
mod decisions;
#[path = "operator/ledgers.rs"]
mod ledgers;
#[path = "operator/metrics_apis.rs"]
mod metrics_apis;
#[path = "operator/spike.rs"]
mod spike;
#[path = "operator/world.rs"]
mod world;

use hybridscaler::api::HybridScaler;
use hybridscaler_e2e::{
    bed::{control_plane::AuditEvent, postgres::Settings},
    operator::{Operator, STOP_WITHIN},
};
use hybridscaler_e2e_aws::{AwsError, Effect, Fault, Service};
use world::{World, condition};

/// A scaler of Deployment `name` on `queue`, 100 messages a replica, charged to budget `db` with 10 connections a replica.
fn on_queue(name: &str, queue: &str, behavior: &str) -> String {
    format!(
        r#"
apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata: {{name: {name}}}
spec:
  targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: 2
  maxReplicas: 50
  pollIntervalSeconds: 1
  triggers: [{{name: backlog, sqs: {{queueUrl: "{queue}", region: eu-west-1, messagesPerReplica: 100}}}}]
  behavior: {behavior}
  connections: [{{budgetRef: {{name: db}}, perReplica: 10, rolloutReserve: Surge}}]
"#
    )
}

/// No cooldown: a test need not wait for one.
const AT_ONCE: &str = "{scaleUp: {cooldownSeconds: 0}, scaleDown: {cooldownSeconds: 0}}";

fn budget(capacity: u32, reserve: u32) -> String {
    format!(
        r"
apiVersion: hybridscaler.dev/v1alpha1
kind: ConnectionBudget
metadata: {{name: db}}
spec: {{capacity: {{static: {capacity}}}, reserve: {{connections: {reserve}}}}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_follows_its_queue_within_its_budget_and_says_why() {
    let mut world = World::enter("follows").await;
    world.deployment("worker", 2).await;
    world.ready("worker", 2).await;
    let queue = world.queue("orders", 1_200);
    world.apply(&budget(100, 10)).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;

    // 12 replicas are wanted; 90 connections carry 9.
    world.ready("worker", 9).await;
    let capped = world.scaler("worker", |scaler| {
        scaler
            .status
            .as_ref()
            .is_some_and(|s| s.desired_replicas == Some(9) && s.limited_by.as_deref() == Some("ConnectionBudget"))
    });
    let capped = capped.await;
    let status = capped.status.as_ref().unwrap();
    assert_eq!(status.wanted_replicas, Some(12), "{status:#?}");
    assert_eq!(condition(&capped, "ScalingLimited"), "ScalingLimited=True/ConnectionBudget");
    assert_eq!(condition(&capped, "Ready"), "Ready=True/AsExpected");
    let ledger = world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(90))).await;
    assert_eq!(ledger.status.unwrap().available, Some(0));
    let notes = world.notes("worker", "ScaledUp").await;
    assert!(notes.iter().any(|note| note.starts_with("2 -> 9") && note.contains("db")), "{notes:?}");
    let metrics = world.operator.as_ref().unwrap().metrics().await.unwrap();
    let namespace = world.namespace();
    for line in [
        format!(r#"hybridscaler_replicas_wanted{{namespace="{namespace}",scaler="worker"}} 12"#),
        format!(r#"hybridscaler_replicas_allowed{{namespace="{namespace}",scaler="worker"}} 9"#),
        format!(r#"hybridscaler_budget_granted_connections{{budget="db",namespace="{namespace}"}} 90"#),
    ] {
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }

    // The queue is emptied: down to the fewest, and the connections go back.
    world.sqs().purge_queue().queue_url(&queue).send().await.unwrap();
    world.ready("worker", 2).await;
    world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(20))).await;
    let notes = world.notes("worker", "ScaledDown").await;
    assert!(notes.iter().any(|note| note.starts_with("9 -> 2")), "{notes:?}");
    let took = world.operator.take().unwrap().stop().await.unwrap();
    assert!(took < STOP_WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_objects_trouble_is_its_condition_and_no_other_objects() {
    let world = World::enter("trouble").await;
    let namespace = world.namespace().to_owned();
    let queue = world.queue("orders", 500);
    world.apply(&budget(1_000, 0)).await;
    // Every cause of trouble, with the condition it becomes and what its message must name.
    let elsewhere = queue.replace("123456789012", "999999999999");
    let missing = queue.replace("orders", "no-such-queue");
    let cases = [
        ("no-queue", on_queue("no-queue", &missing, AT_ONCE), "ScalingActive=False/NotFound", "no-such-queue"),
        (
            "not-trusted",
            on_queue("not-trusted", &elsewhere, AT_ONCE),
            "ScalingActive=False/Forbidden",
            "queues: [\"arn:aws:sqs:eu-west-1:999999999999:orders\"]",
        ),
        ("no-target", on_queue("no-target", &queue, AT_ONCE), "AbleToScale=False/TargetNotFound", "no-target"),
        (
            "no-kind",
            on_queue("no-kind", &queue, AT_ONCE).replace("kind: Deployment", "kind: DaemonSet"),
            "AbleToScale=False/NotTrusted",
            "kind: DaemonSet",
        ),
        (
            "no-budget",
            on_queue("no-budget", &queue, AT_ONCE).replace("name: db}", "name: no-such-budget}"),
            "AbleToScale=False/BudgetNotFound",
            "no-such-budget",
        ),
        (
            "second",
            on_queue("second", &queue, AT_ONCE)
                .replace("kind: Deployment, name: second", "kind: Deployment, name: healthy"),
            "AbleToScale=False/TargetOwnedByAnother",
            "healthy",
        ),
    ];
    for name in ["no-queue", "not-trusted", "no-budget", "healthy"] {
        world.deployment(name, 2).await;
    }
    world.deployment("owned", 2).await;
    world
        .apply(
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: rival}, \
              spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: owned}}}",
        )
        .await;
    world.apply(&on_queue("healthy", &queue, AT_ONCE)).await;
    for (_, manifest, _, _) in &cases {
        world.apply(manifest).await;
    }
    world.ready("healthy", 5).await;
    for (name, _, expected, named) in &cases {
        let type_ = expected.split('=').next().unwrap();
        let scaler = world.scaler(name, |scaler| condition(scaler, type_) == *expected).await;
        let status = scaler.status.unwrap();
        let told = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
        assert!(told.message.contains(named), "{name}: {}", told.message);
        let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
        assert_eq!((ready.status.as_str(), &ready.reason), ("False", &told.reason), "{name}: {}", ready.message);
    }
    let healthy = world.scaler("healthy", |scaler| condition(scaler, "Ready") == "Ready=True/AsExpected").await;
    assert_eq!(healthy.status.unwrap().desired_replicas, Some(5));
    for untouched in ["no-queue", "not-trusted", "no-budget"] {
        world.ready(untouched, 2).await;
    }
    // A target that an HPA scales is left alone as well.
    world.apply(&on_queue("owned", &queue, AT_ONCE)).await;
    let refused = |scaler: &HybridScaler| condition(scaler, "AbleToScale") == "AbleToScale=False/TargetOwnedByAnother";
    let charged = |scaler: &HybridScaler| {
        scaler
            .status
            .as_ref()
            .is_some_and(|status| status.connections.iter().any(|of| of.granted_connections == Some(20)))
    };
    let owned = world.scaler("owned", |scaler| refused(scaler) && charged(scaler));
    assert!(owned.await.status.unwrap().conditions.iter().any(|c| c.message.contains("rival")), "in {namespace}");
    // A dry run beside it tells what would be done.
    world.apply(&(on_queue("owned", &queue, AT_ONCE) + "  mode: DryRun\n")).await;
    let rehearses = |scaler: &HybridScaler| condition(scaler, "Ready") == "Ready=True/DryRun" && refused(scaler);
    let owned = world.scaler("owned", rehearses).await.status.unwrap();
    assert!(owned.headline.unwrap().contains("2 -> 5"), "{:?}", owned.conditions);
    world.ready("owned", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_cannot_be_read_never_scales_in() {
    let world = World::enter("unknown").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 600);
    world.apply(&budget(1_000, 0)).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    world.ready("worker", 6).await;

    let denied = Effect::Fail(AwsError::new("AccessDeniedException", "not for you"));
    let fault = world.aws.faults().add(Fault::new(Service::Sqs, "GetQueueAttributes", denied));
    world.sqs().purge_queue().queue_url(&queue).send().await.unwrap();
    let blind =
        world.scaler("worker", |scaler| condition(scaler, "ScalingActive") == "ScalingActive=False/Forbidden").await;
    let status = blind.status.unwrap();
    let active = status.conditions.iter().find(|condition| condition.type_ == "ScalingActive").unwrap();
    assert!(active.message.contains(r#""Action":"sqs:GetQueueAttributes""#), "{}", active.message);
    assert_eq!(status.desired_replicas, Some(6));
    // Several more polls fail, and still nothing is scaled in.
    let polls = world.aws.calls().count(Service::Sqs, "GetQueueAttributes");
    world.aws.calls().reached(Service::Sqs, "GetQueueAttributes", polls + 2).await;
    world.ready("worker", 6).await;
    world.aws.faults().remove(fault);
    world.ready("worker", 2).await;
    world.scaler("worker", |scaler| condition(scaler, "Ready") == "Ready=True/AsExpected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_capacity_needs_the_role_that_the_condition_prints_and_grows_nothing_before() {
    let world = World::enter("live").await;
    let database = world.bed.postgres("live", Settings { max_connections: 63, ..Settings::default() }).await.unwrap();
    database.create_role("hybridscaler").await.unwrap();
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 1_200);
    let url = database.url("hybridscaler");
    world.apply(&world::secret("db-url", &url)).await;
    world
        .apply(
            "{apiVersion: hybridscaler.dev/v1alpha1, kind: ConnectionBudget, metadata: {name: db}, \
              spec: {capacity: {postgres: {secretRef: {name: db-url}}}, reserve: {connections: 10}, pollIntervalSeconds: 5}}",
        )
        .await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;

    let refused = world.budget("db", |budget| {
        budget.status.iter().flat_map(|s| &s.conditions).any(|c| c.type_ == "CapacityKnown" && c.reason == "Forbidden")
    });
    let status = refused.await.status.unwrap();
    let told = status.conditions.iter().find(|condition| condition.type_ == "CapacityKnown").unwrap();
    let held =
        world.scaler("worker", |scaler| scaler.status.as_ref().is_some_and(|s| s.wanted_replicas == Some(12))).await;
    assert_eq!(held.status.unwrap().desired_replicas, Some(2), "an unknown capacity grants nothing");
    assert!(!serde_json::to_string(&status).unwrap().contains("postgres://"), "no credentials in a status");

    // What the condition prints is pasted as it stands.
    let (_, role) = told.message.split_once("apply:\n").unwrap();
    let (role, _) = role.split_once("\nit was never read").unwrap();
    world.apply(role).await;
    // 63 - 3 for superusers - 10 in reserve = 50 connections: 5 replicas.
    let known = world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.capacity == Some(60))).await;
    assert_eq!(known.status.unwrap().reserve, Some(10));
    world.ready("worker", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steady_state_writes_nothing_to_the_api_server() {
    let world = World::enter("steady").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 500);
    world.apply(&budget(1_000, 0)).await;
    world.apply(&on_queue("worker", &queue, AT_ONCE)).await;
    world.ready("worker", 5).await;
    world
        .scaler("worker", |scaler| {
            let history = scaler.status.as_ref().and_then(|status| status.history.as_ref());
            history.and_then(|history| history.scale_up.as_ref()).is_some_and(|up| up.settled.is_some())
        })
        .await;
    let user = format!("system:serviceaccount:{}:hybridscaler", world.namespace());
    let calls = world.aws.calls();
    let polls = calls.count(Service::Sqs, "GetQueueAttributes");
    // What the last change left to write is written within two polls.
    calls.reached(Service::Sqs, "GetQueueAttributes", polls + 3).await;
    let before = world.bed.control_plane.audit_log().of_user(&user).unwrap();
    // Longer than the minute at which values that moved would be written.
    calls.reached(Service::Sqs, "GetQueueAttributes", polls + 70).await;
    let after = world.bed.control_plane.audit_log().of_user(&user).unwrap();
    let writes: Vec<_> = after.iter().skip(before.len()).filter(|event| event.is_write()).collect();
    assert!(after.len() > before.len(), "the operator reads its targets");
    assert!(writes.is_empty(), "{writes:#?}");
    assert!(!after.iter().skip(before.len()).any(AuditEvent::is_forbidden), "it asks for nothing that it may not have");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_forgets_neither_grants_nor_cooldowns() {
    let mut world = World::enter("crash").await;
    world.deployment("worker", 2).await;
    let (orders, returns) = (world.queue("orders", 1_200), world.queue("returns", 700));
    world.apply(&budget(100, 10)).await;
    let two = format!(
        "triggers: [{{name: returns, sqs: {{queueUrl: {returns:?}, region: eu-west-1, messagesPerReplica: 100}}}}, {{name: backlog"
    );
    let slow = "{scaleUp: {cooldownSeconds: 0}, scaleDown: {cooldownSeconds: 3600}}";
    world.apply(&on_queue("worker", &orders, slow).replace("triggers: [{name: backlog", &two)).await;
    world.ready("worker", 9).await;
    // A scale-in starts a cooldown of an hour.
    world.sqs().purge_queue().queue_url(&orders).send().await.unwrap();
    world.ready("worker", 7).await;
    world
        .scaler("worker", |scaler| {
            let history = scaler.status.as_ref().and_then(|status| status.history.as_ref());
            history.and_then(|history| history.scale_down.as_ref()).is_some_and(|down| down.settled.is_some())
        })
        .await;
    world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(70))).await;

    let operator = world.operator.take().unwrap();
    let launch = operator.launch().clone();
    operator.kill().await.unwrap();
    world.sqs().purge_queue().queue_url(&returns).send().await.unwrap();
    world.operator = Some(Operator::start(&world.bed, "operator", launch).await.unwrap());
    let cooling = world.scaler("worker", |scaler| {
        scaler.status.as_ref().is_some_and(|s| s.limited_by.as_deref() == Some("ScaleDownCooldown"))
    });
    assert_eq!(cooling.await.status.unwrap().desired_replicas, Some(7));
    let budget = world.budget("db", |budget| budget.status.is_some()).await;
    assert_eq!(budget.status.unwrap().granted, Some(70));
    world.ready("worker", 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_touches_nothing() {
    let world = World::enter("dry").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 500);
    world.apply(&budget(1_000, 0)).await;
    let dry = on_queue("worker", &queue, AT_ONCE) + "  mode: DryRun\n";
    world.apply(&dry).await;
    let told = world.scaler("worker", |scaler| {
        condition(scaler, "Ready") == "Ready=True/DryRun"
            && scaler.status.as_ref().is_some_and(|s| s.wanted_replicas == Some(5))
    });
    let status = told.await.status.unwrap();
    assert_eq!(status.desired_replicas, Some(2));
    assert!(status.headline.unwrap().starts_with("dry run: 2"), "{:?}", status.explanation);
    // What runs is charged all the same.
    world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(20))).await;
    world.ready("worker", 2).await;
    assert_eq!(world.notes("worker", "DryRun").await.len(), 1);
    // From a rehearsal to the real thing.
    world.apply(&dry.replace("DryRun", "Active")).await;
    world.ready("worker", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_the_budget_would_allow() {
    let world = World::enter("rehearsal").await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 500);
    world.apply(&budget(40, 0)).await;
    world.apply(&(on_queue("worker", &queue, AT_ONCE) + "  mode: DryRun\n")).await;
    let capped = world.scaler("worker", |scaler| {
        scaler.status.as_ref().is_some_and(|s| s.limited_by.as_deref() == Some("ConnectionBudget"))
    });
    let status = capped.await.status.unwrap();
    assert_eq!((status.wanted_replicas, status.allowed_replicas), (Some(5), Some(4)));
    assert!(status.headline.unwrap().starts_with("dry run: 2 -> 4"), "{:?}", status.explanation);
    // It is charged for what runs and for no more.
    world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(20))).await;
    world.ready("worker", 2).await;
}

/// One more trigger at the end of a list.
const CPU: &str = ", {name: cpu, cpu: {targetUtilization: 65}}]";

/// A scaler of ECS service `name` on `queue`, like [`on_queue`], and on the service's CPU.
fn on_ecs(name: &str, queue: &str, behavior: &str) -> String {
    let target = format!("{{ecs: {{cluster: prod, service: {name}, region: eu-west-1}}}}");
    on_queue(name, queue, behavior)
        .replace(&format!("{{apiVersion: apps/v1, kind: Deployment, name: {name}}}"), &target)
        .replace("messagesPerReplica: 100}}]", &format!("messagesPerReplica: 100}}}}{CPU}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ecs_service_follows_queue_and_cpu_within_the_budget_it_shares() {
    let world = World::enter("ecs").await;
    world.service("core-api", 4).await;
    world.deployment("worker", 2).await;
    let queue = world.queue("api", 300);
    // CPU at 130 % of the target's 65: the 4 running tasks should be 8.
    world.aws.cloudwatch().report_cpu("prod", "core-api", 130.0);
    world.apply(&budget(130, 10)).await;
    world.apply(&on_queue("worker", &world.queue("idle", 0), AT_ONCE)).await;
    world.apply(&on_ecs("core-api", &queue, AT_ONCE)).await;
    world.running("core-api", 8).await;
    let scaler = world.scaler("core-api", |scaler| condition(scaler, "Ready") == "Ready=True/AsExpected").await;
    let status = scaler.status.unwrap();
    assert!(status.triggers.iter().any(|trigger| trigger.name == "cpu" && trigger.proposal.is_some()), "{status:#?}");

    // The queue asks for 20; 120 connections less the worker's 20 carry 10.
    (0..1_700).for_each(|_| world.aws.sqs().send("api", "work").unwrap());
    world.running("core-api", 10).await;
    let capped = world
        .scaler("core-api", |scaler| condition(scaler, "ScalingLimited") == "ScalingLimited=True/ConnectionBudget");
    assert_eq!(capped.await.status.unwrap().allowed_replicas, Some(10));
    let full = world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(120))).await;
    assert_eq!(full.status.unwrap().consumers, Some(2));

    // Without the CPU trigger, whose minute is not over, an empty queue asks for the fewest.
    // A call without an answer may still be carried out, so nothing more is written to the service before it cannot any more.
    let hang = world.aws.faults().add(Fault::new(Service::Ecs, "UpdateService", Effect::Hang));
    world.apply(&on_ecs("core-api", &queue, AT_ONCE).replace(CPU, "]")).await;
    world.sqs().purge_queue().queue_url(&queue).send().await.unwrap();
    let unknown = world.scaler("core-api", |scaler| {
        ["WriteOutcomeUnknown", "WriteHeld"].iter().any(|reason| condition(scaler, "AbleToScale").ends_with(reason))
    });
    assert_eq!(unknown.await.status.unwrap().desired_replicas, Some(10));
    assert_eq!(
        world.aws.calls().count(Service::Ecs, "UpdateService"),
        3,
        "two changes, and one attempt without an answer"
    );
    world.aws.faults().remove(hang);
    world.running("core-api", 2).await;
    // ECS is read without a quorum: connections go back when the tasks have been seen gone for a while.
    world.budget("db", |budget| budget.status.as_ref().is_some_and(|s| s.granted == Some(40))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_call_keeps_it_neither_from_other_objects_nor_from_ending_in_time() {
    let mut world = World::enter("hang").await;
    world.service("core-api", 2).await;
    world.deployment("worker", 2).await;
    let queue = world.queue("orders", 600);
    world.apply(&budget(1_000, 0)).await;
    world.aws.faults().add(Fault::new(Service::Ecs, "DescribeServices", Effect::Hang));
    world.apply(&on_ecs("core-api", &queue, AT_ONCE)).await;
    world.aws.calls().reached(Service::Ecs, "DescribeServices", 1).await;
    // The service shares no budget with the worker here, so the worker need not wait to learn what it runs.
    world.apply(&on_queue("worker", &queue, AT_ONCE).replace("name: db}", "name: other}")).await;
    world.apply(&budget(1_000, 0).replace("{name: db}", "{name: other}")).await;
    world.ready("worker", 6).await;
    world.scaler("core-api", |scaler| condition(scaler, "AbleToScale") == "AbleToScale=False/TargetUnreachable").await;
    let took = world.operator.take().unwrap().stop().await.unwrap();
    assert!(took < STOP_WITHIN, "{took:?}");
}
