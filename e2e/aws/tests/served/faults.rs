//! Faults on request, and what was called.

use std::time::{Duration, Instant};

use aws_sdk_sqs::{
    config::timeout::TimeoutConfig,
    error::{ProvideErrorMetadata as _, SdkError},
};
use hybridscaler_e2e_aws::{Aws, AwsError, Effect, Fault, Service};

use crate::clients::{code, config};

async fn two_queues() -> (Aws, aws_sdk_sqs::Client) {
    let aws = Aws::start().await.unwrap();
    aws.sqs().create_queue("orders").unwrap();
    aws.sqs().create_queue("payments").unwrap();
    let client = aws_sdk_sqs::Client::new(&config(aws.endpoint()));
    (aws, client)
}

fn on_read(effect: Effect) -> Fault {
    Fault::new(Service::Sqs, "GetQueueAttributes", effect)
}

#[tokio::test]
async fn a_fault_strikes_one_operation_on_one_resource_as_often_as_told() {
    let (aws, client) = two_queues().await;
    let read = |queue: &str| client.get_queue_attributes().queue_url(aws.sqs().url(queue)).send();
    let error = AwsError::new("InternalError", "We encountered an internal error.").status(500);
    aws.faults().add(on_read(Effect::Fail(error)).on("orders").times(2));
    read("payments").await.unwrap();
    for _ in 0..2 {
        let error = read("orders").await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
        assert_eq!(error.code(), Some("InternalError"));
    }
    read("orders").await.unwrap();
    assert_eq!(aws.calls().count(Service::Sqs, "GetQueueAttributes"), 4);
    assert_eq!(aws.calls().count(Service::Sqs, "SendMessage"), 0);
    assert_eq!(aws.calls().all().len(), 1);
}

#[tokio::test]
async fn throttling_is_what_the_sdk_knows_as_such() {
    let (aws, client) = two_queues().await;
    let config = config(aws.endpoint());
    aws.faults().add(on_read(Effect::Throttle));
    aws.faults().add(Fault::new(Service::Ecs, "UpdateService", Effect::Throttle).on("core-api"));
    aws.faults().add(Fault::new(Service::CloudWatch, "ListMetrics", Effect::Throttle));
    let read = client.get_queue_attributes().queue_url(aws.sqs().url("orders")).send().await;
    assert_eq!(code(read), "RequestThrottled");
    let ecs = aws_sdk_ecs::Client::new(&config);
    let update = |service: &str| ecs.update_service().cluster("prod").service(service).desired_count(1).send();
    assert_eq!(code(update("core-api").await), "ThrottlingException");
    assert_eq!(code(update("other-core-api").await), "ClusterNotFoundException", "another resource");
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    assert_eq!(code(cloudwatch.list_metrics().send().await), "Throttling");
    let retrying = config.to_builder().retry_config(aws_config::retry::RetryConfig::standard()).build();
    let retrying = aws_sdk_sqs::Client::new(&retrying);
    aws.faults().clear();
    aws.faults().add(on_read(Effect::Throttle).times(1));
    let before = aws.calls().count(Service::Sqs, "GetQueueAttributes");
    retrying.get_queue_attributes().queue_url(aws.sqs().url("orders")).send().await.expect("the second attempt");
    assert_eq!(aws.calls().count(Service::Sqs, "GetQueueAttributes"), before + 2);
}

#[tokio::test]
async fn a_hanging_request_ends_by_the_callers_timeout_and_is_not_carried_out() {
    let (aws, client) = two_queues().await;
    let id = aws.faults().add(Fault::new(Service::Sqs, "SendMessage", Effect::Hang));
    let timeout = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(50)).build();
    let impatient = aws_sdk_sqs::config::Builder::new().timeout_config(timeout);
    let send = || client.send_message().queue_url(aws.sqs().url("orders")).message_body("m");
    let outcome = send().customize().config_override(impatient).send().await;
    assert!(matches!(outcome.unwrap_err(), SdkError::TimeoutError(_)));
    aws.faults().remove(id);
    assert_eq!(aws.sqs().depth("orders").unwrap().visible, 0);
    send().send().await.unwrap();
}

#[tokio::test]
async fn a_delayed_request_is_carried_out_later() {
    let (aws, client) = two_queues().await;
    let delay = Duration::from_millis(60);
    aws.faults().add(Fault::new(Service::Sqs, "SendMessage", Effect::Delay(delay)));
    let started = Instant::now();
    client.send_message().queue_url(aws.sqs().url("orders")).message_body("m").send().await.unwrap();
    assert!(started.elapsed() >= delay);
    assert_eq!(aws.sqs().depth("orders").unwrap().visible, 1);
}

#[tokio::test]
async fn a_dropped_connection_is_no_answer() {
    let (aws, client) = two_queues().await;
    aws.faults().add(Fault::new(Service::Sqs, "SendMessage", Effect::Drop).times(1));
    let send = || client.send_message().queue_url(aws.sqs().url("orders")).message_body("m").send();
    assert!(matches!(send().await.unwrap_err(), SdkError::DispatchFailure(_)));
    assert_eq!(aws.sqs().depth("orders").unwrap().visible, 0);
    send().await.expect("a new connection works");
}

#[tokio::test]
async fn nothing_answers_once_the_model_is_dropped() {
    let (aws, client) = two_queues().await;
    let url = aws.sqs().url("orders");
    client.get_queue_attributes().queue_url(&url).send().await.unwrap();
    drop(aws);
    let outcome = client.get_queue_attributes().queue_url(&url).send().await;
    assert!(matches!(outcome.unwrap_err(), SdkError::DispatchFailure(_)));
}
