//! The metrics APIs of a cluster, as metrics-server and an adapter would serve them: behind `APIService` objects, so the API server
//! authorizes each request before it forwards it. What they say is up to the test.

mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{APIService, APIServiceSpec, ServiceReference};
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::Bed;
use super::keys::Authority;

/// The name of the Service that both APIs are reached through.
const SERVICE: &str = "metrics";
/// The groups that are served, all of them at `v1beta1`.
const GROUPS: [&str; 2] = ["metrics.k8s.io", "external.metrics.k8s.io"];
/// The time that a pod's use was measured over, where each has its own.
pub const WINDOW: Duration = Duration::from_mins(1);
/// Many times what it takes until the API server has found an API.
const PATIENCE: Duration = Duration::from_mins(1);

/// `metrics.k8s.io` and `external.metrics.k8s.io` of a control plane. Both belong to it as a whole, so tests that share one take turns,
/// and [`MetricsApis::remove`] them at their end: an API that is registered but not served hinders every discovery.
#[derive(Debug)]
pub struct MetricsApis {
    said: Arc<Mutex<Said>>,
    services: Api<APIService>,
    _serving: AbortOnDropHandle<()>,
}

/// What the APIs answer.
#[derive(Debug, Default)]
struct Said {
    /// Whether requests are answered with 503.
    away: bool,
    cpu: Cpu,
    series: Vec<Series>,
}

/// What pods use, in thousandths of a CPU.
#[derive(Debug)]
enum Cpu {
    /// So much all pods of one query together that run, in equal shares, measured over a second.
    Together(u64),
    /// So much each, by its name, measured over [`WINDOW`]; others were not measured.
    Each(BTreeMap<String, u64>),
}

impl Default for Cpu {
    fn default() -> Self {
        Self::Together(0)
    }
}

/// One series of an external metric.
#[derive(Clone, Debug)]
struct Series {
    metric: String,
    labels: BTreeMap<String, String>,
    value: String,
}

impl MetricsApis {
    /// Serves and registers both APIs, and waits until the API server forwards to them. No pod uses anything yet, and there is no series.
    ///
    /// # Errors
    /// When the API server does not find them in time.
    pub async fn start(bed: &Bed) -> Result<Self> {
        let client = bed.control_plane.admin().await?;
        let folder = bed.run().data(&format!("metrics-apis-{}", bed.namespace))?;
        let authority = Authority::create(&folder, "metrics-authority")?;
        let keys = authority.issue(SERVICE, &format!("DNS:{SERVICE}.{}.svc", bed.namespace))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = i32::from(listener.local_addr()?.port());
        let said = Arc::<Mutex<Said>>::default();
        let serving = server::serve(listener, &keys, client.clone(), Arc::clone(&said))?;

        // A name instead of endpoints: the API server needs no proxy of the cluster to reach it.
        let service: Service = serde_json::from_value(json!({
            "metadata": {"name": SERVICE}, "spec": {"type": "ExternalName", "externalName": "localhost"},
        }))?;
        Api::namespaced(client.clone(), &bed.namespace).create(&PostParams::default(), &service).await?;
        let authority = std::fs::read(authority.certificate())?;
        let services: Api<APIService> = Api::all(client);
        let apis = Self { said, services, _serving: AbortOnDropHandle::new(serving) };
        for group in GROUPS {
            apis.register(group, &bed.namespace, port, &authority).await?;
        }
        Ok(apis)
    }

    async fn register(&self, group: &str, namespace: &str, port: i32, authority: &[u8]) -> Result<()> {
        let service = APIService {
            metadata: ObjectMeta { name: Some(name(group)), ..ObjectMeta::default() },
            spec: Some(APIServiceSpec {
                group: Some(group.to_owned()),
                version: Some("v1beta1".to_owned()),
                service: Some(ServiceReference {
                    name: Some(SERVICE.to_owned()),
                    namespace: Some(namespace.to_owned()),
                    port: Some(port),
                }),
                ca_bundle: Some(ByteString(authority.to_owned())),
                group_priority_minimum: 100,
                version_priority: 100,
                ..APIServiceSpec::default()
            }),
            status: None,
        };
        let name = name(group);
        self.services.patch(&name, &PatchParams::apply("e2e").force(), &Patch::Apply(&service)).await?;
        let available = await_condition(self.services.clone(), &name, is_available);
        timeout(PATIENCE, available).await.with_context(|| format!("{group} is not available in time"))??;
        Ok(())
    }

    /// From now on all pods of a query use so much CPU together, in thousandths, in equal shares.
    pub fn set_cpu(&self, milli: u64) {
        self.said().cpu = Cpu::Together(milli);
    }

    /// From now on the pods of these names use so much CPU each, in thousandths, and no other was measured.
    pub fn set_cpu_of(&self, pods: impl IntoIterator<Item = (String, u64)>) {
        self.said().cpu = Cpu::Each(pods.into_iter().collect());
    }

    /// From now on the series of `metric` with exactly these labels has this value, a quantity such as `1500m`.
    pub fn set_external(&self, metric: &str, labels: &[(&str, &str)], value: &str) {
        let labels: BTreeMap<_, _> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut said = self.said();
        said.series.retain(|series| series.metric != metric || series.labels != labels);
        said.series.push(Series { metric: metric.to_owned(), labels, value: value.to_owned() });
    }

    /// From now on each request is answered with 503, or no longer so.
    pub fn set_away(&self, away: bool) {
        self.said().away = away;
    }

    /// Takes both APIs back.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn remove(self) -> Result<()> {
        for group in GROUPS {
            self.services.delete(&name(group), &DeleteParams::default()).await?;
        }
        Ok(())
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a group's `APIService`.
fn name(group: &str) -> String {
    format!("v1beta1.{group}")
}

fn is_available(service: Option<&APIService>) -> bool {
    let conditions = service.and_then(|service| service.status.as_ref()?.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Available" && condition.status == "True")
}
