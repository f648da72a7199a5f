//! The events that operators read in `kubectl describe`: one function a sentence, published on transitions only.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::ledger::in_time;

/// `note` of an event may have at most this many bytes; the API server refuses more.
const LONGEST_NOTE: usize = 1024;

/// Publishes events; a lost one is logged and never fails the work it tells of.
///
/// # Access control
/// `create` and `patch` on `events.events.k8s.io`.
#[derive(Clone)]
pub(super) struct Events {
    client: Client,
    reporter: Reporter,
}

/// One thing worth telling, as `type`, `reason`, `action` and `note` of an event.
pub(super) struct Story(Event);

impl Story {
    fn new(type_: EventType, reason: &str, action: &str, note: &str) -> Self {
        let mut note = note.to_owned();
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        Self(Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: None })
    }

    /// The target was told to run another number of replicas.
    pub(super) fn scaled(direction: &str, sentence: &str) -> Self {
        Self::new(EventType::Normal, direction, "Scale", sentence)
    }

    /// The target would have been told, were this not a dry run.
    pub(super) fn would_scale(sentence: &str) -> Self {
        Self::new(EventType::Normal, "DryRun", "Scale", sentence)
    }

    /// From now on the budget, and not demand, decides.
    pub(super) fn capped(sentence: &str) -> Self {
        Self::new(EventType::Warning, "CappedByBudget", "Decide", sentence)
    }

    /// Demand decides again.
    pub(super) fn uncapped(sentence: &str) -> Self {
        Self::new(EventType::Normal, "WithinBudget", "Decide", sentence)
    }

    /// Something is in the way; `reason` is the condition's.
    pub(super) fn trouble(reason: &str, message: &str) -> Self {
        Self::new(EventType::Warning, reason, "Reconcile", message)
    }

    /// What was in the way is gone.
    pub(super) fn recovered(message: &str) -> Self {
        Self::new(EventType::Normal, "Recovered", "Reconcile", message)
    }
}

impl Events {
    pub(super) fn new(client: Client) -> Self {
        Self { client, reporter: Reporter { controller: "hybridscaler".into(), instance: None } }
    }

    /// Publishes `story` about `regarding`.
    pub(super) async fn publish(&self, regarding: &ObjectReference, story: Story) {
        // A recorder of its own for each event: one that lives on would fold the next story with the same reason into this one and
        // drop its note, which carries the numbers.
        let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
        if let Err(error) = in_time(recorder.publish(&story.0, regarding)).await {
            tracing::warn!(%error, reason = story.0.reason, "an event was not stored");
        }
    }
}
