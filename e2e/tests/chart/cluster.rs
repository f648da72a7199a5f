//! The test bed of a test that installs the chart.

use std::fs;

use hybridscaler_e2e::bed::Bed;
use hybridscaler_e2e::operator::{CHART, RELEASE};
use tokio::sync::{Mutex, MutexGuard};

use crate::helm::success;

/// The bed of a test that installs the chart. One at a time: CRDs and cluster roles have no namespace.
pub(crate) struct Cluster {
    pub(crate) bed: Bed,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    pub(crate) async fn enter(label: &str) -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let cluster = Self { bed: Bed::shared(label).await.unwrap(), _turn: turn };
        let standard = "pod-security.kubernetes.io/enforce=restricted";
        cluster.kubectl(&["label", "namespace", &cluster.bed.namespace, standard]).await;
        cluster
    }

    /// `helm upgrade --install` with values and further options; returns what it printed.
    pub(crate) async fn upgrade(&self, values: &str, options: &[&str]) -> String {
        let file = self.bed.logs().join("chart-values.yaml");
        fs::write(&file, values).unwrap();
        let mut args = vec!["upgrade", "--install", RELEASE, CHART, "--namespace", &self.bed.namespace];
        args.extend(["--values", file.to_str().unwrap(), "--wait", "--timeout=60s"]);
        args.extend(options);
        success(&self.bed.control_plane.helm(args).await.unwrap())
    }

    /// Uninstalls the chart, and deletes what would outlive it and be the next operator's business.
    pub(crate) async fn leave(self) {
        self.uninstall().await;
        self.kubectl(&["delete", "hybridscalers,connectionbudgets", "--all"]).await;
    }

    pub(crate) async fn uninstall(&self) {
        let args = ["uninstall", RELEASE, "--namespace", &self.bed.namespace, "--wait"];
        success(&self.bed.control_plane.helm(args).await.unwrap());
    }

    pub(crate) async fn kubectl(&self, args: &[&str]) -> String {
        success(
            &self.bed.control_plane.kubectl(args.iter().chain(&["--namespace", &self.bed.namespace])).await.unwrap(),
        )
    }

    pub(crate) async fn uid(&self, kind: &str, name: &str) -> String {
        self.kubectl(&["get", kind, name, "--output", "jsonpath={.metadata.uid}"]).await
    }
}
