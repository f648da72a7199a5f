//! The HTTPS server behind the `APIService` objects.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::super::keys::KeyPair;
use super::{Cpu, Said, WINDOW};

/// A client that opens a connection and says nothing must not keep the others waiting.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Server {
    client: Client,
    said: Arc<Mutex<Said>>,
}

/// Serves until it is aborted.
///
/// # Errors
/// When the keys cannot be used.
pub(super) fn serve(
    tcp: TcpListener,
    keys: &KeyPair,
    client: Client,
    said: Arc<Mutex<Said>>,
) -> Result<JoinHandle<()>> {
    let certificate = CertificateDer::from_pem_file(&keys.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&keys.key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let listener = Tls { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
    let server = Server { client, said };
    let routes = Router::new()
        .route("/apis/metrics.k8s.io/v1beta1", get(async || resources("metrics.k8s.io", "pods", "PodMetrics")))
        .route("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", get(pod_metrics))
        .route(
            "/apis/external.metrics.k8s.io/v1beta1",
            get(async || resources("external.metrics.k8s.io", "*", "External")),
        )
        .route("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", get(external_metric))
        .layer(middleware::from_fn_with_state(server.clone(), unless_away))
        .with_state(server);
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::warn!(%error, "the metrics APIs are served no more");
        }
    }))
}

impl Server {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn unless_away(State(server): State<Server>, request: Request, next: Next) -> Response {
    if server.said().away {
        return (StatusCode::SERVICE_UNAVAILABLE, "away").into_response();
    }
    next.run(request).await
}

/// What discovery asks a group for.
fn resources(group: &str, name: &str, kind: &str) -> Json<Value> {
    Json(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/v1beta1"),
        "resources": [{"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list"]}],
    }))
}

/// The selected pods that were measured.
async fn pod_metrics(
    State(server): State<Server>,
    Path(namespace): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, Response> {
    let params = ListParams::default().labels(query.get("labelSelector").map_or("", String::as_str));
    let pods = Api::<Pod>::namespaced(server.client.clone(), &namespace).list(&params).await;
    let pods = pods.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())?.items;
    let metrics = |(name, milli, window): (String, u64, Duration)| {
        json!({
            "metadata": {"name": name, "namespace": namespace},
            "timestamp": Timestamp::now(), "window": format!("{}s", window.as_secs()),
            "containers": [{"name": "app", "usage": {"cpu": format!("{milli}m"), "memory": "64Mi"}}],
        })
    };
    let measured = measured(&server.said().cpu, &pods);
    Ok(list("metrics.k8s.io", "PodMetricsList", &measured.into_iter().map(metrics).collect::<Vec<_>>()))
}

/// Each measured pod's name, its use in thousandths of a CPU, and the time that it was measured over.
fn measured(cpu: &Cpu, pods: &[Pod]) -> Vec<(String, u64, Duration)> {
    match cpu {
        Cpu::Together(milli) => {
            let runs = |pod: &&Pod| {
                let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
            };
            let running: Vec<_> = pods.iter().filter(runs).collect();
            let share = milli.checked_div(running.len().try_into().unwrap_or(u64::MAX)).unwrap_or_default();
            running.into_iter().map(|pod| (pod.name_any(), share, Duration::from_secs(1))).collect()
        }
        Cpu::Each(uses) => {
            let each = pods.iter().map(ResourceExt::name_any);
            each.filter_map(|name| uses.get(&name).map(|milli| (name, *milli, WINDOW))).collect()
        }
    }
}

/// The series of a metric that have all labels of the selector.
async fn external_metric(
    State(server): State<Server>,
    Path((_, metric)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    let wanted = query.get("labelSelector").map_or("", String::as_str);
    let wanted: Vec<_> = wanted.split(',').filter_map(|label| label.split_once('=')).collect();
    let said = server.said();
    let series = said.series.iter().filter(|series| {
        let has = |(name, value): &(&str, &str)| series.labels.get(*name).is_some_and(|label| label == value);
        series.metric == metric && wanted.iter().all(has)
    });
    let values = series.map(|series| {
        json!({
            "metricName": metric, "metricLabels": series.labels, "timestamp": Timestamp::now(), "value": series.value,
        })
    });
    list("external.metrics.k8s.io", "ExternalMetricValueList", &values.collect::<Vec<_>>())
}

fn list(group: &str, kind: &str, items: &[Value]) -> Json<Value> {
    Json(json!({"kind": kind, "apiVersion": format!("{group}/v1beta1"), "metadata": {}, "items": items}))
}

/// Accepts connections and their TLS, one after the other.
struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.tcp).await;
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_WITHIN, self.acceptor.accept(stream)).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
