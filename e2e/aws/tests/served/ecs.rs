//! Elastic Container Service through its SDK. What its scheduler does is tested beside it.

use std::time::Duration;

use aws_sdk_ecs::{
    Client,
    operation::{describe_services::DescribeServicesError, update_service::UpdateServiceError},
    types::{
        ContainerDefinition, DeploymentConfiguration, DeploymentRolloutState, DesiredStatus, KeyValuePair, LaunchType,
        SchedulingStrategy, Service, Task, TaskDefinitionStatus, TaskStopCode,
    },
};
use hybridscaler_e2e_aws::{Aws, Exit, TaskEvent, Timing};

use crate::clients::{code, config, pass, refusal};

/// A cluster `prod` with `core-api` at a desired count, run by the model itself.
async fn service(desired: i32) -> (Aws, Client) {
    let aws = Aws::start().await.unwrap();
    let client = Client::new(&config(aws.endpoint()));
    client.create_cluster().cluster_name("prod").send().await.unwrap();
    register(&client).await;
    client
        .create_service()
        .cluster("prod")
        .service_name("core-api")
        .task_definition("api:1")
        .desired_count(desired)
        .launch_type(LaunchType::Fargate)
        .deployment_configuration(percentages(100, 50))
        .send()
        .await
        .unwrap();
    (aws, client)
}

async fn register(client: &Client) {
    let container = ContainerDefinition::builder()
        .name("api")
        .image("api:1")
        .stop_timeout(45)
        .environment(KeyValuePair::builder().name("POOL").value("10").build())
        .build();
    let register = client.register_task_definition().family("api").cpu("256").container_definitions(container);
    register.send().await.unwrap();
}

fn percentages(maximum: i32, minimum_healthy: i32) -> DeploymentConfiguration {
    DeploymentConfiguration::builder().maximum_percent(maximum).minimum_healthy_percent(minimum_healthy).build()
}

async fn describe(client: &Client) -> Service {
    let answer = client.describe_services().cluster("prod").services("core-api").send().await.unwrap();
    answer.services.unwrap().remove(0)
}

async fn list(client: &Client, status: Option<DesiredStatus>) -> Vec<String> {
    let list = client.list_tasks().cluster("prod").service_name("core-api").set_desired_status(status);
    list.send().await.unwrap().task_arns.unwrap()
}

async fn task(client: &Client, arn: &str) -> Task {
    let answer = client.describe_tasks().cluster("prod").tasks(arn).send().await.unwrap();
    answer.tasks.unwrap().remove(0)
}

#[tokio::test]
async fn a_service_is_created_described_and_scaled() {
    let (_aws, client) = service(5).await;
    let service = describe(&client).await;
    assert_eq!(service.service_arn(), Some("arn:aws:ecs:eu-west-1:123456789012:service/prod/core-api"));
    assert_eq!(service.cluster_arn(), Some("arn:aws:ecs:eu-west-1:123456789012:cluster/prod"));
    assert_eq!(service.task_definition(), Some("arn:aws:ecs:eu-west-1:123456789012:task-definition/api:1"));
    assert_eq!((service.desired_count(), service.running_count(), service.pending_count()), (5, 5, 0));
    assert_eq!((service.status(), service.launch_type()), (Some("ACTIVE"), Some(&LaunchType::Fargate)));
    assert_eq!(service.scheduling_strategy(), Some(&SchedulingStrategy::Replica));
    let configuration = service.deployment_configuration().unwrap();
    assert_eq!((configuration.maximum_percent(), configuration.minimum_healthy_percent()), (Some(100), Some(50)));
    let deployment = &service.deployments()[0];
    assert_eq!(deployment.status(), Some("PRIMARY"));
    assert_eq!(deployment.rollout_state(), Some(&DeploymentRolloutState::Completed));
    assert_eq!((deployment.desired_count(), deployment.running_count(), deployment.failed_tasks()), (5, 5, 0));
    assert!(service.created_at().is_some() && service.events()[0].created_at().is_some());
    assert_eq!(service.events()[0].message(), Some("(service core-api) has reached a steady state."));

    let arn = service.service_arn().unwrap();
    let update = client.update_service().cluster("prod").service(arn).desired_count(50).send().await.unwrap();
    assert_eq!(update.service().unwrap().desired_count(), 50);
    let service = describe(&client).await;
    assert_eq!((service.desired_count(), service.running_count()), (50, 50));
    assert_eq!(service.deployments()[0].id(), deployment.id(), "a new desired count is no deployment");
}

