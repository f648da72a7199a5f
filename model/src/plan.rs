//! The plan of a turn, made by the function that the operator calls.

use std::{cell::RefCell, collections::HashMap};

use hybridscaler_core::{
    Replicas,
    budget::{Capacity, Entry, Footprint, Growth, Ledger, OnShrink, Turn, Waiting, plan},
    observation::Workload,
};

use crate::world::CONSUMERS;

const NAMES: [&str; CONSUMERS] = ["a", "b"];
/// The version of every entry: numbers that only grow would make every world a new one.
pub(crate) const VERSION: u64 = 1;

/// All that a plan depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// The consumer that takes its turn.
    pub(crate) at: usize,
    pub(crate) capacity: Capacity,
    pub(crate) on_shrink: OnShrink,
    pub(crate) entries: [Option<Entry>; CONSUMERS],
    pub(crate) footprint: Footprint,
    pub(crate) workload: Workload,
    pub(crate) wanted: Replicas,
    pub(crate) growth: Grows,
    /// Whether the entry is known to be as it was before the target was seen.
    pub(crate) release: bool,
}

/// When the consumer's grant may grow.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Grows {
    Now,
    /// Within what it was granted.
    WithinItsGrant,
    OnceAllAreCharged,
}

/// What a plan stores and writes.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The consumer's entry, if it changes.
    pub(crate) entry: Option<Entry>,
    pub(crate) write: Option<Replicas>,
}

thread_local! {
    /// The same question has the same answer, and comes up in many worlds.
    static ANSWERS: RefCell<HashMap<Question, Answer>> = RefCell::default();
}

impl Question {
    pub(crate) fn answer(self) -> Answer {
        if let Some(known) = ANSWERS.with_borrow(|answers| answers.get(&self).cloned()) {
            return known;
        }
        let answer = self.ask();
        ANSWERS.with_borrow_mut(|answers| answers.insert(self, answer.clone()));
        answer
    }

    fn ask(&self) -> Answer {
        let name = NAMES[self.at];
        let entries = NAMES.into_iter().zip(&self.entries);
        let ledger = Ledger {
            capacity: self.capacity,
            on_shrink: self.on_shrink,
            entries: entries.filter_map(|(name, entry)| Some((name.to_owned(), entry.clone()?))).collect(),
            ..Ledger::default()
        };
        let turn = Turn {
            consumer: name,
            uid: "",
            target: "",
            footprint: self.footprint,
            workload: self.workload,
            wanted: self.wanted,
            growth: match self.growth {
                Grows::Now => Growth::Allowed,
                Grows::WithinItsGrant => Growth::Frozen(Waiting::CapacityFrozen),
                Grows::OnceAllAreCharged => Growth::Frozen(Waiting::ConsumersUnknown { consumers: Vec::new() }),
            },
            seen_version: self.release.then_some(VERSION),
        };
        let plan = plan(&ledger, &turn);
        let entry = plan.ledger.and_then(|mut ledger| ledger.entries.remove(name));
        Answer { entry: entry.map(|entry| Entry { version: VERSION, ..entry }), write: plan.write }
    }
}
