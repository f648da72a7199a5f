//! What the tests of the operator have in common: a cluster with the operator installed as the chart does it, and a served AWS.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use hybridscaler::api::{
    ConnectionBudget, HybridScaler,
    decision::DecisionRecord,
    rbac::{self, ServiceAccount},
};
use hybridscaler_e2e::{
    bed::Bed,
    operator::{Operator, RELEASE, replay},
};
use hybridscaler_e2e_aws::{ACCESS_KEY_ID, ACCOUNT, Aws, REGION, SECRET_ACCESS_KEY, Timing};
use k8s_openapi::api::{apps::v1::Deployment, events::v1::Event};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    core::NamespaceResourceScope,
    discovery::{ApiResource, pinned_kind},
    runtime::wait::await_condition,
};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

/// CRDs and cluster roles belong to the control plane, which all tests here share: they take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// The longest that anything awaited here may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A value of CPU is read when its minute is over.
const CLOUDWATCH_PERIOD: Duration = Duration::from_mins(1);

/// A cluster with an operator that may use everything in [`Aws`] from the test's namespace.
pub(crate) struct World {
    pub(crate) operator: Option<Operator>,
    pub(crate) aws: Arc<Aws>,
    pub(crate) client: Client,
    pub(crate) bed: Bed,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    pub(crate) async fn enter(label: &str) -> Self {
        let turn = TURN.lock().await;
        let bed = Bed::shared(label).await.unwrap();
        let aws = Arc::new(Aws::start().await.unwrap());
        let client = bed.control_plane.admin().await.unwrap();
        // What an earlier test left would be this test's operator's work too.
        remove_all::<HybridScaler>(&client).await;
        remove_all::<ConnectionBudget>(&client).await;
        let operator = Operator::install(&bed, &values(&bed, &aws, "127.0.0.1:*")).await.unwrap();
        Self { operator: Some(operator), aws, client, bed, _turn: turn }
    }

    /// Ends the operator and makes every decision of its life again: byte for byte as it was recorded. All of them.
    pub(crate) async fn made_again(&mut self) -> Vec<DecisionRecord> {
        self.operator.take().unwrap().stop().await.unwrap();
        let record = record(&self.bed);
        let made: Vec<DecisionRecord> =
            std::fs::read_to_string(&record).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said = replay(&record).await.unwrap();
        assert_eq!(said, format!("{} decisions made again, each as it was recorded", made.len()));
        made
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.bed.namespace
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.bed.namespace)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let keys = Credentials::from_keys(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None);
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(keys)
            .endpoint_url(self.aws.endpoint())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// Makes the objects in `yaml`, in the test's namespace, as `kubectl apply --server-side` would.
    pub(crate) async fn apply(&self, yaml: &str) {
        for document in serde_saphyr::from_multiple::<serde_json::Value>(yaml).unwrap() {
            let object: DynamicObject = serde_json::from_value(document).unwrap();
            let resource = self.resource(&object).await;
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), self.namespace(), &resource);
            let params = PatchParams::apply("test").force();
            api.patch(&object.name_any(), &params, &Patch::Apply(&object)).await.unwrap();
        }
    }

    async fn resource(&self, object: &DynamicObject) -> ApiResource {
        let types = object.types.as_ref().unwrap();
        pinned_kind(&self.client, &types.try_into().unwrap()).await.unwrap().0
    }

    /// A queue with `messages` in it; its URL.
    pub(crate) fn queue(&self, name: &str, messages: usize) -> String {
        let url = self.aws.sqs().create_queue(name).unwrap();
        (0..messages).for_each(|_| self.aws.sqs().send(name, "work").unwrap());
        url
    }

    /// A Deployment whose pods the simulated kubelets run at once.
    pub(crate) async fn deployment(&self, name: &str, replicas: u32) {
        self.apply(&format!(
            r"
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  strategy: {{rollingUpdate: {{maxSurge: 0, maxUnavailable: 1}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: worker, image: none}}]}}
"
        ))
        .await;
    }

    /// An ECS service in cluster `prod` whose tasks start and stop at once.
    pub(crate) async fn service(&self, name: &str, desired: u32) {
        let ecs = self.aws.ecs();
        ecs.set_timing(Timing::default());
        let container = json!({"name": "app", "image": "simulated", "stopTimeout": 2});
        ecs.call("CreateCluster", json!({"clusterName": "prod"})).unwrap();
        ecs.call("RegisterTaskDefinition", json!({"family": name, "containerDefinitions": [container]})).unwrap();
        let service = json!({
            "cluster": "prod",
            "serviceName": name,
            "taskDefinition": name,
            "desiredCount": desired,
            "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 50},
        });
        ecs.call("CreateService", service).unwrap();
        self.running(name, desired).await;
    }

    /// Waits until so many tasks of the service run, and it is told to run no other number.
    pub(crate) async fn running(&self, name: &str, tasks: u32) {
        let settled = self.aws.ecs().until("prod", name, |counts| counts.running == tasks && counts.desired == tasks);
        let in_time = tokio::time::timeout(PATIENCE + CLOUDWATCH_PERIOD, settled).await;
        assert!(in_time.is_ok(), "not {tasks} tasks: {:?}", self.aws.ecs().counts("prod", name));
    }

    /// Waits until the scaler is as `wanted` says; the error shows what it was instead.
    pub(crate) async fn scaler(&self, name: &str, wanted: impl Fn(&HybridScaler) -> bool) -> HybridScaler {
        until(self.api(), name, wanted).await
    }

    /// Waits until the budget is as `wanted` says.
    pub(crate) async fn budget(&self, name: &str, wanted: impl Fn(&ConnectionBudget) -> bool) -> ConnectionBudget {
        until(self.api(), name, wanted).await
    }

    /// Makes a Secret with a database's `url`, and lets the operator read it.
    pub(crate) async fn secret(&self, name: &str, url: &str) {
        self.apply(&secret(name, url)).await;
        let operator = ServiceAccount { namespace: self.namespace().to_owned(), name: RELEASE.to_owned() };
        self.apply(&rbac::read_secret(self.namespace(), name, &operator).to_string()).await;
    }

    /// Waits until the Deployment is as `wanted` says.
    pub(crate) async fn deployed(&self, name: &str, wanted: impl Fn(&Deployment) -> bool) -> Deployment {
        until(self.api(), name, wanted).await
    }

    /// Waits until the Deployment has `replicas`, all of them ready.
    pub(crate) async fn ready(&self, name: &str, replicas: i32) {
        until::<Deployment>(self.api(), name, |deployment| {
            deployment.status.as_ref().and_then(|status| status.ready_replicas) == Some(replicas)
                && deployment.spec.as_ref().and_then(|spec| spec.replicas) == Some(replicas)
        })
        .await;
    }

    /// The notes of all events about `name` with this reason.
    pub(crate) async fn notes(&self, name: &str, reason: &str) -> Vec<String> {
        let events = self.api::<Event>().list(&ListParams::default()).await.unwrap();
        let about = |event: &&Event| {
            event.reason.as_deref() == Some(reason)
                && event.regarding.as_ref().and_then(|regarding| regarding.name.as_deref()) == Some(name)
        };
        events.items.iter().filter(about).filter_map(|event| event.note.clone()).collect()
    }
}

