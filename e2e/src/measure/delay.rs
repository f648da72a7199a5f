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
use tokio::time::{sleep, timeout};

use super::{
    scene::{MIN_REPLICAS, POLL_SECONDS, Scene, WORKER, runs},
    start::PATIENCE,
};

/// How often the queue changes; one half fills it, the other empties it.
pub(super) const CHANGES: usize = 50;

/// The messages of the full queue, and the replicas that they take.
const MESSAGES: u8 = 8;

/// The interval at which the queue is polled.
pub(super) const INTERVAL: Duration = Duration::from_secs(POLL_SECONDS as u64);

/// How long the writes took, in the order of the changes.
#[derive(Debug)]
pub(super) struct Delays(pub(super) Vec<Duration>);

impl Delays {
    /// Fills and empties the Deployment's queue by turns, each time at a random moment of the poll interval, once all pods of the
    /// change before are there or gone. A write counts when a watch on the Deployment shows it.
    ///
    /// # Errors
    ///
    /// A change is not followed in time.
    pub(super) async fn measure(scene: &Scene<'_>, seed: u64) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let sqs = scene.aws.sqs();
        let deployments: Api<Deployment> = Api::namespaced(scene.kube.clone(), &scene.bed.namespace);
        let only = watcher::Config::default().fields(&format!("metadata.name={WORKER}"));
        let mut states = pin!(watcher(deployments, only).default_backoff().applied_objects());
        let mut delays = Vec::with_capacity(CHANGES);
        let mut replicas = MIN_REPLICAS;
        await_state(&mut states, |deployment| runs(deployment, replicas)).await?;
        for _ in 0..CHANGES {
            sleep(INTERVAL.mul_f64(random.random())).await;
            let before = i32::from(replicas);
            replicas = if replicas == MIN_REPLICAS { MESSAGES } else { MIN_REPLICAS };
            let changed = Instant::now();
            match replicas {
                MESSAGES => fill(sqs)?,
                _ => empty(sqs).await?,
            }
            await_state(&mut states, |deployment| {
                deployment.spec.as_ref().and_then(|spec| spec.replicas).is_some_and(|now| now != before)
            })
            .await?;
            delays.push(changed.elapsed());
            await_state(&mut states, |deployment| runs(deployment, replicas)).await?;
        }
        Ok(Self(delays))
    }
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

fn fill(sqs: &Sqs) -> Result<()> {
    for _ in 0..MESSAGES {
        sqs.send(WORKER, "work")?;
    }
    Ok(())
}

/// By receiving and deleting, since a queue may be purged only once in 60 seconds.
async fn empty(sqs: &Sqs) -> Result<()> {
    let url = sqs.url(WORKER);
    let received = sqs.call("ReceiveMessage", json!({"QueueUrl": url, "MaxNumberOfMessages": MESSAGES})).await?;
    for message in received.get("Messages").and_then(|messages| messages.as_array()).into_iter().flatten() {
        let receipt = message.get("ReceiptHandle");
        sqs.call("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": receipt})).await?;
    }
    Ok(())
}
