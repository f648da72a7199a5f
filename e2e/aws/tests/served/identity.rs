//! Who may do what: access keys, roles, permissions, and requests that say too little about themselves.

use std::time::Duration;

use aws_config::{SdkConfig, sts::AssumeRoleProvider};
use aws_credential_types::{Credentials, provider::ProvideCredentials as _};
use aws_sdk_ecs::types::Failure;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use hybridscaler_e2e_aws::{Aws, Service};

use crate::clients::{code, config, config_for, config_of, pass, raw, refusal};

const ORDERS: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";
const READER: &str = "arn:aws:iam::123456789012:role/reader";

async fn depth(aws: &Aws, config: &SdkConfig) -> Result<(), (String, String)> {
    let client = aws_sdk_sqs::Client::new(config);
    match client.get_queue_attributes().queue_url(aws.sqs().url("orders")).send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal::<(), _>(Err(error))),
    }
}

async fn assume(config: &SdkConfig, role: &str) -> Result<Credentials, String> {
    let provider = AssumeRoleProvider::builder(role).session_name("operator").configure(config).build().await;
    provider.provide_credentials().await.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn a_user_may_do_what_it_is_allowed_on_the_resource_it_is_allowed_on() {
    let aws = Aws::start().await.unwrap();
    aws.sqs().create_queue("orders").unwrap();
    let config = config_for(&aws, &aws.identity().add_user("operator"));
    let (code, message) = depth(&aws, &config).await.unwrap_err();
    assert_eq!(code, "AccessDenied");
    for part in ["user/operator", "sqs:GetQueueAttributes", ORDERS] {
        assert!(message.contains(part), "{message}");
    }
    let user = "arn:aws:iam::123456789012:user/operator";
    aws.identity().allow(user, "sqs:GetQueueAttributes", ORDERS);
    depth(&aws, &config).await.unwrap();
    let client = aws_sdk_sqs::Client::new(&config);
    let other = client.get_queue_attributes().queue_url(aws.sqs().url("payments")).send().await;
    assert_eq!(crate::clients::code(other), "AccessDenied", "before anyone learns whether it exists");
    let error = client.purge_queue().queue_url(aws.sqs().url("orders")).send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
    aws.identity().withdraw(user);
    assert_eq!(depth(&aws, &config).await.unwrap_err().0, "AccessDenied");
}

#[tokio::test]
async fn a_denial_has_each_services_own_code() {
    let aws = Aws::start().await.unwrap();
    let config = config_for(&aws, &aws.identity().add_user("operator"));
    let ecs = aws_sdk_ecs::Client::new(&config);
    let denied = ecs.update_service().cluster("prod").service("core-api").desired_count(1).send().await;
    let (code_, message) = refusal(denied);
    assert_eq!(code_, "AccessDeniedException");
    assert!(message.contains("arn:aws:ecs:eu-west-1:123456789012:service/prod/core-api"), "{message}");
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    assert_eq!(code(cloudwatch.list_metrics().send().await), "AccessDenied");
}

#[tokio::test]
async fn one_service_that_is_not_allowed_denies_the_whole_call() {
    let aws = Aws::start().await.unwrap();
    aws.ecs().call("CreateCluster", serde_json::json!({ "clusterName": "prod" })).unwrap();
    let config = config_for(&aws, &aws.identity().add_user("operator"));
    let one = "arn:aws:ecs:eu-west-1:123456789012:service/prod/one";
    aws.identity().allow("arn:aws:iam::123456789012:user/operator", "ecs:DescribeServices", one);
    let client = aws_sdk_ecs::Client::new(&config);
    let describe = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        client.describe_services().cluster("prod").set_services(Some(names)).send()
    };
    let failures = describe(&["one"]).await.unwrap().failures.unwrap();
    assert_eq!(failures, [Failure::builder().arn(one).reason("MISSING").build()]);
    assert_eq!(code(describe(&["one", "two"]).await), "AccessDeniedException");
}