/// A Secret with a database's `url`.
pub(crate) fn secret(name: &str, url: &str) -> String {
    format!("{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}, stringData: {{url: {url:?}}}}}")
}

/// Deletes every object of a kind, if the kind is known yet.
async fn remove_all<K>(client: &Client)
where
    K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let Ok(all) = Api::<K>::all(client.clone()).list(&ListParams::default()).await else { return };
    for object in all {
        let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap());
        api.delete(&object.name_any(), &DeleteParams::default()).await.unwrap();
    }
}

async fn until<K>(api: Api<K>, name: &str, wanted: impl Fn(&K) -> bool) -> K
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + serde::Serialize + Send + 'static,
{
    let condition = |object: Option<&K>| object.is_some_and(&wanted);
    if let Ok(object) = tokio::time::timeout(PATIENCE, await_condition(api.clone(), name, condition)).await {
        return object.unwrap().unwrap();
    }
    let object = serde_json::to_value(api.get_opt(name).await.unwrap()).unwrap();
    panic!("{name}, {PATIENCE:?} later: {:#}", object.pointer("/status").unwrap_or(&object));
}

/// The file of the operator's decisions, among the logs of all tests here.
fn record(bed: &Bed) -> PathBuf {
    bed.logs().join(format!("decisions-{}.jsonl", bed.namespace))
}

/// The chart's values: everything in `aws` may be used from `namespace`, and databases on `hosts`.
pub(crate) fn values(bed: &Bed, aws: &Aws, hosts: &str) -> String {
    let (namespace, endpoint) = (&bed.namespace, aws.endpoint());
    let record = record(bed);
    let record = record.display();
    format!(
        r#"
log: {{format: text, filter: "info,hybridscaler=debug"}}
env:
  - {{name: AWS_ACCESS_KEY_ID, value: {ACCESS_KEY_ID}}}
  - {{name: AWS_SECRET_ACCESS_KEY, value: {SECRET_ACCESS_KEY}}}
  - {{name: HYBRIDSCALER_RECORD, value: "{record}"}}
config:
  aws: {{endpointUrl: "{endpoint}"}}
  trust:
    - namespaces: ["{namespace}"]
      queues: ["arn:aws:sqs:{REGION}:{ACCOUNT}:*"]
      ecsServices: ["{REGION}/prod/*"]
      databaseHosts: ["{hosts}"]
"#
    )
}

/// The status and reason of a condition, as `Type=Status/Reason`.
pub(crate) fn condition(scaler: &HybridScaler, type_: &str) -> String {
    let mut conditions = scaler.status.iter().flat_map(|status| &status.conditions);
    let of_type = conditions.find(|condition| condition.type_ == type_);
    of_type.map(|condition| format!("{type_}={}/{}", condition.status, condition.reason)).unwrap_or_default()
}