#[tokio::test]
async fn a_task_definition_is_registered_in_revisions() {
    let (_aws, client) = service(0).await;
    register(&client).await;
    let describe = |name: &str| client.describe_task_definition().task_definition(name).send();
    let latest = describe("api").await.unwrap().task_definition.unwrap();
    assert_eq!((latest.revision(), latest.status()), (2, Some(&TaskDefinitionStatus::Active)));
    let first = describe("arn:aws:ecs:eu-west-1:123456789012:task-definition/api:1").await.unwrap();
    let first = first.task_definition.unwrap();
    assert_eq!((first.revision(), first.cpu()), (1, Some("256")));
    let container = &first.container_definitions()[0];
    assert_eq!((container.stop_timeout(), container.environment()[0].value()), (Some(45), Some("10")));
    for unknown in ["api:3", "api:0", "api:x", "other"] {
        assert_eq!(code(describe(unknown).await), "ClientException", "{unknown}");
    }

    let container = ContainerDefinition::builder().name("api").image("api:1");
    for (container, expected) in [
        (container.clone().essential(false), "ClientException"),
        (container.clone().stop_timeout(121), "InvalidParameterException"),
        (ContainerDefinition::builder().name("api"), "ClientException"),
    ] {
        let refused = client.register_task_definition().family("api").container_definitions(container.build());
        assert_eq!(code(refused.send().await), expected);
    }
}

#[tokio::test]
async fn a_runner_drives_a_task_and_its_end_is_hidden_from_the_default_list() {
    let (aws, client) = service(0).await;
    let mut orders = aws.ecs().attach_runner();
    client.update_service().cluster("prod").service("core-api").desired_count(1).send().await.unwrap();
    let Some(TaskEvent::Start(started)) = orders.recv().await else { panic!("an order to start") };
    let before = describe(&client).await;
    assert_eq!((before.pending_count(), before.running_count()), (1, 0));
    assert_eq!(task(&client, &started.arn).await.last_status(), Some("PENDING"));
    aws.ecs().task_running(&started.arn).unwrap();
    let running = task(&client, &started.arn).await;
    assert_eq!((running.last_status(), running.desired_status()), (Some("RUNNING"), Some("RUNNING")));
    assert_eq!((running.group(), running.cpu()), (Some("service:core-api"), Some("256")));
    assert!(running.started_at().is_some() && running.stopping_at().is_none());

    client.update_service().cluster("prod").service("core-api").desired_count(0).send().await.unwrap();
    let grace = Duration::from_secs(45);
    assert_eq!(orders.recv().await, Some(TaskEvent::Stop { arn: started.arn.clone(), grace }));
    assert_eq!(list(&client, None).await, [""; 0], "neither running nor pending any more");
    assert_eq!(list(&client, Some(DesiredStatus::Pending)).await, [""; 0], "no task is ever desired to be pending");
    assert_eq!(list(&client, Some(DesiredStatus::Stopped)).await, [started.arn.as_str()]);
    let stopping = task(&client, &started.arn).await;
    assert_eq!((stopping.last_status(), stopping.desired_status()), (Some("STOPPING"), Some("STOPPED")));
    let service = describe(&client).await;
    assert_eq!((service.running_count(), service.pending_count()), (0, 0), "it is in no count, and still there");

    pass(grace).await;
    assert_eq!(orders.recv().await, Some(TaskEvent::Kill { arn: started.arn.clone() }));
    aws.ecs().task_stopped(&started.arn, Exit::code(137)).unwrap();
    let stopped = task(&client, &started.arn).await;
    assert_eq!((stopped.last_status(), stopped.containers()[0].exit_code()), (Some("STOPPED"), Some(137)));
    assert_eq!(stopped.stop_code(), Some(&TaskStopCode::ServiceSchedulerInitiated));
    assert_eq!(list(&client, Some(DesiredStatus::Stopped)).await, [started.arn.as_str()], "listed for a while");
}

#[tokio::test]
async fn time_passes_without_a_request() {
    let (aws, client) = service(0).await;
    aws.ecs().set_timing(Timing { start: Duration::from_millis(20), ..Timing::default() });
    client.update_service().cluster("prod").service("core-api").desired_count(3).send().await.unwrap();
    let counts = aws.ecs().until("prod", "core-api", |counts| counts.running == 3).await.unwrap();
    assert_eq!(counts.pending, 0);
}

