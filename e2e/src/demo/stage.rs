//! What both runs share: a control plane, the served AWS, and the operator as Helm installs it.

use std::path::Path;

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use hybridscaler_e2e_aws::{ACCESS_KEY_ID, ACCOUNT, Aws, REGION, SECRET_ACCESS_KEY};
use kube::Client;
use serde_json::json;

use super::{gauges::Gauges, manifests::CLUSTER, record::SERVICES};
use crate::{
    bed::Bed,
    operator::{Operator, replay},
    runner::sdk_config,
};

/// The namespace of the story. The operator is installed in the bed's.
pub(super) const NAMESPACE: &str = "orders";

/// The file of the operator's decisions, among the logs.
const RECORD: &str = "decisions.jsonl";

/// The parts, up and running.
pub(super) struct Stage<'a> {
    /// The control plane.
    pub(super) bed: &'a Bed,
    /// The served AWS.
    pub(super) aws: Aws,
    /// How SDK clients reach it.
    pub(super) sdk: SdkConfig,
    /// A client that may do everything.
    pub(super) kube: Client,
    operator: Operator,
}

impl<'a> Stage<'a> {
    /// Starts the served AWS, and installs and starts the operator on the bed's control plane.
    ///
    /// # Errors
    ///
    /// A part does not come up.
    pub(super) async fn set(bed: &'a Bed) -> Result<Self> {
        let aws = Aws::start().await.context("cannot serve AWS")?;
        let sdk = sdk_config(&aws);
        let kube = bed.control_plane.admin().await?;
        aws.ecs().call("CreateCluster", json!({"clusterName": CLUSTER}))?;
        bed.control_plane.create_namespace(NAMESPACE).await?;
        let record = bed.logs().join(RECORD);
        let operator = Operator::install(bed, &values(&aws, &record)).await?;
        Ok(Self { bed, aws, sdk, kube, operator })
    }

    /// What the operator says of its scalers now.
    ///
    /// # Errors
    ///
    /// The operator does not answer.
    pub(super) async fn gauges(&self) -> Result<Gauges> {
        Ok(Gauges::parse(&self.operator.metrics().await?))
    }

    /// Ends the operator, and makes all that it decided again from its record. What is said of that.
    ///
    /// # Errors
    ///
    /// A decision comes out differently.
    pub(super) async fn replay(self) -> Result<String> {
        self.operator.stop().await?;
        replay(&self.bed.logs().join(RECORD)).await
    }
}

/// The chart's values: who may use what, the user of the served AWS, and where decisions are recorded. They are JSON, which is YAML.
fn values(aws: &Aws, record: &Path) -> String {
    let [_, core_api] = SERVICES;
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    json!({
        "config": {
            "aws": {"endpointUrl": aws.endpoint()},
            "trust": [{
                "namespaces": [NAMESPACE],
                "queues": [format!("arn:aws:sqs:{REGION}:{ACCOUNT}:*")],
                "ecsServices": [format!("{REGION}/{CLUSTER}/{core_api}")],
                "databaseHosts": ["127.0.0.1:*"],
            }],
        },
        "env": [
            variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            variable("AWS_REGION", REGION),
            variable("HYBRIDSCALER_RECORD", &record.display().to_string()),
        ],
        "log": {"format": "text"},
    })
    .to_string()
}
