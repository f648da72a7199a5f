//! The operator as the chart runs it.
//!
//! The simulated kubelets call any image healthy and run none. So the pod that the chart made on the API server is
//! carried out here, as a process: its arguments and environment, its `ConfigMap` as files, its `ServiceAccount`'s token, and
//! its probes. Paths and the port differ from the container's, nothing else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::bed::Bed;
use crate::bed::process::{Process, Signal, supervised};

mod binary;
pub mod http;
pub mod launch;
mod pod;
mod record;

pub use binary::locate as binary;
pub use launch::{Launch, Probe};
pub use record::replay;

/// The chart, as it lies in the repository.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/hybridscaler");

/// The Helm release that [`Operator::install`] makes: its `ServiceAccount` has this name too.
pub const RELEASE: &str = "hybridscaler";

/// How long the operator may take from SIGTERM to its end.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How long the operator may take from its start until it is ready.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// A running operator. Dropping it kills it.
#[derive(Debug)]
pub struct Operator {
    process: Process,
    launch: Launch,
    /// Each time that a kubelet would have restarted it: the answer to the last liveness probe, in words.
    restarts: Arc<Mutex<Vec<String>>>,
    probing: JoinHandle<()>,
}

impl Operator {
    /// Installs the chart into the bed's namespace, or upgrades it, with `values` (YAML) over its own, and runs the pod
    /// that comes of it until it is ready. The process does not follow the pod: an upgrade takes another `install`.
    ///
    /// CRDs and cluster roles belong to the control plane: on a shared one, tests with an operator take turns.
    ///
    /// # Errors
    /// When Helm fails, when the pod asks for something that cannot be carried out, or when the operator does not get
    /// ready; the end of its log is part of the message.
    pub async fn install(bed: &Bed, values: &str) -> Result<Self> {
        let file = bed.logs().join("operator-values.yaml");
        fs::write(&file, values).with_context(|| format!("cannot write {}", file.display()))?;
        let file = file.to_str().context("the log folder's name is not UTF-8")?;
        let upgrade = ["upgrade", "--install", RELEASE, CHART, "--namespace", &bed.namespace, "--values", file];
        // What an earlier test left of the chart may be in another namespace's name.
        let options = ["--take-ownership", "--wait", "--timeout=60s"];
        let output = bed.control_plane.helm(upgrade.into_iter().chain(options)).await?;
        ensure!(output.status.success(), "helm upgrade: {}", String::from_utf8_lossy(&output.stderr));

        let client = bed.control_plane.admin().await?;
        let pod = the_pod(&client, &bed.namespace).await?;
        let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or("default");
        let kubeconfig = bed.control_plane.service_account_kubeconfig(&bed.namespace, account).await?;
        let launch = pod::launch(&client, &pod, &kubeconfig, &bed.logs().join("operator-files"))
            .await
            .with_context(|| format!("cannot run pod {} as a process", pod.name_any()))?;
        Self::start(bed, "operator", launch).await
    }

    /// Starts the operator's binary and waits until its readiness probe succeeds; from then on the liveness probe is
    /// asked at its own pace. Its output goes to `NAME.log`, after what an earlier process of the name wrote.
    ///
    /// # Errors
    /// When the binary is missing or older than its sources, or when the operator does not get ready.
    pub async fn start(bed: &Bed, name: &str, launch: Launch) -> Result<Self> {
        let mut command = supervised(binary::locate()?);
        command.args(&launch.args).env_clear().envs(&launch.env);
        let process = Process::spawn(name, command, bed.logs())?;
        let Launch { address, readiness, liveness, .. } = launch.clone();
        let ready = async || {
            http::get(address, &readiness.path, readiness.timeout).await.is_ok_and(|answer| answer.is_success())
        };
        process.ready(READY_WITHIN, ready).await?;

        let restarts = Arc::<Mutex<Vec<String>>>::default();
        let probing = tokio::spawn(probe_liveness(address, liveness, Arc::clone(&restarts)));
        Ok(Self { process, launch, restarts, probing })
    }

    /// Where it serves probes and metrics.
    pub fn address(&self) -> SocketAddr {
        self.launch.address
    }

    /// How it was started; a changed copy starts another.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What Prometheus would scrape now.
    ///
    /// # Errors
    /// When the answer is late or is not a success.
    pub async fn metrics(&self) -> Result<String> {
        let answer = http::get(self.address(), "/metrics", Duration::from_secs(5)).await?;
        ensure!(answer.is_success(), "/metrics answered {}: {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// Asks it to end, as a kubelet does, and says how long it took.
    ///
    /// # Errors
    /// When it had ended before, when a kubelet would have restarted it, when it still runs after [`STOP_WITHIN`], or when it
    /// ends with an error.
    pub async fn stop(self) -> Result<Duration> {
        let log = self.log().display();
        if let Some(status) = self.process.exit_status() {
            bail!("the operator ended by itself ({status}); its log is {log}");
        }
        self.probing.abort();
        let restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        ensure!(restarts.is_empty(), "a kubelet would have restarted the operator ({restarts}); its log is {log}");
        let began = Instant::now();
        self.process.signal(Signal::TERM)?;
        let status = timeout(STOP_WITHIN, self.process.wait())
            .await
            .with_context(|| format!("the operator still runs {STOP_WITHIN:?} after SIGTERM; its log is {log}"))??;
        ensure!(status.success(), "the operator ended with {status} after SIGTERM; its log is {log}");
        Ok(began.elapsed())
    }

    /// Ends it at once, as the loss of a node would.
    ///
    /// # Errors
    /// When its end cannot be observed.
    pub async fn kill(self) -> Result<()> {
        self.process.signal(Signal::KILL)?;
        self.process.wait().await.map(drop)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.probing.abort();
    }
}

/// Asks the liveness probe at its own pace, for ever; notes each time that it failed as often in a row as is too often.
async fn probe_liveness(address: SocketAddr, probe: Probe, restarts: Arc<Mutex<Vec<String>>>) {
    let mut failed = 0;
    loop {
        sleep(probe.period).await;
        let failure = match http::get(address, &probe.path, probe.timeout).await {
            Ok(answer) if answer.is_success() => {
                failed = 0;
                continue;
            }
            Ok(answer) => format!("{}: {}", answer.status, answer.body.trim_end()),
            Err(error) => format!("{error:#}"),
        };
        failed += 1;
        if failed == probe.failure_threshold {
            failed = 0;
            restarts.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        }
    }
}

/// The one pod of the release that runs and is not on its way out.
async fn the_pod(client: &Client, namespace: &str) -> Result<Pod> {
    let pods = Api::<Pod>::namespaced(client.clone(), namespace);
    let labels = format!("app.kubernetes.io/name=hybridscaler,app.kubernetes.io/instance={RELEASE}");
    let mut running = pods.list(&ListParams::default().labels(&labels)).await?.items;
    running.retain(|pod| {
        pod.metadata.deletion_timestamp.is_none()
            && pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
    });
    match <[Pod; 1]>::try_from(running) {
        Ok([pod]) => Ok(pod),
        Err(pods) => bail!("the release has {} running pods, not one", pods.len()),
    }
}
