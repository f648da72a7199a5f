//! From a change of a queue to the write of the scale that follows from it.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{Stream, TryStreamExt};
use hybridscaler_e2e_aws::Sqs;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    runtime::{WatchStreamExt, watcher},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::{
    time::{sleep, timeout},
    try_join,
};

use super::{
    scene::{CLUSTER, MIN_REPLICAS, POLL_SECONDS, SERVICE, Scene, WORKER, runs},
    start::PATIENCE,
};

/// How often each queue changes; one half fills it, the other empties it.
pub(super) const CHANGES: usize = 50;

/// The messages of the full queue, and the replicas that they take.
const MESSAGES: u8 = 8;

/// The interval at which the queues are polled.
pub(super) const INTERVAL: Duration = Duration::from_secs(POLL_SECONDS as u64);

/// How long the writes took, in the order of the changes.
#[derive(Debug)]
pub(super) struct Delays {
    /// Writes of the Deployment's scale.
    pub(super) deployment: Vec<Duration>,
    /// Calls of `UpdateService`.
    pub(super) service: Vec<Duration>,
}

impl Delays {
    /// Fills and empties the queues of the Deployment and of the ECS service, both at the same time.
    ///
    /// # Errors
    ///
    /// A change is not followed in time.
    pub(super) async fn measure(scene: &Scene<'_>, seed: u64) -> Result<Self> {
        let (deployment, service) = try_join!(of_deployment(scene, seed), of_service(scene, seed.wrapping_add(1)))?;
        Ok(Self { deployment, service })
    }
}

/// The moments at which a queue changes, and the replicas that it asks for from then on.
struct Changes {
    random: StdRng,
    replicas: u8,
    left: usize,
}

impl Changes {
    fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), replicas: MIN_REPLICAS, left: CHANGES }
    }

    /// Fills or empties `queue` by turns, each time at a random moment of the poll interval. When that was, and the replicas before and
    /// after; nothing when all changes are made.
    async fn next(&mut self, sqs: &Sqs, queue: &str) -> Result<Option<(Instant, [u8; 2])>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        sleep(INTERVAL.mul_f64(self.random.random())).await;
        let before = self.replicas;
        self.replicas = if before == MIN_REPLICAS { MESSAGES } else { MIN_REPLICAS };
        let changed = Instant::now();
        match self.replicas {
            MESSAGES => fill(sqs, queue)?,
            _ => empty(sqs, queue).await?,
        }
        Ok(Some((changed, [before, self.replicas])))
    }
}

/// A write counts when a watch on the Deployment shows it; the next change waits until all pods are there or gone.
async fn of_deployment(scene: &Scene<'_>, seed: u64) -> Result<Vec<Duration>> {
    let deployments: Api<Deployment> = Api::namespaced(scene.kube.clone(), &scene.bed.namespace);
    let only = watcher::Config::default().fields(&format!("metadata.name={WORKER}"));
    let mut states = pin!(watcher(deployments, only).default_backoff().applied_objects());
    let mut changes = Changes::new(seed);
    let mut delays = Vec::with_capacity(CHANGES);
    await_state(&mut states, |deployment| runs(deployment, MIN_REPLICAS)).await?;
    while let Some((changed, [before, after])) = changes.next(scene.aws.sqs(), WORKER).await? {
        let before = i32::from(before);
        await_state(&mut states, |deployment| {
            deployment.spec.as_ref().and_then(|spec| spec.replicas).is_some_and(|now| now != before)
        })
        .await?;
        delays.push(changed.elapsed());
        await_state(&mut states, |deployment| runs(deployment, after)).await?;
    }
    Ok(delays)
}

/// A write counts when the served AWS has it; the next change waits until all tasks run or are gone.
async fn of_service(scene: &Scene<'_>, seed: u64) -> Result<Vec<Duration>> {
    let ecs = scene.aws.ecs();
    let mut changes = Changes::new(seed);
    let mut delays = Vec::with_capacity(CHANGES);
    while let Some((changed, [before, after])) = changes.next(scene.aws.sqs(), SERVICE).await? {
        let follows = "the ECS service does not follow its queue";
        let written = ecs.until(CLUSTER, SERVICE, |counts| counts.desired != u32::from(before));
        timeout(PATIENCE, written).await.context(follows)??;
        delays.push(changed.elapsed());
        let settled = ecs.until(CLUSTER, SERVICE, |counts| {
            counts.running == u32::from(after) && counts.pending == 0 && counts.stopping == 0
        });
        timeout(PATIENCE, settled).await.context(follows)??;
    }
    Ok(delays)
}

async fn await_state(
    states: &mut (impl Stream<Item = watcher::Result<Deployment>> + Unpin),
    wanted: impl Fn(&Deployment) -> bool,
) -> Result<()> {
    let search = async {
        while let Some(deployment) = states.try_next().await? {
            if wanted(&deployment) {
                return Ok(());
            }
        }
        anyhow::bail!("the watch ended")
    };
    timeout(PATIENCE, search).await.context("the Deployment does not follow its queue")?
}

/// Sends [`MESSAGES`].
pub(super) fn fill(sqs: &Sqs, queue: &str) -> Result<()> {
    for _ in 0..MESSAGES {
        sqs.send(queue, "work")?;
    }
    Ok(())
}

/// By receiving and deleting, since a queue may be purged only once in 60 seconds.
pub(super) async fn empty(sqs: &Sqs, queue: &str) -> Result<()> {
    let url = sqs.url(queue);
    let received = sqs.call("ReceiveMessage", json!({"QueueUrl": url, "MaxNumberOfMessages": MESSAGES})).await?;
    for message in received.get("Messages").and_then(|messages| messages.as_array()).into_iter().flatten() {
        let receipt = message.get("ReceiptHandle");
        sqs.call("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": receipt})).await?;
    }
    Ok(())
}
