//! A real Kubernetes control plane with two simulated nodes, on loopback.

mod audit;
mod components;
mod kubeconfig;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use kube::{Client, Config};
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

pub use self::audit::{AuditEvent, AuditLog, ObjectRef, ResponseStatus, User};
use self::components::{ADMIN, Layout};
use super::process::Process;
use super::run::Run;
use super::tools::Part;

/// etcd, kube-apiserver (RBAC, aggregation layer and audit log on), kube-controller-manager, kube-scheduler and kwok.
/// Dropping it kills them all.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped in this order: those who talk before those who are talked to.
    _clients: [Process; 3],
    _apiserver: Process,
    _etcd: Process,
    layout: Layout,
    /// Outlives the processes, which write into its folders.
    _run: Arc<Run>,
}

/// For each step of the start: many times what it takes, since the machine may be busy with a build.
const PATIENCE: Duration = Duration::from_mins(2);

/// The simulated nodes, each with room for any number of pods.
const NODES: [&str; 2] = ["node-a", "node-b"];

impl ControlPlane {
    /// Starts all parts and waits until the nodes are ready: some 5 s, once the tools are in the cache. `manager_flags` go to the
    /// kube-controller-manager, after its usual ones.
    ///
    /// # Errors
    /// When a part does not come up; the message quotes its log.
    pub async fn start(run: Arc<Run>, manager_flags: &[&str]) -> Result<Self> {
        let programs = Part::ControlPlane.locate().await?;
        let clients = Part::KubeClients.locate().await?;
        let layout = Layout::create(&run, programs, clients)?;
        let logs = run.logs();

        let etcd = Process::spawn("etcd", layout.etcd(), logs)?;
        etcd.ready(PATIENCE, async || layout.etcd_is_healthy().await).await?;
        let apiserver = Process::spawn("kube-apiserver", layout.apiserver(), logs)?;
        let client = client_from(&layout.kubeconfig(ADMIN)).await?;
        apiserver.ready(PATIENCE, async || is_ready(&client).await).await?;
        let clients = [
            Process::spawn("kube-controller-manager", layout.controller_manager(manager_flags), logs)?,
            Process::spawn("kube-scheduler", layout.scheduler(), logs)?,
            Process::spawn("kwok", layout.kwok(), logs)?,
        ];
        timeout(PATIENCE, create_nodes(&client)).await.context("the nodes are not ready in time: see kwok.log")??;
        Ok(Self { _clients: clients, _apiserver: apiserver, _etcd: etcd, layout, _run: run })
    }

    /// A client that may do everything. It belongs to the Tokio runtime of the caller, so each test asks for its own.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn admin(&self) -> Result<Client> {
        client_from(self.kubeconfig_path()).await
    }

    /// The kubeconfig of the user who may do everything.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.layout.kubeconfig(ADMIN)
    }

    /// Makes a namespace, and waits until pods can be created in it.
    ///
    /// # Errors
    /// When it exists, or does not get its ServiceAccount in time.
    pub async fn create_namespace(&self, name: &str) -> Result<()> {
        let client = self.admin().await?;
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, name);
        let exists = |account: Option<&ServiceAccount>| account.is_some();
        timeout(PATIENCE, await_condition(accounts, "default", exists)).await.with_context(|| {
            format!("namespace {name} gets no default ServiceAccount: see kube-controller-manager.log")
        })??;
        Ok(())
    }

    /// Writes a kubeconfig with a token of an existing ServiceAccount, valid for an hour, and returns its path.
    ///
    /// # Errors
    /// When the ServiceAccount does not exist.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin().await?, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await?;
        let token = answer.status.context("the API server answered a token request without a token")?.token;
        self.layout.write_kubeconfig(&format!("{namespace}.{name}"), &token)
    }

    /// Runs kubectl as the user who may do everything.
    ///
    /// # Errors
    /// When it cannot be run; a failed command is an [`Output`] like any other.
    pub async fn kubectl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Output> {
        self.client_command("kubectl", args).await
    }

    /// Runs helm as the user who may do everything.
    ///
    /// # Errors
    /// When it cannot be run; a failed command is an [`Output`] like any other.
    pub async fn helm<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Output> {
        self.client_command("helm", args).await
    }

    /// Who asked the API server for what since the start.
    pub fn audit_log(&self) -> AuditLog {
        AuditLog { path: self.layout.audit_log() }
    }

    async fn client_command<A: AsRef<OsStr>>(&self, name: &str, args: impl IntoIterator<Item = A>) -> Result<Output> {
        Command::new(self.layout.client(name))
            .args(args)
            .env("KUBECONFIG", self.kubeconfig_path())
            // Both would keep caches and settings in the user's home.
            .env("HOME", self.layout.home())
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("cannot run {name}"))
    }
}

/// A client for the user of a kubeconfig file, in the Tokio runtime of the caller.
///
/// # Errors
/// When the file cannot be read or used.
pub async fn client_from(kubeconfig: impl AsRef<Path>) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    Ok(Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)?)
}

async fn is_ready(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    client.request_text(request).await.is_ok()
}

async fn create_nodes(client: &Client) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    for name in NODES {
        let node = serde_json::from_value(json!({
            "metadata": {
                "name": name,
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
            },
        }))?;
        nodes.create(&PostParams::default(), &node).await?;
    }
    for name in NODES {
        await_condition(nodes.clone(), name, is_node_ready).await?;
    }
    Ok(())
}

fn is_node_ready(node: Option<&Node>) -> bool {
    let conditions = node.and_then(|node| node.status.as_ref()).and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
