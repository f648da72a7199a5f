//! Runs the pods of one Deployment.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::{
    Service,
    connection::ConnectionError,
    container::Container,
    worker::{Orders, Worker},
};

/// Keeps a terminating pod until its connections are closed. It belongs into `metadata.finalizers` of the pod template.
pub const FINALIZER: &str = "hybridscaler.dev/test-runner";

/// Between two tries to let a pod go.
const RETRY: Duration = Duration::from_secs(1);

/// The pods of one workload. Dropped, it stops watching and kills all of them, without letting go of any pod.
pub struct Pods {
    _watch: AbortOnDropHandle<()>,
}

impl Pods {
    /// Runs every pod in `namespace` that the label `selector` matches as a replica of `service`.
    ///
    /// # Access control
    ///
    /// The client lists, watches and patches pods and patches `pods/status`.
    pub fn run(client: Client, namespace: &str, selector: &str, service: Service) -> Self {
        let api = Api::<Pod>::namespaced(client, namespace);
        let config = watcher::Config::default().labels(selector);
        let lives =
            Lives { api: api.clone(), service, known: HashMap::new(), listed: HashSet::new(), running: JoinSet::new() };
        let watch = lives.run(watcher(api, config).default_backoff().boxed());
        Self { _watch: AbortOnDropHandle::new(tokio::spawn(watch)) }
    }
}

/// The pods that have a life, each on a task of its own.
struct Lives {
    api: Api<Pod>,
    service: Service,
    /// By UID, from the first sight until the pod is gone.
    known: HashMap<String, Orders>,
    /// What the list under way has shown, since what it does not show is gone.
    listed: HashSet<String>,
    running: JoinSet<()>,
}

impl Lives {
    async fn run(mut self, mut events: BoxStream<'static, watcher::Result<Event<Pod>>>) {
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.on(event),
                    Some(Err(error)) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "watch of pods broke, starting over");
                    }
                    None => return,
                },
                // Those that have ended are let go of.
                Some(_) = self.running.join_next() => {}
            }
        }
    }

    fn on(&mut self, event: Event<Pod>) {
        match event {
            Event::Apply(pod) => self.see(&pod),
            Event::Delete(pod) => self.forget(&pod.uid().unwrap_or_default()),
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                self.listed.extend(pod.uid());
                self.see(&pod);
            }
            Event::InitDone => {
                let gone: Vec<_> = self.known.keys().filter(|uid| !self.listed.contains(*uid)).cloned().collect();
                for uid in gone {
                    self.forget(&uid);
                }
            }
        }
    }

    fn see(&mut self, pod: &Pod) {
        let uid = pod.uid().unwrap_or_default();
        let terminating = pod.metadata.deletion_timestamp.is_some();
        let running = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
        match self.known.get(&uid) {
            None if terminating || running => {
                let life = Life {
                    api: self.api.clone(),
                    pod: pod.name_any(),
                    container: Container::of(pod),
                    service: self.service.clone(),
                };
                let orders = Orders::default();
                if terminating {
                    orders.kill();
                }
                self.running.spawn(life.live(orders.clone()));
                self.known.insert(uid, orders);
            }
            Some(orders) if pod.metadata.deletion_grace_period_seconds == Some(0) => orders.kill(),
            Some(orders) if terminating => orders.stop.cancel(),
            None | Some(_) => {}
        }
    }

    /// A pod that was deleted over its finalizer's head is killed.
    fn forget(&mut self, uid: &str) {
        if let Some(orders) = self.known.remove(uid) {
            orders.kill();
        }
    }
}

/// One pod, from running to released.
struct Life {
    api: Api<Pod>,
    pod: String,
    container: Container,
    service: Service,
}

impl Life {
    async fn live(mut self, orders: Orders) {
        while !orders.stop.is_cancelled() {
            if let Err(error) = self.work(&orders).await {
                self.service.counters.crashed();
                let (status, pause) = self.container.crash(&error.to_string());
                self.report(&status).await;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = orders.stop.cancelled() => {}
                }
            }
        }
        self.release().await;
    }

    /// One run of the container.
    async fn work(&mut self, orders: &Orders) -> Result<(), ConnectionError> {
        let worker = Worker::start(&self.service, &self.pod).await?;
        if let Some(status) = self.container.start() {
            self.report(&status).await;
        }
        worker.run(orders).await
    }

    /// Writes the container's status. A status that cannot be written is not worth a retry: the next crash or start writes anew.
    async fn report(&self, status: &Value) {
        if let Err(error) = self.api.patch_status(&self.pod, &PatchParams::default(), &Patch::Strategic(status)).await {
            tracing::warn!(pod = self.pod, error = &error as &dyn std::error::Error, "pod status not written");
        }
    }

    /// Lets the pod go, now that its connections are closed. It must not stay for ever, so this tries until it is done.
    async fn release(&self) {
        let patch = Patch::Strategic(json!({"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER]}}));
        loop {
            match self.api.patch_metadata(&self.pod, &PatchParams::default(), &patch).await {
                Ok(_) => return,
                Err(kube::Error::Api(status)) if status.is_not_found() => return,
                Err(error) => tracing::warn!(
                    pod = self.pod,
                    error = &error as &dyn std::error::Error,
                    "pod not released, trying again"
                ),
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}
