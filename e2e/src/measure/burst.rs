//! Consumers of one budget that all want more at once, and later less: how soon each is granted, and how soon its connections are
//! given back.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::{Stream, StreamExt};
use hybridscaler::api::ConnectionBudget;
use hybridscaler_e2e_aws::{Aws, REGION, Service};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher, watcher::Event},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    delay::{INTERVAL, empty, fill},
    scene::{POLL_SECONDS, values},
};
use crate::{
    bed::Bed,
    operator::{Operator, RELEASE},
};

/// The scalers that share the budget, each of a Deployment of its own.
pub(super) const CONSUMERS: usize = 100;

/// How often all of them rise and fall, after once that is not counted: nothing is given back in the operator's first minute.
pub(super) const ROUNDS: usize = 5;

/// The replicas of each while the queue is empty, and while it is not.
const REPLICAS: [u32; 2] = [1, 2];

/// Connections of a replica.
const POOL: u32 = 10;

/// The one queue that all of them follow: one reading wakes all.
const QUEUE: &str = "burst";

/// The budget of all.
const BUDGET: &str = "db";

/// The longest that one rise or fall may take, the operator's first minute included.
const PATIENCE: Duration = Duration::from_mins(4);

/// What was seen of [`ROUNDS`] bursts.
#[derive(Debug, Default)]
pub struct Bursts {
    /// From the operator's question for the queue's length to the ledger with the grant, for each consumer and round.
    pub(super) granted: Vec<Duration>,
    /// From the same to the Deployment with the new scale.
    pub(super) written: Vec<Duration>,
    /// From the end of the pod to the ledger without its connections.
    pub(super) released: Vec<Duration>,
    /// What each rise took of the ledger.
    pub(super) rises: Vec<Operations>,
    /// What each rise took of the API server: requests of the operator that were answered, those of the ledger included.
    pub(super) requests: Vec<usize>,
}

/// Steps that were asked of ledgers, writes that stored them, and writes that met a newer ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operations {
    pub(super) steps: u64,
    pub(super) writes: u64,
    pub(super) conflicts: u64,
}

impl Operations {
    /// The operator's own count, from the text of its metrics.
    fn parse(metrics: &str) -> Result<Self> {
        let count = |operation: &str| {
            let name = format!("hybridscaler_ledger_operations_total{{operation=\"{operation}\"}} ");
            let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
            value.with_context(|| format!("no metric {name}"))?.parse::<u64>().context("the metric is no whole number")
        };
        Ok(Self { steps: count("step")?, writes: count("write")?, conflicts: count("conflict")? })
    }

    fn since(self, before: Self) -> Self {
        Self {
            steps: self.steps.saturating_sub(before.steps),
            writes: self.writes.saturating_sub(before.writes),
            conflicts: self.conflicts.saturating_sub(before.conflicts),
        }
    }
}

impl Bursts {
    /// Lays the scene and lets all consumers rise and fall.
    ///
    /// # Errors
    ///
    /// A part does not come up, or a burst is not followed in time.
    pub async fn measure(bed: &Bed) -> Result<Self> {
        eprintln!("measure: {CONSUMERS} consumers of one budget come up");
        let mut scene = Scene::set(bed).await?;
        let mut bursts = Self::default();
        scene.rise(&mut Self::default()).await?;
        scene.fall(&mut Self::default()).await?;
        for round in 1..=ROUNDS {
            eprintln!("measure: burst {round} of {ROUNDS}");
            scene.rise(&mut bursts).await?;
            scene.fall(&mut bursts).await?;
        }
        scene.operator.stop().await?;
        Ok(bursts)
    }
}

/// What a watch showed.
#[derive(Debug)]
enum Seen {
    /// The grants in the ledger, by consumer.
    Ledger(BTreeMap<String, u32>),
    /// A Deployment's replicas: told to run, and ready.
    Deployment(String, [Option<i32>; 2]),
    /// The end of a pod of this Deployment.
    Gone(String),
}

struct Scene<'a> {
    bed: &'a Bed,
    aws: Aws,
    operator: Operator,
    seen: UnboundedReceiver<(Instant, Seen)>,
    _watches: JoinSet<()>,
}

