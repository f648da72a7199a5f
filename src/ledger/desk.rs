//! Group commit: steps that wait for the same ledger are run together and stored by one write.
//!
//! Whoever gets the turn serves everybody who has asked by the time the ledger was read. Those find their answers when the turn comes
//! to them, and whoever asked later makes the next write. No task of its own is needed, and nobody waits longer than two writes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hybridscaler_core::budget::Ledger;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::LedgerError;
use crate::api::{ConnectionBudget, ConnectionBudgetStatus};

/// The desks of all budgets; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Desks(Arc<Mutex<HashMap<ObjectRef<ConnectionBudget>, Arc<Desk>>>>);

/// Where steps on one ledger wait.
#[derive(Default)]
pub(super) struct Desk {
    turn: tokio::sync::Mutex<()>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// Those that came since the ledger was last read.
    waiting: Vec<Box<dyn Ask>>,
    /// Those that are part of the write under way.
    under_way: Vec<Box<dyn Ask>>,
}

/// A step, and who waits for its answer.
trait Ask: Send {
    fn is_waited_for(&self) -> bool;
    fn step(&mut self, budget: &ConnectionBudget, ledger: &mut Ledger, status: &mut ConnectionBudgetStatus);
    fn answer(self: Box<Self>, stored: Result<Arc<ConnectionBudget>, LedgerError>);
}

type Answered<T> = Result<(Arc<ConnectionBudget>, T), LedgerError>;

struct Asking<F, T> {
    step: F,
    /// What the step answered when it last ran.
    said: Option<T>,
    to: oneshot::Sender<Answered<T>>,
}

/// The answer to one step.
pub(super) struct Answer<T> {
    from: oneshot::Receiver<Answered<T>>,
    got: Option<Answered<T>>,
}

impl Desks {
    pub(super) fn of(&self, budget: &ObjectRef<ConnectionBudget>) -> Arc<Desk> {
        let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody uses are made anew when they are needed.
        desks.retain(|_, desk| Arc::strong_count(desk) > 1);
        Arc::clone(desks.entry(budget.clone()).or_default())
    }
}

impl Desk {
    /// Leaves `step` to whoever serves next.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        step: impl FnMut(&ConnectionBudget, &mut Ledger, &mut ConnectionBudgetStatus) -> T + Send + 'static,
    ) -> Answer<T> {
        let (to, from) = oneshot::channel();
        self.asked().waiting.push(Box::new(Asking { step, said: None, to }));
        Answer { from, got: None }
    }

    /// Waits until nobody else writes.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Runs every step that has been asked for and is still waited for. Those of a write that met a newer ledger, or that its server
    /// gave up, run again. The caller has the turn.
    pub(super) fn step(&self, budget: &ConnectionBudget, ledger: &mut Ledger, status: &mut ConnectionBudgetStatus) {
        let mut asked = self.asked();
        let Asked { waiting, under_way } = &mut *asked;
        under_way.append(waiting);
        under_way.retain(|ask| ask.is_waited_for());
        for ask in under_way {
            ask.step(budget, ledger, status);
        }
    }

    /// Answers everybody with what `store` came to. The caller has the turn.
    pub(super) async fn serve(&self, store: impl Future<Output = Result<Arc<ConnectionBudget>, LedgerError>>) {
        let stored = store.await;
        let mut served = std::mem::take(&mut self.asked().under_way);
        if stored.is_err() {
            // The ledger could not even be read, perhaps: those who asked would each find the same.
            served.append(&mut self.asked().waiting);
        }
        for ask in served {
            ask.answer(stored.clone());
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F, T: Send> Ask for Asking<F, T>
where
    F: FnMut(&ConnectionBudget, &mut Ledger, &mut ConnectionBudgetStatus) -> T + Send,
{
    fn is_waited_for(&self) -> bool {
        !self.to.is_closed()
    }

    fn step(&mut self, budget: &ConnectionBudget, ledger: &mut Ledger, status: &mut ConnectionBudgetStatus) {
        self.said = Some((self.step)(budget, ledger, status));
    }

    fn answer(self: Box<Self>, stored: Result<Arc<ConnectionBudget>, LedgerError>) {
        let Self { said, to, .. } = *self;
        let answer = match (stored, said) {
            (Ok(stored), Some(said)) => Ok((stored, said)),
            (Err(error), _) => Err(error),
            // It has not run: dropping the sender says so.
            (Ok(_), None) => return,
        };
        // Whoever asked may have gone.
        drop(to.send(answer));
    }
}

impl<T> Answer<T> {
    /// Whether nobody has served the step yet.
    pub(super) fn is_pending(&mut self) -> bool {
        match self.from.try_recv() {
            Ok(answer) => {
                self.got = Some(answer);
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Closed) => false,
        }
    }

    /// The answer; `None` when whoever served gave up.
    pub(super) fn take(mut self) -> Option<Answered<T>> {
        self.got.take().or_else(|| self.from.try_recv().ok())
    }
}