#[tokio::test]
async fn a_role_is_assumed_by_those_it_trusts_and_acts_with_its_own_permissions() {
    let aws = Aws::start().await.unwrap();
    aws.sqs().create_queue("orders").unwrap();
    let config = config_for(&aws, &aws.identity().add_user("operator"));
    let refused = assume(&config, READER).await.unwrap_err();
    assert!(refused.contains("AccessDenied") && refused.contains(READER), "{refused}");
    aws.identity().add_role(READER, &["arn:aws:iam::123456789012:user/someone-else"]);
    assume(&config, READER).await.unwrap_err();
    aws.identity().add_role(READER, &["arn:aws:iam::123456789012:user/operator"]);
    let session = assume(&config, READER).await.unwrap();
    assert!(session.expiry().is_some());

    let as_reader = config_of(aws.endpoint(), session.clone());
    let (code, message) = depth(&aws, &as_reader).await.unwrap_err();
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("arn:aws:sts::123456789012:assumed-role/reader/operator"), "{message}");
    aws.identity().allow(READER, "sqs:Get*", "*");
    depth(&aws, &as_reader).await.unwrap();
    assert_eq!(depth(&aws, &config).await.unwrap_err().0, "AccessDenied", "the user itself still may not");

    let keys = Credentials::from_keys(session.access_key_id(), session.secret_access_key(), None);
    let without_token = depth(&aws, &config_of(aws.endpoint(), keys)).await;
    assert_eq!(without_token.unwrap_err().0, "InvalidClientTokenId");
    pass(Duration::from_hours(1)).await;
    // The client refuses to sign with credentials that it knows to be expired; this one does not know.
    let token = session.session_token().map(str::to_owned);
    let ignorant = Credentials::from_keys(session.access_key_id(), session.secret_access_key(), token);
    assert_eq!(depth(&aws, &config_of(aws.endpoint(), ignorant)).await.unwrap_err().0, "ExpiredToken");
}

#[tokio::test]
async fn a_wrong_request_for_a_role_is_a_validation_error() {
    let aws = Aws::start().await.unwrap();
    let config = config(aws.endpoint());
    let refused = assume(&config, "reader").await.unwrap_err();
    assert!(refused.contains("ValidationError"), "{refused}");
    let named = AssumeRoleProvider::builder(READER).session_name("no spaces").configure(&config).build().await;
    assert!(format!("{:?}", named.provide_credentials().await.unwrap_err()).contains("ValidationError"));
    let short = AssumeRoleProvider::builder(READER).session_name("s1").session_length(Duration::from_secs(899));
    let short = short.configure(&config).build().await;
    assert!(format!("{:?}", short.provide_credentials().await.unwrap_err()).contains("durationSeconds"));
}

#[tokio::test]
async fn an_unknown_key_is_refused_by_every_service_in_its_own_words() {
    let aws = Aws::start().await.unwrap();
    let config = config_of(aws.endpoint(), Credentials::from_keys("AKIAUNKNOWN000000000", "secret", None));
    assert_eq!(depth(&aws, &config).await.unwrap_err().0, "InvalidClientTokenId");
    let ecs = aws_sdk_ecs::Client::new(&config);
    let error = ecs.list_services().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert_eq!(error.code(), Some("UnrecognizedClientException"));
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    assert_eq!(code(cloudwatch.list_metrics().send().await), "InvalidClientTokenId");
    assert!(assume(&config, READER).await.unwrap_err().contains("InvalidClientTokenId"));
}

#[tokio::test]
async fn a_signature_for_another_region_is_refused() {
    let aws = Aws::start().await.unwrap();
    let region = aws_config::Region::new("us-east-1");
    let config = config(aws.endpoint()).into_builder().region(region).build();
    assert_eq!(depth(&aws, &config).await.unwrap_err().0, "SignatureDoesNotMatch");
}

const SQS: &str = "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.";
const SIGNED: &str = "\r\nauthorization: AWS4-HMAC-SHA256 \
                      Credential=AKIAADMINISTRATOR000/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0";

#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let aws = Aws::start().await.unwrap();
    let answer = raw(aws.endpoint(), &format!("{SQS}GetQueueUrl"), r#"{"QueueName":"orders"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("MissingAuthenticationToken"), "{answer}");
    let answer = raw(aws.endpoint(), &format!("{SQS}GetQueueUrl\r\nauthorization: Bearer x"), "{}").await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("IncompleteSignature"), "{answer}");
    let form = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    let answer = raw(aws.endpoint(), form, "Action=AssumeRole&Version=2011-06-15").await;
    assert!(
        answer.starts_with("HTTP/1.1 403") && answer.contains("<Code>MissingAuthenticationToken</Code>"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_operation_or_a_body_the_service_does_not_know_is_refused() {
    let aws = Aws::start().await.unwrap();
    let answer = raw(aws.endpoint(), &format!("{SQS}StealQueue{SIGNED}"), "{}").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("UnknownOperationException"), "{answer}");
    assert_eq!(aws.calls().count(Service::Sqs, "StealQueue"), 1);
    for body in ["", "[]", "{\"QueueName\":7}"] {
        let answer = raw(aws.endpoint(), &format!("{SQS}GetQueueUrl{SIGNED}"), body).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("SerializationException"), "{body}: {answer}");
    }
    let json = "POST / HTTP/1.1\r\ncontent-type: application/json\r\nx-amz-target: AmazonSQS.GetQueueUrl";
    for request in ["GET / HTTP/1.1", json, "POST /other HTTP/1.1\r\ncontent-type: text/plain"] {
        let answer = raw(aws.endpoint(), request, "{}").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}