#[tokio::test]
async fn a_rolling_update_replaces_every_task() {
    let (_aws, client) = service(4).await;
    let before = list(&client, None).await;
    register(&client).await;
    let update = client.update_service().cluster("prod").service("core-api").task_definition("api").send();
    let deployments = update.await.unwrap().service.unwrap().deployments.unwrap();
    let statuses: Vec<_> = deployments.iter().map(|it| (it.status().unwrap(), it.rollout_state().unwrap())).collect();
    let [in_progress, completed] = [DeploymentRolloutState::InProgress, DeploymentRolloutState::Completed];
    assert_eq!(statuses, [("PRIMARY", &in_progress), ("ACTIVE", &completed)]);
    let service = describe(&client).await;
    assert_eq!((service.deployments().len(), service.running_count()), (1, 4));
    let after = list(&client, None).await;
    assert!(after.iter().all(|arn| !before.contains(arn)), "{before:?} and {after:?}");
    assert!(task(&client, &after[0]).await.task_definition_arn().unwrap().ends_with("/api:2"));

    let id = service.deployments()[0].id().unwrap().to_owned();
    let force = client.update_service().cluster("prod").service("core-api").force_new_deployment(true).send();
    force.await.unwrap();
    assert_ne!(describe(&client).await.deployments()[0].id(), Some(id.as_str()));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let (_aws, client) = service(7).await;
    let mut pages = client.list_tasks().cluster("prod").max_results(3).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().task_arns().len());
    }
    assert_eq!(sizes, [3, 3, 1]);
    for name in ["a", "b"] {
        let create = client.create_service().cluster("prod").service_name(name).task_definition("api");
        create.desired_count(0).send().await.unwrap();
    }
    let first = client.list_services().cluster("prod").max_results(2).send().await.unwrap();
    let names = |arns: &[String]| arns.iter().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(first.service_arns()), ["a", "b"]);
    let rest = client.list_services().cluster("prod").next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((names(rest.service_arns()), rest.next_token()), (vec!["core-api".to_owned()], None));

    let by = |family: &str| client.list_tasks().cluster("prod").family(family).send();
    assert_eq!(by("api").await.unwrap().task_arns().len(), 7);
    assert_eq!(by("other").await.unwrap().task_arns().len(), 0);
    let deployment = describe(&client).await.deployments()[0].id().unwrap().to_owned();
    let started = client.list_tasks().cluster("prod").started_by(&deployment);
    assert_eq!(started.clone().send().await.unwrap().task_arns().len(), 7);
    assert_eq!(code(started.service_name("core-api").send().await), "InvalidParameterException");
}

#[tokio::test]
async fn clusters_are_created_counted_and_missed() {
    let (_aws, client) = service(2).await;
    client.create_cluster().cluster_name("prod").send().await.expect("creating twice is no error");
    let answer = client.describe_clusters().clusters("prod").clusters("absent").send().await.unwrap();
    let cluster = &answer.clusters()[0];
    assert_eq!((cluster.cluster_name(), cluster.status()), (Some("prod"), Some("ACTIVE")));
    assert_eq!((cluster.running_tasks_count(), cluster.pending_tasks_count()), (2, 0));
    assert_eq!(cluster.active_services_count(), 1);
    let failure = &answer.failures()[0];
    assert_eq!(
        (failure.reason(), failure.arn()),
        (Some("MISSING"), Some("arn:aws:ecs:eu-west-1:123456789012:cluster/absent"))
    );
}

#[tokio::test]
async fn a_service_is_deleted() {
    let (_aws, client) = service(1).await;
    let delete = |force| client.delete_service().cluster("prod").service("core-api").force(force).send();
    let (code_, message) = refusal(delete(false).await);
    assert_eq!(code_, "InvalidParameterException");
    assert!(message.contains("scaled above 0"), "{message}");
    assert_eq!(delete(true).await.unwrap().service.unwrap().status(), Some("DRAINING"));
    assert_eq!(describe(&client).await.status(), Some("INACTIVE"));
    let update = client.update_service().cluster("prod").service("core-api").desired_count(1).send().await;
    assert!(matches!(update.unwrap_err().into_service_error(), UpdateServiceError::ServiceNotActiveException(_)));
    assert_eq!(code(delete(true).await), "ServiceNotFoundException");
}

