//! Questions about clusters, services and tasks.

use aws_sdk_ecs::{
    Client,
    types::{ContainerDefinition, DeploymentConfiguration, DesiredStatus, Failure, LaunchType, Service},
};

use super::Transcript;

pub(super) async fn ask(t: &mut Transcript, client: &Client) {
    create(t, client).await;
    describe(t, client).await;
    scale(t, client).await;
    look_at_tasks(t, client).await;
    delete(t, client).await;
}

async fn create(t: &mut Transcript, client: &Client) {
    let cluster = client.create_cluster().cluster_name("prod").send().await;
    t.note("create a cluster", cluster, |it| text(it.cluster().unwrap().cluster_arn()));
    let container = ContainerDefinition::builder().name("api").image("api:1").memory(256).build();
    let register = client.register_task_definition().family("api");
    let registered = register.container_definitions(container).send().await;
    t.note("register a task definition", registered, |it| text(it.task_definition().unwrap().task_definition_arn()));
    let definition = |name: &str| client.describe_task_definition().task_definition(name).send();
    t.note("describe it", definition("api:1").await, |it| text(it.task_definition().unwrap().family()));
    t.note("describe a task definition that is not", definition("absent:1").await, done);

    let percentages = DeploymentConfiguration::builder().maximum_percent(100).minimum_healthy_percent(50).build();
    let create = |cluster: &str| {
        let create = client.create_service().cluster(cluster).service_name("core-api").task_definition("api:1");
        let create = create.desired_count(5).launch_type(LaunchType::Fargate);
        create.deployment_configuration(percentages.clone()).send()
    };
    t.note("create a service", create("prod").await, |it| kind(it.service().unwrap()));
    t.note("create the service again", create("prod").await, |it| kind(it.service().unwrap()));
    t.note("create one in no cluster", create("absent").await, |it| kind(it.service().unwrap()));
}

async fn describe(t: &mut Transcript, client: &Client) {
    let describe = |cluster: &str, name: &str| client.describe_services().cluster(cluster).services(name).send();
    t.note("describe the service", describe("prod", "core-api").await, |it| kind(&it.services()[0]));
    let service = describe("prod", "core-api").await.unwrap().services.unwrap().remove(0);
    t.fact("its ARNs", &(service.service_arn(), service.task_definition()));
    let deployments: Vec<_> = service.deployments().iter().map(|it| (it.status(), it.desired_count())).collect();
    t.fact("its deployments", &deployments);
    let percentages = service.deployment_configuration();
    t.fact("its percentages", &percentages.and_then(DeploymentConfiguration::maximum_percent));
    t.note("describe a service that is not", describe("prod", "absent").await, |it| failures(it.failures()));
    t.note("describe one in no cluster", describe("absent", "core-api").await, |it| failures(it.failures()));
    t.note("list services", client.list_services().cluster("prod").send().await, |it| it.service_arns().concat());
}

async fn scale(t: &mut Transcript, client: &Client) {
    let scale = |cluster: &str, name: &str, count| {
        client.update_service().cluster(cluster).service(name).desired_count(count).send()
    };
    t.note("scale out", scale("prod", "core-api", 7).await, |it| desired(it.service()));
    let arn = "arn:aws:ecs:eu-west-1:123456789012:service/prod/core-api";
    t.note("scale in by the ARN", scale("prod", arn, 6).await, |it| desired(it.service()));
    let service = client.describe_services().cluster("prod").services("core-api").send().await;
    t.note("and see", service, |it| {
        format!("{}, running {}", desired(it.services().first()), it.services()[0].running_count())
    });
    t.note("update one that is not", scale("prod", "absent", 1).await, done);
    t.note("update one in no cluster", scale("absent", "core-api", 1).await, done);
    let update = client.update_service().cluster("prod").service("core-api");
    t.note("update to no task definition", update.task_definition("absent:1").send().await, done);
}

async fn look_at_tasks(t: &mut Transcript, client: &Client) {
    let list = |cluster: &str, service: &str, status: Option<DesiredStatus>| {
        client.list_tasks().cluster(cluster).service_name(service).set_desired_status(status).send()
    };
    let number = |arns: &[String]| format!("{} tasks", arns.len());
    t.note("list tasks", list("prod", "core-api", None).await, |it| number(it.task_arns()));
    let stopped = list("prod", "core-api", Some(DesiredStatus::Stopped)).await;
    t.note("list stopped tasks", stopped, |it| number(it.task_arns()));
    t.note("list tasks of no cluster", list("absent", "core-api", None).await, |it| number(it.task_arns()));
    t.note("list tasks of no service", list("prod", "absent", None).await, |it| number(it.task_arns()));
    let unknown = "arn:aws:ecs:eu-west-1:123456789012:task/prod/0123456789abcdef0123456789abcdef";
    let task = client.describe_tasks().cluster("prod").tasks(unknown).send().await;
    t.note("describe a task that is not", task, |it| failures(it.failures()));
    t.note("describe no task", client.describe_tasks().cluster("prod").send().await, done);
}

async fn delete(t: &mut Transcript, client: &Client) {
    let delete = |name: &str, force| client.delete_service().cluster("prod").service(name).force(force).send();
    t.note("delete a running service", delete("core-api", false).await, |it| status(it.service()));
    t.note("delete it by force", delete("core-api", true).await, |it| status(it.service()));
    let described = client.describe_services().cluster("prod").services("core-api").send().await;
    t.note("describe it after that", described, |it| status(it.services().first()));
    let late = client.update_service().cluster("prod").service("core-api").desired_count(1).send().await;
    t.note("update it after that", late, |it| status(it.service()));
    t.note("delete one that is not", delete("absent", false).await, |it| status(it.service()));
}

fn done<T>(_: T) -> String {
    "done".to_owned()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or("none").to_owned()
}

fn kind(service: &Service) -> String {
    format!(
        "{} {} {} {}",
        status(Some(service)),
        text(service.scheduling_strategy().map(AsRef::as_ref)),
        text(service.launch_type().map(AsRef::as_ref)),
        desired(Some(service)),
    )
}

fn desired(service: Option<&Service>) -> String {
    format!("desired {}", service.unwrap().desired_count())
}

fn status(service: Option<&Service>) -> String {
    text(service.unwrap().status())
}

fn failures(failures: &[Failure]) -> String {
    let failures: Vec<_> = failures.iter().map(|it| format!("{} {}", text(it.arn()), text(it.reason()))).collect();
    if failures.is_empty() { "nothing".to_owned() } else { failures.join(", ") }
}
