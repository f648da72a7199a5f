//! Readiness: what the process still waits for before it may decide.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The list of what is still missing; ready when it is empty.
///
/// It says nothing about single objects: one scaler's broken queue is that scaler's condition, not a reason to restart us.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<BTreeSet<&'static str>>>);

impl Readiness {
    /// Not ready before each of `parts` has reported.
    pub fn waiting_for(parts: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Arc::new(Mutex::new(parts.into_iter().collect())))
    }

    /// `part` is there now.
    pub fn reached(&self, part: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// What is still missing, in alphabetical order.
    pub fn missing(&self) -> Vec<&'static str> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn it_is_ready_when_every_part_has_reported_and_not_before() {
        let readiness = Readiness::waiting_for(["scalers", "budgets"]);
        assert_eq!(readiness.missing(), ["budgets", "scalers"]);
        readiness.reached("budgets");
        assert_eq!(readiness.missing(), ["scalers"]);
        readiness.reached("scalers");
        assert!(readiness.missing().is_empty());
    }
}
