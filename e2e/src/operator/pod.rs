//! A pod as a process: what a kubelet would have done with its spec, on loopback and without a container.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVar, Pod, PodSpec, Volume, VolumeMount};
use kube::{Api, Client, ResourceExt};

use super::launch::{Launch, Probe, free_address};

/// Where a pod finds its `ServiceAccount`'s token. The process has a kubeconfig instead.
const TOKEN_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Writes the pod's `ConfigMap` volumes below `folder`, anew, and says how to start its one container.
///
/// # Errors
/// When the spec holds what this does not carry out: better to stop than to run something else than the chart says.
pub(super) async fn launch(client: &Client, pod: &Pod, kubeconfig: &Path, folder: &Path) -> Result<Launch> {
    let spec = pod.spec.as_ref().context("the pod has no spec")?;
    let [container] = spec.containers.as_slice() else {
        bail!("the pod has {} containers, not one", spec.containers.len())
    };
    ensure!(container.command.is_none() && container.env_from.is_none(), "the container has a command or envFrom");
    let ports = container.ports.as_deref().unwrap_or_default();
    let [port] = ports else { bail!("the container has {} ports, not one", ports.len()) };

    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let mut mounts = Mounts::default();
    for mount in container.volume_mounts.iter().flatten().filter(|mount| mount.mount_path != TOKEN_MOUNT) {
        let at = folder.join(mount.mount_path.trim_start_matches('/'));
        write_volume(client, pod, volume(spec, mount)?, &at).await.with_context(|| format!("volume {}", mount.name))?;
        mounts.0.push((mount.mount_path.clone(), at));
    }
    let address = free_address()?;
    let translate = |arg: &String| {
        if listens(arg, port.container_port) { address.to_string() } else { mounts.rewrite(arg) }
    };
    let mut env = environment(pod, container)?;
    env.insert("KUBECONFIG".to_owned(), kubeconfig.display().to_string());
    Ok(Launch {
        args: container.args.iter().flatten().map(translate).collect(),
        env,
        address,
        readiness: Probe::of(container.readiness_probe.as_ref(), port).context("the readiness probe")?,
        liveness: Probe::of(container.liveness_probe.as_ref(), port).context("the liveness probe")?,
    })
}

/// Whether an argument tells the program to serve the container's port on all addresses.
fn listens(arg: &str, port: i32) -> bool {
    arg.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_unspecified() && i32::from(address.port()) == port)
}

/// Mount paths, and the folders that stand for them.
#[derive(Default)]
struct Mounts(Vec<(String, PathBuf)>);

impl Mounts {
    /// `arg`, with the folder in the place of the mount path when it names a file below one.
    fn rewrite(&self, arg: &str) -> String {
        let below = |(mount, folder): &(String, PathBuf)| {
            Path::new(arg).strip_prefix(mount).ok().map(|file| folder.join(file).display().to_string())
        };
        self.0.iter().find_map(below).unwrap_or_else(|| arg.to_owned())
    }
}

fn volume<'a>(spec: &'a PodSpec, mount: &VolumeMount) -> Result<&'a Volume> {
    ensure!(mount.sub_path.is_none(), "the mount of {} has a subPath", mount.name);
    let volumes = spec.volumes.iter().flatten();
    volumes
        .into_iter()
        .find(|volume| volume.name == mount.name)
        .with_context(|| format!("there is no volume {}", mount.name))
}

async fn write_volume(client: &Client, pod: &Pod, volume: &Volume, at: &Path) -> Result<()> {
    let source = volume.config_map.as_ref().context("it is not a ConfigMap")?;
    ensure!(source.items.is_none(), "it picks items");
    let maps = Api::<ConfigMap>::namespaced(client.clone(), &pod.namespace().context("the pod has no namespace")?);
    let map = maps.get(&source.name).await?;
    ensure!(map.binary_data.is_none(), "it holds binary data");
    fs::create_dir_all(at)?;
    for (name, text) in map.data.iter().flatten() {
        fs::write(at.join(name), text)?;
    }
    Ok(())
}

fn environment(pod: &Pod, container: &Container) -> Result<BTreeMap<String, String>> {
    let value = |var: &EnvVar| -> Result<String> {
        let Some(source) = &var.value_from else {
            return Ok(var.value.clone().unwrap_or_default());
        };
        let field = source.field_ref.as_ref().context("it is not a fieldRef")?;
        let value = match field.field_path.as_str() {
            "metadata.namespace" => pod.metadata.namespace.clone(),
            "spec.serviceAccountName" => pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone()),
            other => bail!("the field {other} is not known here"),
        };
        value.context("the pod has no such field")
    };
    let vars = container.env.iter().flatten();
    vars.map(|var| Ok((var.name.clone(), value(var).with_context(|| format!("environment variable {}", var.name))?)))
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_address_of_the_containers_port_is_replaced() {
        assert!(listens("0.0.0.0:8080", 8080));
        assert!(listens("[::]:8080", 8080));
        assert!(!listens("0.0.0.0:9090", 8080));
        assert!(!listens("10.0.0.1:8080", 8080));
        assert!(!listens("8080", 8080));
    }

    #[test]
    fn a_path_below_a_mount_leads_to_its_folder_and_no_other_does() {
        let mounts = Mounts(vec![("/etc/hybridscaler".to_owned(), PathBuf::from("/run/files"))]);
        assert_eq!(mounts.rewrite("/etc/hybridscaler/config.yaml"), "/run/files/config.yaml");
        assert_eq!(mounts.rewrite("/etc/hybridscaler-other/config.yaml"), "/etc/hybridscaler-other/config.yaml");
        assert_eq!(mounts.rewrite("--log-format"), "--log-format");
    }

    #[test]
    fn the_environment_is_the_containers_with_fields_of_the_pod() {
        let pod = |env| -> Pod {
            serde_json::from_value(json!({
                "metadata": {"name": "op-1", "namespace": "ops"},
                "spec": {"serviceAccountName": "op", "containers": [{"name": "c", "env": env}]},
            }))
            .unwrap()
        };
        let read = |pod: &Pod| environment(pod, pod.spec.as_ref().unwrap().containers.first().unwrap());
        let field = |path: &str| json!({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}});

        let of = |var: serde_json::Value| read(&pod(json!([var]))).map(|env| env.get("X").cloned().unwrap());
        assert_eq!(of(json!({"name": "X", "value": "info"})).unwrap(), "info");
        assert_eq!(of(field("metadata.namespace")).unwrap(), "ops");
        assert_eq!(of(field("spec.serviceAccountName")).unwrap(), "op");
        let error = of(field("status.podIP")).unwrap_err();
        assert_eq!(format!("{error:#}"), "environment variable X: the field status.podIP is not known here");
        of(json!({"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})).unwrap_err();
    }
}