impl<'a> Scene<'a> {
    async fn set(bed: &'a Bed) -> Result<Self> {
        let aws = Aws::start().await.context("cannot serve AWS")?;
        let kube = bed.control_plane.admin().await?;
        let operator = Operator::install(bed, &values(&bed.namespace, &aws)).await?;
        let queue = aws.sqs().create_queue(QUEUE)?;
        let file = bed.logs().join("burst.yaml");
        fs::write(&file, objects(&queue)?).with_context(|| format!("cannot write {}", file.display()))?;
        let file = file.to_str().context("the log folder's name is not UTF-8")?;
        let apply = ["--namespace", &bed.namespace, "apply", "--filename", file];
        let output = bed.control_plane.kubectl(apply).await?;
        ensure!(output.status.success(), "kubectl: {}", String::from_utf8_lossy(&output.stderr));

        let (sender, seen) = unbounded_channel();
        let mut watches = JoinSet::new();
        let (config, namespace) = (watcher::Config::default(), &bed.namespace);
        let budgets: Api<ConnectionBudget> = Api::namespaced(kube.clone(), namespace);
        watches.spawn(tell(watcher(budgets, config.clone()).default_backoff(), ledger, sender.clone()));
        let deployments: Api<Deployment> = Api::namespaced(kube.clone(), namespace);
        watches.spawn(tell(watcher(deployments, config.clone()).default_backoff(), deployment, sender.clone()));
        let pods: Api<Pod> = Api::namespaced(kube, namespace);
        watches.spawn(tell(watcher(pods, config).default_backoff(), gone, sender));
        Ok(Self { bed, aws, operator, seen, _watches: watches })
    }

    /// Fills the queue between two polls of it, and waits until all have risen.
    async fn rise(&mut self, bursts: &mut Bursts) -> Result<()> {
        self.next_poll().await;
        sleep(INTERVAL / 4).await;
        let before = Operations::parse(&self.operator.metrics().await?)?;
        let requests = self.requests()?;
        fill(self.aws.sqs(), QUEUE)?;
        let asked = self.next_poll().await;

        let [_, replicas] = REPLICAS;
        let mut granted = BTreeMap::new();
        let mut written = BTreeMap::new();
        let mut ready = BTreeMap::new();
        let all = async {
            while [&granted, &written, &ready].iter().any(|times| times.len() < CONSUMERS) {
                let (at, seen) = self.seen.recv().await.context("the watches ended")?;
                match seen {
                    Seen::Ledger(grants) => {
                        for (name, _) in grants.into_iter().filter(|(_, grant)| *grant == replicas * POOL) {
                            granted.entry(name).or_insert(at);
                        }
                    }
                    Seen::Deployment(name, [told, run]) => {
                        let wanted = i32::try_from(replicas).ok();
                        if run == wanted && told == wanted {
                            ready.entry(name.clone()).or_insert(at);
                        }
                        if told == wanted {
                            written.entry(name).or_insert(at);
                        }
                    }
                    Seen::Gone(_) => {}
                }
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, all).await.context("the consumers do not rise in time")??;
        bursts.granted.extend(granted.values().map(|at| at.duration_since(asked)));
        bursts.written.extend(written.values().map(|at| at.duration_since(asked)));
        bursts.rises.push(Operations::parse(&self.operator.metrics().await?)?.since(before));
        bursts.requests.push(self.requests()?.saturating_sub(requests));
        Ok(())
    }

    /// How many requests of the operator the API server has answered so far.
    fn requests(&self) -> Result<usize> {
        let user = format!("system:serviceaccount:{}:{RELEASE}", self.bed.namespace);
        Ok(self.bed.control_plane.audit_log().of_user(&user)?.len())
    }

    /// Empties the queue, and waits until the connections of all that ended are given back.
    async fn fall(&mut self, bursts: &mut Bursts) -> Result<()> {
        empty(self.aws.sqs(), QUEUE).await?;
        let [replicas, _] = REPLICAS;
        let mut gone = BTreeMap::new();
        let mut released = BTreeMap::new();
        let all = async {
            while [&gone, &released].iter().any(|times| times.len() < CONSUMERS) {
                let (at, seen) = self.seen.recv().await.context("the watches ended")?;
                match seen {
                    Seen::Ledger(grants) => {
                        for (name, _) in grants.into_iter().filter(|(_, grant)| *grant == replicas * POOL) {
                            released.entry(name).or_insert(at);
                        }
                    }
                    Seen::Gone(name) => drop(gone.entry(name).or_insert(at)),
                    Seen::Deployment(..) => {}
                }
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, all).await.context("the connections are not given back in time")??;
        let times = released.iter().filter_map(|(name, at)| Some(at.duration_since(*gone.get(name)?)));
        bursts.released.extend(times);
        Ok(())
    }

    /// Waits until the queue's length is asked for, and says when that was.
    async fn next_poll(&self) -> Instant {
        let (calls, operation) = (self.aws.calls(), "GetQueueAttributes");
        let polls = calls.count(Service::Sqs, operation);
        calls.reached(Service::Sqs, operation, polls + 1).await;
        Instant::now()
    }
}

/// Passes on what a watch shows, with its time, until nobody listens.
async fn tell<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>>,
    view: fn(Event<K>) -> Option<Seen>,
    listener: UnboundedSender<(Instant, Seen)>,
) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        let at = Instant::now();
        // A watch that broke starts over and shows everything again.
        let seen = event.ok().and_then(view);
        if seen.is_some_and(|seen| listener.send((at, seen)).is_err()) {
            return;
        }
    }
}

