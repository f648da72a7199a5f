//! Calls to AWS: one configuration for each region and role, hard time limits, and errors that say what to mend.
//!
//! A read may be tried twice, with the SDK's own jitter. A write is tried once ([`try_once`]): a write that timed out
//! may still be carried out later, and a repeated one may be carried out twice, so only the caller may decide to send
//! it again.

mod failure;
mod resource;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(crate) mod fake;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, retry::RetryConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig,
};
use aws_sdk_sqs::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls;
use tokio::sync::{Mutex, OnceCell};

pub use self::{
    failure::{Failure, Outcome, Permission},
    resource::{Queue, Service},
};

/// The longest that connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that one attempt of a call may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest that a call may take with all its attempts, credentials included.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Attempts of a read: the first and one more.
const READ_ATTEMPTS: u32 = 2;
/// The name that assumed sessions bear in AWS's audit trail.
const SESSION_NAME: &str = "hybridscaler";

/// Where calls go and who makes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The region, such as `eu-west-1`.
    pub region: String,
    /// The role to assume; none: the operator's own identity.
    pub role_arn: Option<String>,
}

/// How AWS is reached; the default is the SDK's: AWS's own endpoints and the default chain of credentials.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// One endpoint for all services instead of AWS's own (a test server). For VPC endpoints, which are one a service,
    /// set the SDK's `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL_ECS`, `AWS_ENDPOINT_URL_CLOUDWATCH` and
    /// `AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING` instead.
    pub endpoint_url: Option<String>,
    /// The operator's own credentials instead of the default chain (environment, web identity, container, instance).
    pub credentials: Option<SharedCredentialsProvider>,
}

/// The clients of one [`Access`]. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Amazon SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// Amazon ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// Amazon CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// Application Auto Scaling.
    pub application_autoscaling: aws_sdk_applicationautoscaling::Client,
}

/// Makes clients and keeps them: one set for each [`Access`], made at its first use. Cloning is cheap and shares them.
///
/// Nothing is evicted: there are as many sets as the operator's configuration trusts pairs of region and role.
#[derive(Clone, Debug)]
pub struct Aws(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Options,
    /// The operator's own configuration, loaded once: credentials, their cache, and one pool of connections for all
    /// clients.
    own: OnceCell<SdkConfig>,
    clients: Mutex<HashMap<Access, Clients>>,
}

impl Aws {
    /// Does not connect and reads no credentials yet.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Shared { options, own: OnceCell::new(), clients: Mutex::default() }))
    }

    /// The clients for `access`. Makes no call: a role is assumed by the first call that needs it.
    pub async fn clients(&self, access: &Access) -> Clients {
        let mut known = self.0.clients.lock().await;
        if let Some(clients) = known.get(access) {
            return clients.clone();
        }
        let config = self.config(access).await;
        let clients = Clients {
            sqs: aws_sdk_sqs::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            application_autoscaling: aws_sdk_applicationautoscaling::Client::new(&config),
        };
        known.insert(access.clone(), clients.clone());
        clients
    }

    async fn config(&self, access: &Access) -> SdkConfig {
        let own = self.0.own.get_or_init(|| load(&self.0.options, &access.region)).await;
        let own = own.to_builder().region(Region::new(access.region.clone())).build();
        let Some(role_arn) = &access.role_arn else {
            return own;
        };
        // STS is asked in the same region, so that a region's outage stays in the region.
        let role = AssumeRoleProvider::builder(role_arn).session_name(SESSION_NAME).configure(&own).build().await;
        own.into_builder().credentials_provider(SharedCredentialsProvider::new(role)).build()
    }
}

/// The retry rule of a call that must not be repeated: give it to `customize().config_override(…)`.
pub fn try_once() -> RetryConfig {
    RetryConfig::disabled()
}

async fn load(options: &Options, region: &str) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        // Each set of clients gets its own region; without one here the SDK would ask the machine it runs on for it.
        .region(Region::new(region.to_owned()))
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(READ_ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        );
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(credentials) = &options.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    loader.load().await
}

/// One pool of connections and one set of root certificates for all clients; left alone, each client makes its own.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .build_https()
}
