//! The operator with two scalers and one budget, and what they scale.

use std::fs;

use anyhow::{Context, Result, ensure};
use hybridscaler_e2e_aws::{ACCESS_KEY_ID, ACCOUNT, Aws, REGION, SECRET_ACCESS_KEY};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client, runtime::wait::await_condition};
use serde_json::json;
use tokio::time::timeout;

use super::start::PATIENCE;
use crate::{bed::Bed, operator::Operator};

/// The Deployment and its scaler; also the name of its queue.
pub(super) const WORKER: &str = "worker";

/// The ECS service and its scaler; also the name of its queue.
pub(super) const SERVICE: &str = "service";

/// The names of both scalers.
pub(super) const SCALERS: [&str; 2] = [WORKER, SERVICE];

/// The cluster of the ECS service.
pub(super) const CLUSTER: &str = "prod";

/// The interval at which queues are polled, in seconds.
pub(super) const POLL_SECONDS: u8 = 2;

/// The replicas that run while a queue is empty.
pub(super) const MIN_REPLICAS: u8 = 2;

/// Everything that is measured, up and running.
pub(super) struct Scene<'a> {
    pub(super) bed: &'a Bed,
    /// The served AWS.
    pub(super) aws: Aws,
    /// A client that may do everything.
    pub(super) kube: Client,
    /// None between a stop and a start.
    pub(super) operator: Option<Operator>,
    /// A file with the scalers and the budget.
    objects: String,
}

impl<'a> Scene<'a> {
    /// Installs and starts the operator, and starts what it is to scale; there are no scalers yet.
    ///
    /// # Errors
    ///
    /// A part does not come up.
    pub(super) async fn set(bed: &'a Bed) -> Result<Self> {
        let aws = Aws::start().await.context("cannot serve AWS")?;
        let kube = bed.control_plane.admin().await?;
        let operator = Operator::install(bed, &values(&bed.namespace, &aws)).await?;
        let [worker_queue, service_queue] = [aws.sqs().create_queue(WORKER)?, aws.sqs().create_queue(SERVICE)?];
        let file = |name: &str, text: String| -> Result<String> {
            let path = bed.logs().join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path.to_str().context("the log folder's name is not UTF-8")?.to_owned())
        };
        let objects = file("objects.yaml", objects(&worker_queue, &service_queue))?;
        let scene = Self { bed, aws, kube, operator: Some(operator), objects };
        scene.kubectl(&["apply", "--filename", &file("deployment.yaml", deployment())?]).await?;
        scene.create_service()?;
        timeout(PATIENCE, scene.up()).await.context("the Deployment and the ECS service do not come up")??;
        Ok(scene)
    }

    /// The operator.
    ///
    /// # Errors
    ///
    /// It is stopped.
    pub(super) fn operator(&self) -> Result<&Operator> {
        self.operator.as_ref().context("the operator is stopped")
    }

    /// Makes scalers and budget anew: without a status, as just applied.
    ///
    /// # Errors
    ///
    /// The API server refuses.
    pub(super) async fn renew(&self) -> Result<()> {
        self.kubectl(&["delete", "--ignore-not-found", "--filename", &self.objects]).await?;
        self.kubectl(&["apply", "--filename", &self.objects]).await
    }

    fn create_service(&self) -> Result<()> {
        let ecs = self.aws.ecs();
        ecs.call("CreateCluster", json!({"clusterName": CLUSTER}))?;
        let container = json!({"name": "app", "image": "simulated", "stopTimeout": 2});
        ecs.call("RegisterTaskDefinition", json!({"family": SERVICE, "containerDefinitions": [container]}))?;
        let service = json!({
            "cluster": CLUSTER,
            "serviceName": SERVICE,
            "taskDefinition": SERVICE,
            "desiredCount": MIN_REPLICAS,
            "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 50},
        });
        ecs.call("CreateService", service)?;
        Ok(())
    }

    async fn up(&self) -> Result<()> {
        let least = u32::from(MIN_REPLICAS);
        self.aws.ecs().until(CLUSTER, SERVICE, |counts| counts.running == least).await?;
        let deployments = Api::namespaced(self.kube.clone(), &self.bed.namespace);
        let ready = |deployment: Option<&Deployment>| deployment.is_some_and(|it| runs(it, MIN_REPLICAS));
        await_condition(deployments, WORKER, ready).await?;
        Ok(())
    }

    async fn kubectl(&self, args: &[&str]) -> Result<()> {
        let args = ["--namespace", &self.bed.namespace].into_iter().chain(args.iter().copied());
        let output = self.bed.control_plane.kubectl(args).await?;
        ensure!(output.status.success(), "kubectl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// Whether exactly `replicas` pods are there, all of them ready.
pub(super) fn runs(deployment: &Deployment, replicas: u8) -> bool {
    let replicas = Some(i32::from(replicas));
    deployment.status.as_ref().is_some_and(|status| status.ready_replicas == replicas && status.replicas == replicas)
}

/// The chart's values, as JSON, which is YAML.
pub(super) fn values(namespace: &str, aws: &Aws) -> String {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    json!({
        "config": {
            "aws": {"endpointUrl": aws.endpoint()},
            "trust": [{
                "namespaces": [namespace],
                "queues": [format!("arn:aws:sqs:{REGION}:{ACCOUNT}:*")],
                "ecsServices": [format!("{REGION}/{CLUSTER}/{SERVICE}")],
            }],
        },
        "env": [
            variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ],
    })
    .to_string()
}

fn deployment() -> String {
    format!(
        r"
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {WORKER}}}
spec:
  replicas: {MIN_REPLICAS}
  selector: {{matchLabels: {{app: {WORKER}}}}}
  strategy: {{rollingUpdate: {{maxSurge: 0, maxUnavailable: 1}}}}
  template:
    metadata: {{labels: {{app: {WORKER}}}}}
    spec: {{containers: [{{name: worker, image: none}}]}}
"
    )
}

/// Both scalers and their budget, which is never what limits them. Without cooldowns, since these would be what is measured.
fn objects(worker_queue: &str, service_queue: &str) -> String {
    let deployment = format!("{{apiVersion: apps/v1, kind: Deployment, name: {WORKER}}}");
    let service = format!("{{ecs: {{cluster: {CLUSTER}, service: {SERVICE}, region: {REGION}}}}}");
    let scalers =
        [(WORKER, deployment, worker_queue), (SERVICE, service, service_queue)].map(|(name, target, queue)| {
            format!(
                r#"
apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata: {{name: {name}}}
spec:
  targetRef: {target}
  minReplicas: {MIN_REPLICAS}
  maxReplicas: 20
  pollIntervalSeconds: {POLL_SECONDS}
  triggers: [{{name: backlog, sqs: {{queueUrl: "{queue}", region: {REGION}, messagesPerReplica: 1}}}}]
  behavior: {{scaleUp: {{cooldownSeconds: 0}}, scaleDown: {{cooldownSeconds: 0}}}}
  connections: [{{budgetRef: {{name: db}}, perReplica: 10, rolloutReserve: Surge}}]
"#
            )
        });
    let budget = r"
apiVersion: hybridscaler.dev/v1alpha1
kind: ConnectionBudget
metadata: {name: db}
spec: {capacity: {static: 1000}, reserve: {connections: 10}}
";
    format!("{}---{budget}", scalers.join("---"))
}