fn ledger(event: Event<ConnectionBudget>) -> Option<Seen> {
    let (Event::Apply(budget) | Event::InitApply(budget)) = event else { return None };
    let ledger = budget.status?.ledger?.read().ok()?;
    let grants = ledger.entries.into_iter().map(|(key, entry)| {
        let name = key.rsplit_once('/').map_or(key.as_str(), |(_, name)| name);
        (name.to_owned(), entry.grant.0)
    });
    Some(Seen::Ledger(grants.collect()))
}

fn deployment(event: Event<Deployment>) -> Option<Seen> {
    let (Event::Apply(deployment) | Event::InitApply(deployment)) = event else { return None };
    // The operator's own is there too.
    let name = Some(deployment.name_any()).filter(|name| name.starts_with("consumer-"))?;
    let ready = deployment.status.and_then(|status| status.ready_replicas);
    Some(Seen::Deployment(name, [deployment.spec?.replicas, ready]))
}

fn gone(event: Event<Pod>) -> Option<Seen> {
    let Event::Delete(pod) = event else { return None };
    pod.labels().get("app").cloned().map(Seen::Gone)
}

/// All Deployments and scalers, and their budget, which has room for all.
fn objects(queue: &str) -> Result<String> {
    let [least, most] = REPLICAS;
    let mut objects = format!(
        r"
apiVersion: hybridscaler.dev/v1alpha1
kind: ConnectionBudget
metadata: {{name: {BUDGET}}}
spec: {{capacity: {{static: 10000}}, reserve: {{connections: 10}}}}
"
    );
    for consumer in 0..CONSUMERS {
        let name = format!("consumer-{consumer}");
        write!(
            objects,
            r#"
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {least}
  selector: {{matchLabels: {{app: {name}}}}}
  strategy: {{rollingUpdate: {{maxSurge: 0, maxUnavailable: 1}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: worker, image: none}}]}}
---
apiVersion: hybridscaler.dev/v1alpha1
kind: HybridScaler
metadata: {{name: {name}}}
spec:
  targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: {least}
  maxReplicas: {most}
  pollIntervalSeconds: {POLL_SECONDS}
  triggers: [{{name: backlog, sqs: {{queueUrl: "{queue}", region: {REGION}, messagesPerReplica: 1}}}}]
  behavior: {{scaleUp: {{cooldownSeconds: 0}}, scaleDown: {{cooldownSeconds: 0}}}}
  connections: [{{budgetRef: {{name: {BUDGET}}}, perReplica: {POOL}, rolloutReserve: Surge}}]
"#
        )?;
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_a_rise_took_is_the_difference_of_the_operators_own_counts() {
        let text = |steps: u64, writes: u64| {
            format!(
                "# TYPE hybridscaler_ledger_operations_total counter\n\
                 hybridscaler_ledger_operations_total{{operation=\"conflict\"}} 0\n\
                 hybridscaler_ledger_operations_total{{operation=\"step\"}} {steps}\n\
                 hybridscaler_ledger_operations_total{{operation=\"write\"}} {writes}\n"
            )
        };
        let before = Operations::parse(&text(300, 7)).unwrap();
        let rise = Operations::parse(&text(400, 9)).unwrap().since(before);
        assert_eq!(rise, Operations { steps: 100, writes: 2, conflicts: 0 });
        Operations::parse("hybridscaler_ledger_operations_total{operation=\"step\"} 1").unwrap_err();
    }
}
