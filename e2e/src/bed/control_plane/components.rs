//! The command line of each component, and the files that they share.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::keys::{Authority, KeyPair};
use super::super::process::supervised;
use super::super::run::Run;
use super::super::{port, secret};
use super::kubeconfig;

/// The user who may do everything; also the name of its kubeconfig.
pub(super) const ADMIN: &str = "e2e:admin";
const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
const SCHEDULER: &str = "system:kube-scheduler";
const KWOK: &str = "e2e:kwok";

/// Users with a fixed token, and their group; RBAC's own roles know those without one by name.
const USERS: [(&str, &str); 4] =
    [(ADMIN, "system:masters"), (CONTROLLER_MANAGER, ""), (SCHEDULER, ""), (KWOK, "system:masters")];

/// Where everything is: programs, files, ports.
#[derive(Debug)]
pub(super) struct Layout {
    programs: PathBuf,
    clients: PathBuf,
    data: PathBuf,
    audit_log: PathBuf,
    authority: Authority,
    front_proxy_authority: Authority,
    server: KeyPair,
    front_proxy: KeyPair,
    service_accounts: KeyPair,
    ports: Ports,
}

#[derive(Debug)]
struct Ports {
    etcd: u16,
    etcd_peer: u16,
    apiserver: u16,
    controller_manager: u16,
    scheduler: u16,
    kwok: u16,
}

impl Layout {
    /// Writes all files that the components read.
    pub(super) fn create(run: &Run, programs: PathBuf, clients: PathBuf) -> Result<Self> {
        let data = run.data("control-plane")?;
        let authority = Authority::create(&data, "authority")?;
        // The aggregation layer trusts no certificate of the ordinary authority, or each user could pose as any other.
        let front_proxy_authority = Authority::create(&data, "front-proxy-authority")?;
        let server = authority.issue("kube-apiserver", "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc")?;
        let layout = Self {
            server,
            front_proxy: front_proxy_authority.issue("front-proxy-client", "DNS:front-proxy-client")?,
            service_accounts: authority.issue("service-accounts", "DNS:service-accounts")?,
            authority,
            front_proxy_authority,
            audit_log: run.logs().join("audit.log"),
            ports: Ports {
                etcd: port::reserve()?,
                etcd_peer: port::reserve()?,
                apiserver: port::reserve()?,
                controller_manager: port::reserve()?,
                scheduler: port::reserve()?,
                kwok: port::reserve()?,
            },
            programs,
            clients,
            data,
        };
        let mut tokens = String::new();
        for (user, group) in USERS {
            let token = secret();
            writeln!(tokens, "{token},{user},{user},{group}")?;
            layout.write_kubeconfig(user, &token)?;
        }
        fs::write(layout.file("tokens.csv"), tokens)?;
        fs::write(layout.file("kwok.yaml"), include_str!("kwok.yaml"))?;
        fs::write(layout.file("audit-policy.yaml"), include_str!("audit-policy.yaml"))?;
        fs::create_dir(layout.home())?;
        Ok(layout)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// A home for kubectl and helm.
    pub(super) fn home(&self) -> PathBuf {
        self.file("home")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.audit_log.clone()
    }

    /// kubectl or helm.
    pub(super) fn client(&self, name: &str) -> PathBuf {
        self.clients.join(name)
    }

    pub(super) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.file(&format!("{}.kubeconfig", user.replace(':', "-")))
    }

