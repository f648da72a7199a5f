//! Readiness: what the process still waits for before it may decide.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::watch;

/// The list of what is still missing; ready when it is empty. Cheap to clone.
///
/// It says nothing about single objects: one scaler's broken queue is that scaler's condition, not a reason to restart us.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<BTreeSet<&'static str>>>);

impl Readiness {
    /// Not ready before each of `parts` has reported.
    pub fn waiting_for(parts: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Arc::new(watch::Sender::new(parts.into_iter().collect())))
    }

    /// `part` is there now.
    pub fn reached(&self, part: &'static str) {
        self.0.send_if_modified(|missing| missing.remove(part));
    }

    /// What is still missing, in alphabetical order.
    pub fn missing(&self) -> Vec<&'static str> {
        self.0.borrow().iter().copied().collect()
    }

    /// Waits until nothing is missing.
    pub async fn ready(&self) {
        // Fails only when the sender is gone, which we hold.
        let _ = self.0.subscribe().wait_for(BTreeSet::is_empty).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::Readiness;

    #[test]
    fn it_is_ready_when_every_part_has_reported_and_not_before() {
        let readiness = Readiness::waiting_for(["scalers", "budgets"]);
        assert_eq!(readiness.missing(), ["budgets", "scalers"]);
        readiness.reached("budgets");
        assert_eq!(readiness.missing(), ["scalers"]);
        assert!(readiness.ready().now_or_never().is_none());
        readiness.reached("scalers");
        assert!(readiness.missing().is_empty());
        assert!(readiness.ready().now_or_never().is_some());
    }
}
