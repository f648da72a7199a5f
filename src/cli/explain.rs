//! `hybridscaler explain`: what the operator last decided for a scaler, and why, from its status in the cluster.

mod page;
mod paint;

use std::{
    io::{self, IsTerminal, Write},
    str::FromStr,
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::Serialize;

use self::{page::Page, paint::Paint};
use crate::api::{HybridScaler, HybridScalerStatus, Mode, yaml::likely};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The scaler; without a namespace, in that of the kubeconfig's context.
    #[arg(value_name = "[NAMESPACE/]NAME")]
    scaler: Name,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    /// The context of the kubeconfig; the current one by default.
    #[arg(long)]
    context: Option<String>,
}

/// A form in which an explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people: conditions, triggers, the last decision, cooldowns.
    Text,
    /// For programs: the status as it is stored, in which `decision` has each step that the words tell.
    Json,
    /// The same as YAML.
    Yaml,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    namespace: Option<String>,
    name: String,
}

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if name.is_empty() || name.contains('/') || namespace.is_some_and(str::is_empty) {
            return Err("write NAMESPACE/NAME, or NAME for one in the namespace of the context");
        }
        Ok(Self { namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

/// What programs get.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    namespace: &'a str,
    name: &'a str,
    target: String,
    mode: Mode,
    generation: Option<i64>,
    status: Option<&'a HybridScalerStatus>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let Args { scaler: Name { namespace, name }, output, context } = args;
    // One TLS provider for every connection; a second installation is no fault.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let scaler = runtime.block_on(async {
        let config = config(context.as_deref()).await?;
        let namespace = namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).context("cannot use the kubeconfig")?;
        read(&Api::namespaced(client, &namespace), &namespace, name).await
    })?;
    print(&scaler, *output)
}

async fn config(context: Option<&str>) -> anyhow::Result<kube::Config> {
    let Some(context) = context else {
        return kube::Config::infer().await.context("no cluster: neither a kubeconfig nor a ServiceAccount");
    };
    let kubeconfig = Kubeconfig::read().context("cannot read the kubeconfig")?;
    let contexts: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    if !contexts.contains(&context) {
        bail!("the kubeconfig has no context {context:?}: {}", likely(context, &contexts));
    }
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.context("cannot use the kubeconfig")
}

/// Reads a scaler, or says which ones there are.
async fn read(api: &Api<HybridScaler>, namespace: &str, name: &str) -> anyhow::Result<HybridScaler> {
    if let Some(scaler) = api.get_opt(name).await.with_context(|| format!("cannot read {namespace}/{name}"))? {
        return Ok(scaler);
    }
    let listed = api.list_metadata(&ListParams::default()).await;
    let listed = match listed {
        Err(kube::Error::Api(status)) if status.code == 404 => {
            bail!("the cluster does not know the kind HybridScaler: apply the files in crds/")
        }
        listed => {
            listed.with_context(|| format!("{namespace}/{name} is not found, and what is there cannot be listed"))?
        }
    };
    let names: Vec<String> = listed.iter().map(ResourceExt::name_any).collect();
    if names.is_empty() {
        bail!("HybridScaler {name:?} not found: namespace {namespace:?} has none, name another one");
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bail!("HybridScaler {name:?} not found in namespace {namespace:?}: {}", likely(name, &names))
}

fn print(scaler: &HybridScaler, format: Format) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let (namespace, name) = (scaler.namespace().unwrap_or_default(), scaler.name_any());
    let document = Document {
        namespace: &namespace,
        name: &name,
        target: target(scaler),
        mode: scaler.spec.mode,
        generation: scaler.metadata.generation,
        status: scaler.status.as_ref(),
    };
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &document)?;
            writeln!(out)?;
        }
        Format::Yaml => out.write_all(serde_saphyr::to_string(&document)?.as_bytes())?,
        Format::Text => {
            let colored = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let paint = if colored { Paint::Colored } else { Paint::Plain };
            write!(out, "{}", Page { scaler, now: Timestamp::now(), paint })?;
        }
    }
    Ok(())
}

/// What is scaled, in words.
fn target(scaler: &HybridScaler) -> String {
    scaler.spec.target_ref.target().map_or_else(|error| error.to_string(), |target| target.to_string())
}
