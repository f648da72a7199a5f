//! Which services Application Auto Scaling was told to scale.

use aws_sdk_applicationautoscaling::{
    Client,
    types::{ScalableDimension, ServiceNamespace, SuspendedState},
};
use hybridscaler_e2e_aws::Aws;
use serde_json::json;

use crate::clients::{code, config, refusal};

const DIMENSION: ScalableDimension = ScalableDimension::EcsServiceDesiredCount;

async fn services(count: usize) -> (Aws, Client) {
    let aws = Aws::start().await.unwrap();
    let ecs = |operation, input| aws.ecs().call(operation, input).unwrap();
    ecs("CreateCluster", json!({"clusterName": "prod"}));
    let container = json!({"name": "app", "image": "app:1"});
    ecs("RegisterTaskDefinition", json!({"family": "app", "containerDefinitions": [container]}));
    for number in 0..count {
        let name = format!("s{number:02}");
        ecs(
            "CreateService",
            json!({"cluster": "prod", "serviceName": name, "taskDefinition": "app", "desiredCount": 0}),
        );
    }
    let client = Client::new(&config(aws.endpoint()));
    (aws, client)
}

#[tokio::test]
async fn a_target_is_registered_changed_and_deregistered() {
    let (_aws, client) = services(1).await;
    let register = || {
        let call = client.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
        call.scalable_dimension(DIMENSION).resource_id("service/prod/s00")
    };
    assert_eq!(code(register().min_capacity(1).send().await), "ValidationException", "no maximum");
    register().min_capacity(1).max_capacity(9).send().await.unwrap();
    let suspended = SuspendedState::builder().dynamic_scaling_in_suspended(true).build();
    register().max_capacity(12).suspended_state(suspended).send().await.unwrap();
    let described = client.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs).send().await.unwrap();
    let [target] = described.scalable_targets() else { panic!("{described:?}") };
    assert_eq!((target.resource_id(), target.min_capacity(), target.max_capacity()), ("service/prod/s00", 1, 12));
    let state = target.suspended_state().unwrap();
    let suspended = [state.dynamic_scaling_in_suspended(), state.dynamic_scaling_out_suspended()];
    assert_eq!(suspended, [Some(true), Some(false)]);

    let deregister = || {
        let call = client.deregister_scalable_target().service_namespace(ServiceNamespace::Ecs);
        call.scalable_dimension(DIMENSION).resource_id("service/prod/s00").send()
    };
    deregister().await.unwrap();
    assert_eq!(code(deregister().await), "ObjectNotFoundException");
}

#[tokio::test]
async fn what_is_no_service_is_not_registered() {
    let (_aws, client) = services(1).await;
    let register = |id: &str| {
        let call = client.register_scalable_target().service_namespace(ServiceNamespace::Ecs).resource_id(id);
        call.scalable_dimension(DIMENSION).min_capacity(1).max_capacity(9).send()
    };
    for id in ["service/prod/none", "service/none/s00", "prod/s00"] {
        let (code, message) = refusal(register(id).await);
        assert!(code == "ValidationException" && message.contains(id), "{message}");
    }
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let (_aws, client) = services(60).await;
    for number in 0..60 {
        let call = client.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(DIMENSION).resource_id(format!("service/prod/s{number:02}"));
        call.min_capacity(1).max_capacity(9).send().await.unwrap();
    }
    let list = || client.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
    let first = list().send().await.unwrap();
    assert_eq!((first.scalable_targets().len(), first.next_token().is_some()), (50, true));
    let all = list().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(all.len(), 60);
    let two = list().resource_ids("service/prod/s07").resource_ids("service/prod/none").send().await.unwrap();
    assert_eq!(two.scalable_targets().len(), 1, "one of the two is registered");
}