#[tokio::test]
async fn what_does_not_exist_gets_the_services_own_error() {
    let (_aws, client) = service(1).await;
    let error = client.describe_services().cluster("absent").services("core-api").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(matches!(error.into_service_error(), DescribeServicesError::ClusterNotFoundException(_)));
    let error = client.update_service().cluster("prod").service("absent").desired_count(1).send().await.unwrap_err();
    assert!(matches!(error.into_service_error(), UpdateServiceError::ServiceNotFoundException(_)));
    assert_eq!(code(client.update_service().service("core-api").send().await), "ClusterNotFoundException", "default");
    let elsewhere = "arn:aws:ecs:eu-west-1:123456789012:service/test/core-api";
    let update = client.update_service().cluster("prod").service(elsewhere).desired_count(1).send().await;
    assert_eq!(code(update), "ServiceNotFoundException");
    let update = client.update_service().cluster("prod").service("core-api").task_definition("absent:1").send().await;
    assert_eq!(code(update), "ClientException");
    let list = client.list_tasks().cluster("prod").service_name("absent").send().await;
    assert_eq!(code(list), "ServiceNotFoundException");
    let stop = client.stop_task().cluster("prod").task("absent").send().await;
    assert_eq!(refusal(stop).1, "The referenced task was not found.");

    let answer =
        client.describe_services().cluster("prod").services("core-api").services("absent").send().await.unwrap();
    assert_eq!((answer.services().len(), answer.failures().len()), (1, 1));
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
    let answer = client.describe_tasks().cluster("prod").tasks("absent").send().await.unwrap();
    assert_eq!((answer.tasks().len(), answer.failures()[0].reason()), (0, Some("MISSING")));
}

#[tokio::test]
async fn what_is_missing_or_out_of_range_is_an_invalid_parameter() {
    let (_aws, client) = service(1).await;
    let update = || client.update_service().cluster("prod").service("core-api");
    let names = |n: usize| Some((0..n).map(|i| format!("s{i}")).collect::<Vec<_>>());
    let create = || client.create_service().cluster("prod").service_name("new").task_definition("api").desired_count(0);
    let refusals = [
        code(update().desired_count(-1).send().await),
        code(update().deployment_configuration(percentages(100, 100)).send().await),
        code(update().deployment_configuration(percentages(99, 50)).send().await),
        code(update().deployment_configuration(percentages(200, 101)).send().await),
        code(client.update_service().cluster("prod").desired_count(1).send().await),
        code(create().service_name("core-api").send().await),
        code(create().launch_type(LaunchType::External).send().await),
        code(client.create_service().cluster("prod").service_name("new").task_definition("api").send().await),
        code(client.describe_services().cluster("prod").send().await),
        code(client.describe_services().cluster("prod").set_services(names(11)).send().await),
        code(client.describe_tasks().cluster("prod").send().await),
        code(client.describe_tasks().cluster("prod").set_tasks(names(101)).send().await),
        code(client.list_tasks().cluster("prod").max_results(101).send().await),
        code(client.list_tasks().cluster("prod").desired_status("GONE".into()).send().await),
        code(client.list_services().cluster("prod").max_results(0).send().await),
    ];
    assert_eq!(refusals, ["InvalidParameterException"; 15]);
    assert_eq!(describe(&client).await.desired_count(), 1);
    let refused = create().role("a-member-the-model-does-not-know").send().await;
    let (code, message) = refusal(refused);
    assert_eq!(code, "SerializationException");
    assert!(message.contains("`role`"), "{message}");
}

#[tokio::test]
async fn a_service_may_be_presented_as_a_kind_the_model_does_not_act_out() {
    let (aws, client) = service(1).await;
    let daemon = serde_json::json!({ "schedulingStrategy": "DAEMON" });
    aws.ecs().present("prod", "core-api", daemon).unwrap();
    assert_eq!(describe(&client).await.scheduling_strategy(), Some(&SchedulingStrategy::Daemon));
    aws.ecs().present("prod", "core-api", serde_json::Value::Null).unwrap();
    assert_eq!(describe(&client).await.scheduling_strategy(), Some(&SchedulingStrategy::Replica));
}