    pub(super) fn write_kubeconfig(&self, user: &str, token: &str) -> Result<PathBuf> {
        let path = self.kubeconfig(user);
        let content = kubeconfig::with_token(self.ports.apiserver, self.authority.certificate(), token);
        fs::write(&path, content.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    pub(super) fn etcd(&self) -> Command {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd);
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        let mut etcd = supervised(self.programs.join("etcd"));
        etcd.args(["--name=e2e", "--log-level=warn"])
            // Nothing here has to survive the power going out.
            .arg("--unsafe-no-fsync")
            .arg(flag("data-dir", &self.file("etcd")))
            .args([format!("--listen-client-urls={client}"), format!("--advertise-client-urls={client}")])
            .args([format!("--listen-peer-urls={peer}"), format!("--initial-advertise-peer-urls={peer}")])
            .arg(format!("--initial-cluster=e2e={peer}"));
        etcd
    }

    pub(super) async fn etcd_is_healthy(&self) -> bool {
        let ask = async || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.ports.etcd)).await?;
            stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        ask().await.is_ok_and(|answer| answer.contains(r#""health":"true""#))
    }

    pub(super) fn apiserver(&self) -> Command {
        let mut apiserver = supervised(self.programs.join("kube-apiserver"));
        apiserver
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            // No Endpoints for the service `kubernetes`: a loopback address is not allowed there.
            .arg("--endpoint-reconciler-type=none")
            .arg(format!("--secure-port={}", self.ports.apiserver))
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd))
            .args([
                "--authorization-mode=Node,RBAC",
                "--allow-privileged=true",
                "--service-cluster-ip-range=10.96.0.0/16",
            ])
            .arg(flag("tls-cert-file", &self.server.certificate))
            .arg(flag("tls-private-key-file", &self.server.key))
            .arg(flag("client-ca-file", self.authority.certificate()))
            .arg(flag("token-auth-file", &self.file("tokens.csv")))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(flag("service-account-key-file", &self.service_accounts.certificate))
            .arg(flag("service-account-signing-key-file", &self.service_accounts.key))
            .arg(flag("requestheader-client-ca-file", self.front_proxy_authority.certificate()))
            .arg("--requestheader-allowed-names=front-proxy-client")
            .args(["--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group"])
            .arg("--requestheader-extra-headers-prefix=X-Remote-Extra-")
            .arg(flag("proxy-client-cert-file", &self.front_proxy.certificate))
            .arg(flag("proxy-client-key-file", &self.front_proxy.key))
            .arg(flag("audit-policy-file", &self.file("audit-policy.yaml")))
            .arg(flag("audit-log-path", &self.audit_log));
        apiserver
    }

    pub(super) fn controller_manager(&self, flags: &[&str]) -> Command {
        let mut manager =
            self.with_kubeconfigs("kube-controller-manager", CONTROLLER_MANAGER, self.ports.controller_manager);
        manager
            .arg("--use-service-account-credentials")
            .arg(flag("service-account-private-key-file", &self.service_accounts.key))
            .arg(flag("root-ca-file", self.authority.certificate()))
            // It would create /usr/libexec/kubernetes.
            .arg(flag("flex-volume-plugin-dir", &self.file("flex-volume")))
            .args(flags);
        manager
    }

    pub(super) fn scheduler(&self) -> Command {
        self.with_kubeconfigs("kube-scheduler", SCHEDULER, self.ports.scheduler)
    }

    /// What the controller manager and the scheduler have in common.
    fn with_kubeconfigs(&self, program: &str, user: &str, port: u16) -> Command {
        let kubeconfig = self.kubeconfig(user);
        let mut command = supervised(self.programs.join(program));
        command
            .args(
                ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"]
                    .map(|name| flag(name, &kubeconfig)),
            )
            .args(["--bind-address=127.0.0.1", "--leader-elect=false"])
            .arg(format!("--secure-port={port}"))
            .arg(flag("cert-dir", &self.file(program)))
            // At the default of 20 requests a second fifty pods would take seconds.
            .args(["--kube-api-qps=200", "--kube-api-burst=400"]);
        command
    }

    pub(super) fn kwok(&self) -> Command {
        let mut kwok = supervised(self.programs.join("kwok"));
        kwok.arg(flag("kubeconfig", &self.kubeconfig(KWOK)))
            .arg(flag("config", &self.file("kwok.yaml")))
            .args([
                "--manage-all-nodes",
                "--cidr=10.244.0.0/16",
                "--node-ip=127.0.0.1",
                "--node-lease-duration-seconds=40",
            ])
            .arg(format!("--node-port={}", self.ports.kwok))
            .arg(format!("--server-address=127.0.0.1:{}", self.ports.kwok))
            .arg(flag("tls-cert-file", &self.server.certificate))
            .arg(flag("tls-private-key-file", &self.server.key));
        kwok
    }
}

/// `--NAME=PATH`.
fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
