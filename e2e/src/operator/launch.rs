//! How the operator's process is started and probed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1 as api;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::bed::port;

/// What to run, and how to tell that it works.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The arguments, after the program.
    pub args: Vec<String>,
    /// The whole environment: as in a container, nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// Where it will serve.
    pub address: SocketAddr,
    /// When it may be relied on.
    pub readiness: Probe,
    /// Whether it lives.
    pub liveness: Probe,
}

impl Launch {
    /// A controller without a chart: the identity of `kubeconfig`, the configuration in `config`, text logs.
    ///
    /// # Errors
    /// When no port is free.
    pub fn controller(kubeconfig: &Path, config: &Path) -> Result<Self> {
        let address = free_address()?;
        let args = ["controller", "--log-format", "text", "--listen", &address.to_string(), "--config"];
        let mut args: Vec<_> = args.map(str::to_owned).into();
        args.push(config.display().to_string());
        let env = [("KUBECONFIG", kubeconfig.display().to_string()), ("RUST_LOG", "info".to_owned())];
        Ok(Self {
            args,
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            address,
            readiness: Probe::get("/readyz"),
            liveness: Probe::get("/healthz"),
        })
    }

    /// Sets one more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
}

/// A free port on loopback.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, port::reserve().context("no port is free")?).into())
}

/// An HTTP probe, with the fields and defaults of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The path to get; any status from 200 to 399 is a success.
    pub path: String,
    /// From one attempt to the next.
    pub period: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// This many failures in a row count as failed.
    pub failure_threshold: u32,
}

impl Probe {
    fn get(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            period: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            failure_threshold: 3,
        }
    }

    /// The probe that a container asks for on `port`, which it may name.
    ///
    /// # Errors
    /// When it is not a plain HTTP probe of that port.
    pub(super) fn of(probe: Option<&api::Probe>, port: &api::ContainerPort) -> Result<Self> {
        let probe = probe.context("it is missing")?;
        let http = probe.http_get.as_ref().context("it is not an httpGet")?;
        let named = match &http.port {
            IntOrString::Int(number) => *number == port.container_port,
            IntOrString::String(name) => port.name.as_ref() == Some(name),
        };
        anyhow::ensure!(named, "its port is not the container's");
        let seconds = |value: Option<i32>, default: u32| -> Result<u32> {
            value.map_or(Ok(default), |value| u32::try_from(value).with_context(|| format!("{value} is negative")))
        };
        Ok(Self {
            path: http.path.clone().unwrap_or_else(|| "/".to_owned()),
            period: Duration::from_secs(seconds(probe.period_seconds, 10)?.into()),
            timeout: Duration::from_secs(seconds(probe.timeout_seconds, 1)?.into()),
            failure_threshold: seconds(probe.failure_threshold, 3)?,
        })
    }
}
