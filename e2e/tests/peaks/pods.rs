//! How many pods lived, in every state that the API server ever stored.

use std::collections::HashMap;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
};
use tokio::{sync::watch, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::PATIENCE;

/// The label of all pods of a scene.
const SELECTOR: &str = "app=web";

/// Follows the pods of a namespace.
pub(crate) struct Pods {
    tally: watch::Receiver<Tally>,
    _following: AbortOnDropHandle<()>,
}

/// The pods at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Made and not running yet.
    pub(crate) starting: u32,
    /// Running, and not told to end.
    pub(crate) running: u32,
    /// Told to end and not gone yet.
    pub(crate) terminating: u32,
    /// Those whose processes run, told to end or not.
    pub(crate) working: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    now: Counts,
    most_alive: u32,
    most_working: u32,
}

impl Counts {
    /// From the moment they are made until they are gone.
    pub(crate) fn alive(self) -> u32 {
        self.starting + self.running + self.terminating
    }

    fn of<'a>(pods: impl Iterator<Item = &'a Pod>) -> Self {
        let mut counts = Self::default();
        for pod in pods {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            counts.working += u32::from(phase == Some("Running"));
            match phase {
                Some("Succeeded" | "Failed") => {}
                _ if pod.metadata.deletion_timestamp.is_some() => counts.terminating += 1,
                Some("Running") => counts.running += 1,
                _ => counts.starting += 1,
            }
        }
        counts
    }
}

impl Pods {
    /// Begins before there are any, with nothing missed in between: the watch goes on where the list ended.
    pub(crate) async fn follow(pods: Api<Pod>) -> Self {
        let none = pods.list(&ListParams::default().labels(SELECTOR)).await.unwrap();
        assert_eq!(none.items.len(), 0, "pods lived before the first was counted");
        let params = WatchParams::default().labels(SELECTOR).timeout(290);
        let events = pods.watch(&params, &none.metadata.resource_version.unwrap()).await.unwrap();
        let (sender, tally) = watch::channel(Tally::default());
        Self { tally, _following: AbortOnDropHandle::new(tokio::spawn(count(events.boxed(), sender))) }
    }

    /// Waits until the pods are as `wanted`.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(Counts) -> bool) -> Counts {
        let mut tally = self.tally.clone();
        let reached = timeout(PATIENCE, tally.wait_for(|tally| wanted(tally.now))).await;
        match reached {
            Ok(tally) => tally.unwrap().now,
            Err(_) => unreachable!("not in time: {what}; there are {:?}", self.tally.borrow().now),
        }
    }

    /// Waits until so many run and so many terminate, and none starts.
    pub(crate) async fn rest_at(&self, running: u32, terminating: u32) {
        let wanted = |now: Counts| (now.starting, now.running, now.terminating) == (0, running, terminating);
        self.until(&format!("{running} run and {terminating} terminate"), wanted).await;
    }

    /// The most that ever lived at once.
    pub(crate) fn most_alive(&self) -> u32 {
        self.tally.borrow().most_alive
    }

    /// The most whose processes ever ran at once.
    pub(crate) fn most_working(&self) -> u32 {
        self.tally.borrow().most_working
    }
}

/// Ends with the watch, and who waits then finds out.
async fn count(mut events: impl Stream<Item = kube::Result<WatchEvent<Pod>>> + Unpin, sender: watch::Sender<Tally>) {
    let mut pods = HashMap::new();
    while let Some(event) = events.next().await {
        match event.unwrap() {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => drop(pods.insert(pod.uid().unwrap(), pod)),
            WatchEvent::Deleted(pod) => drop(pods.remove(&pod.uid().unwrap())),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => unreachable!("{status:?}"),
        }
        let now = Counts::of(pods.values());
        sender.send_modify(|tally| {
            *tally = Tally {
                now,
                most_alive: tally.most_alive.max(now.alive()),
                most_working: tally.most_working.max(now.working),
            };
        });
    }
}
