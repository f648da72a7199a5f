//! The SDK's clients as a program of ours makes them, and time that passes on request.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::time::SystemTimeSource;
use hybridscaler_e2e_aws::{ACCESS_KEY_ID, AccessKey, Aws, REGION, SECRET_ACCESS_KEY};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Clients that sign as the administrator and never retry, so that a test sees each answer.
pub(crate) fn config(endpoint: &str) -> SdkConfig {
    config_of(endpoint, Credentials::from_keys(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None))
}

/// The same for a user made by the test.
pub(crate) fn config_for(aws: &Aws, key: &AccessKey) -> SdkConfig {
    config_of(aws.endpoint(), Credentials::from_keys(&key.id, &key.secret, None))
}

pub(crate) fn config_of(endpoint: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .time_source(SystemTimeSource::new())
        .build()
}

/// Lets this much of the model's time pass at once. No request may be under way, or its own timers would pass too.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The code and message of a failed call.
pub(crate) fn refusal<T: std::fmt::Debug, E>(outcome: Result<T, aws_sdk_sqs::error::SdkError<E>>) -> (String, String)
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    let error = outcome.expect_err("the call should be refused");
    let meta = error.as_service_error().expect("an error answer of the service").meta();
    (meta.code().unwrap_or_default().to_owned(), meta.message().unwrap_or_default().to_owned())
}

/// The code of a failed call.
pub(crate) fn code<T: std::fmt::Debug, E>(outcome: Result<T, aws_sdk_sqs::error::SdkError<E>>) -> String
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    refusal(outcome).0
}

/// The answer to a request as it stands on the wire.
pub(crate) async fn raw(endpoint: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).await.unwrap();
    let length = body.len();
    let request = format!("{request}\r\nhost: aws\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
