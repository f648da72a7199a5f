//! `hybridscaler controller`: runs the operator until SIGTERM or SIGINT.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{config::OperatorConfig, rbac::ServiceAccount},
    controller,
    databases::Roots,
    record::Recorder,
    telemetry::logs,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The operator's configuration: what may be scaled, and who may use which roles, queues, services and database hosts.
    #[arg(long, env = "HYBRIDSCALER_CONFIG")]
    config: PathBuf,
    /// The certificate authorities that databases' certificates come from, a PEM file, such as Amazon RDS's bundle; read at
    /// start. Without it: those of the machine.
    #[arg(long, env = "HYBRIDSCALER_DATABASE_CA_FILE", value_name = "FILE")]
    database_ca_file: Option<PathBuf>,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    #[arg(long, env = "HYBRIDSCALER_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// How log lines are written; their level is set by `RUST_LOG`.
    #[arg(long, env = "HYBRIDSCALER_LOG_FORMAT", value_enum, default_value = "json")]
    log_format: logs::Format,
    /// The namespace we run in, for the Roles that conditions print.
    #[arg(long, env = "POD_NAMESPACE", default_value = "hybridscaler-system")]
    namespace: String,
    /// The ServiceAccount we run as, for the Roles that conditions print.
    #[arg(long, env = "POD_SERVICE_ACCOUNT", default_value = "hybridscaler")]
    service_account: String,
    /// Record every decision in this file, one line of JSON each, for `hybridscaler decide --replay`.
    #[arg(long, env = "HYBRIDSCALER_RECORD", value_name = "FILE")]
    record: Option<PathBuf>,
    /// The most that the record may take, in MiB, 2 to 65536: half of it in FILE, the older half in FILE.1.
    #[arg(long, env = "HYBRIDSCALER_RECORD_LIMIT", value_name = "MIB", default_value_t = 64, requires = "record",
        value_parser = clap::value_parser!(u64).range(2..=65_536))]
    record_limit: u64,
}

const MIB: u64 = 1024 * 1024;

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let Args { config, database_ca_file, listen, log_format, namespace, service_account, record, record_limit } = args;
    logs::init(log_format)?;
    let text = std::fs::read_to_string(&config).with_context(|| format!("cannot read {}", config.display()))?;
    let config = OperatorConfig::parse(&text).with_context(|| config.display().to_string())?;
    let database_roots = database_ca_file.as_deref().map_or_else(|| Ok(Roots::of_machine()), Roots::of_file)?;
    let (recorder, recording) = match &record {
        None => (Recorder::default(), None),
        Some(path) => {
            let started = Recorder::start(path, record_limit.saturating_mul(MIB));
            let (recorder, recording) = started.with_context(|| format!("cannot record in {}", path.display()))?;
            (recorder, Some(recording))
        }
    };
    // One TLS provider for the cluster, AWS and the databases; a second installation is no fault.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ran = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone())?);
        let kube = kube::Config::infer().await.context("no cluster: neither a kubeconfig nor a ServiceAccount")?;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let account = ServiceAccount { namespace, name: service_account };
        controller::run(controller::Options { kube, config, account, database_roots, listener, recorder }, stop)
            .await?;
        tracing::info!("stopped in order");
        Ok(())
    });
    // A host name that is still being looked up would keep us waiting for its thread.
    runtime.shutdown_background();
    if let Some(recording) = recording {
        recording.end();
    }
    ran
}

fn cancel_on_signal(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    })
}
