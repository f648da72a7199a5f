//! How the AWS SDK reaches the served AWS.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use hybridscaler_e2e_aws::{ACCESS_KEY_ID, Aws, REGION, SECRET_ACCESS_KEY};

/// The configuration of SDK clients that talk to the served AWS as its all-powerful user.
pub fn sdk_config(aws: &Aws) -> SdkConfig {
    let credentials = Credentials::from_keys(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(aws.endpoint())
        .build()
}
