//! What the controller remembers of each scaler between two reconciles.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hybridscaler_core::{Replicas, history::History, observation::Workload};
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;

use super::{clock::Clock, context::ScalerRef, trouble::Trouble};
use crate::api::{
    ConnectionBudget, HybridScalerSpec, HybridScalerStatus,
    conditions::{ConditionType, reasons},
    formulas::Formulas,
};

/// The first wait after a failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after failures in a row.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What a deleted ECS service or a workload of an unknown kind leaves behind cannot be counted, and drains for as long as its grace
/// period lasts: it stays charged for this long.
pub(super) const DRAINED: Duration = Duration::from_mins(10);

/// One scaler's memory.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    /// The scaler's name.
    pub(super) reference: ScalerRef,
    /// Newer than the status in the watch's cache, which trails our own writes.
    pub(super) history: History,
    /// The history as it was last stored.
    pub(super) stored: History,
    /// The status as it was last stored.
    pub(super) status: HybridScalerStatus,
    /// When it was last stored, or first seen, by this process.
    pub(super) stored_at: Timestamp,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Whether it waits for room in its budget, so that a change of the budget concerns it.
    pub(super) waits_for_room: bool,
    /// What the last dry run told that it would have written, and when.
    pub(super) rehearsed: Option<(Replicas, Timestamp)>,
    /// The replicas as last observed, and since when they were observed so.
    ///
    /// This and every wait below go by a clock that nobody sets: one set forth would end them, and one set back would hold them up.
    pub(super) alike: Option<(Workload, Instant)>,
    /// Until when a write without an answer may still be carried out.
    pub(super) in_flight_until: Option<Instant>,
    /// The newest write that was refused for good.
    pub(super) refused: Option<RefusedWrite>,
    /// The formulas of one generation of the spec, compiled.
    pub(super) formulas: Option<(Option<i64>, Arc<Formulas>)>,
    /// Conflicts in a row.
    pub(super) conflicts: u32,
    /// Whether the target is not ours to scale, so that what it opens is unmanaged and has to fit into the reserve.
    pub(super) unmanaged: bool,
    /// Whether a turn of this process has come to its end, well or not.
    pub(super) looked: bool,
    /// The budgets that this process has charged for what it saw the target run. What an earlier one charged may be of the past.
    pub(super) charged: HashSet<ObjectRef<ConnectionBudget>>,
}

/// A write that was refused: until it is tried again, the connections it needed go back to the others.
#[derive(Clone, Debug)]
pub(super) struct RefusedWrite {
    /// The refusal counts for this spec only.
    pub(super) generation: Option<i64>,
    /// When to try again.
    pub(super) until: Instant,
    /// What to tell until then.
    pub(super) trouble: Trouble,
}

impl Remembered {
    /// The scaler's formulas, compiled once for each generation of its spec.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn formulas(
        &mut self,
        spec: &HybridScalerSpec,
        generation: Option<i64>,
    ) -> Result<Arc<Formulas>, Trouble> {
        if let Some((_, formulas)) = self.formulas.as_ref().filter(|(of, _)| of.is_some() && *of == generation) {
            return Ok(Arc::clone(formulas));
        }
        let (formulas, errors) = spec.formulas();
        if !errors.is_empty() {
            let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(Trouble::new(ConditionType::Ready, reasons::INVALID_SPEC, words.join("; ")));
        }
        let formulas = Arc::new(formulas);
        self.formulas = Some((generation, Arc::clone(&formulas)));
        Ok(formulas)
    }

    /// What a scaler's stored status tells a process that sees it for the first time.
    ///
    /// `in_flight_until`: until when a write of the process before this one may still be carried out.
    pub(super) fn first(
        reference: ScalerRef,
        status: Option<HybridScalerStatus>,
        in_flight_until: Option<Instant>,
        now: Timestamp,
    ) -> Self {
        let status = status.unwrap_or_default();
        let stored = status.history.clone().map(History::from).unwrap_or_default();
        Self {
            reference,
            history: stored.clone(),
            stored,
            status,
            stored_at: now,
            failures: 0,
            waits_for_room: false,
            rehearsed: None,
            alike: None,
            in_flight_until,
            refused: None,
            formulas: None,
            conflicts: 0,
            unmanaged: false,
            looked: false,
            charged: HashSet::new(),
        }
    }
}

/// The memory of all scalers, by UID: a scaler made anew under the same name starts afresh. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<HashMap<String, Remembered>>>);

/// Since when something has been missed: what was deleted may go on living for a while.
#[derive(Default)]
pub(super) struct Missed(Mutex<HashMap<String, Instant>>);

impl Missed {
    /// How long `what` has been missed.
    pub(super) fn for_how_long(&self, what: &str) -> Duration {
        let now = Instant::now();
        let mut missed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.duration_since(*missed.entry(what.to_owned()).or_insert(now))
    }

    /// `what` is there again, or need not be missed any more.
    pub(super) fn found(&self, what: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }
}

impl Memory {
    /// What is remembered of `uid`, or `first` when this is the first time.
    pub(super) fn recall(&self, uid: &str, first: impl FnOnce() -> Remembered) -> Remembered {
        self.lock().entry(uid.to_owned()).or_insert_with(first).clone()
    }

    /// Remembers `what` of `uid`.
    pub(super) fn keep(&self, uid: &str, what: Remembered) {
        self.lock().insert(uid.to_owned(), what);
    }

    /// Whether the scaler's target was found not to be ours to scale.
    pub(super) fn unmanaged(&self, uid: &str) -> bool {
        self.lock().get(uid).is_some_and(|remembered| remembered.unmanaged)
    }

    /// Whether this process has looked at the scaler's target, or tried to.
    pub(super) fn has_looked(&self, uid: &str) -> bool {
        self.lock().get(uid).is_some_and(|remembered| remembered.looked)
    }

    /// Whether this process has charged the scaler in `budget` for what it runs.
    pub(super) fn has_charged(&self, uid: &str, budget: &ObjectRef<ConnectionBudget>) -> bool {
        self.lock().get(uid).is_some_and(|remembered| remembered.charged.contains(budget))
    }

    /// Whether the scaler waits for room in its budget.
    pub(super) fn waits_for_room(&self, uid: &str) -> bool {
        self.lock().get(uid).is_some_and(|remembered| remembered.waits_for_room)
    }

    /// Forgets every scaler of which `lives` (given its name and UID) is false, and names them.
    pub(super) fn retain(&self, lives: impl Fn(&ScalerRef, &str) -> bool) -> Vec<ScalerRef> {
        let mut gone = Vec::new();
        self.lock().retain(|uid, remembered| {
            let stays = lives(&remembered.reference, uid);
            if !stays {
                gone.push(remembered.reference.clone());
            }
            stays
        });
        gone
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait after `failures` in a row: doubling from a second to a minute, with half of it left to chance, so that objects
/// that failed together do not come back together.
pub(super) fn back_off(failures: u32, clock: &dyn Clock) -> Duration {
    let whole = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_WAIT);
    clock.jitter(whole)
}

#[cfg(test)]
mod tests {
    use super::{FIRST_WAIT, LONGEST_WAIT, back_off};
    use crate::controller::clock::Machine;

    #[test]
    fn waits_double_from_half_a_second_and_never_exceed_a_minute() {
        for failures in 0..100 {
            let whole = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures.max(1) - 1)).min(LONGEST_WAIT);
            let wait = back_off(failures, &Machine);
            assert!(wait >= whole / 2 && wait <= whole, "after {failures} failures: {wait:?}");
        }
    }
}
