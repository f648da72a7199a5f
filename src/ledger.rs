//! Where ledgers are kept: one compare-and-swap store, today the status of the `ConnectionBudget` itself.
//!
//! Every change of a ledger goes through [`Ledgers::update`]: read the freshest object, run pure steps on it, store the result
//! only if nobody stored another one meanwhile. The capacity and all grants of a budget live in one object, so one
//! compare-and-swap covers them all, and whoever asks while one is under way shares the next: a burst costs one write. Teams without
//! Kubernetes will need another store behind the same function.

use std::{sync::Arc, time::Duration};

use hybridscaler_core::budget::Ledger;
use kube::{Api, Client, api::PostParams, runtime::reflector::ObjectRef};

use crate::api::{ConnectionBudget, ConnectionBudgetStatus, StoredLedger, ledger::LedgerError as StoredLedgerError};

mod counts;
mod desk;

pub use self::counts::Counts;
use self::desk::{Desk, Desks};

/// How often the steps are run again on a newer object before the callers are told to come back later. Within this process one
/// writer at a time serves everybody, so a conflict means that somebody else wrote: twice in a row is rare already.
const ATTEMPTS: usize = 5;

/// Why a ledger was not updated. Nothing was granted: a caller may always start over.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// No such budget.
    #[error("connection budget {0} does not exist: create it, or correct budgetRef")]
    NotFound(String),
    /// What is stored is not a ledger that this version may change.
    #[error("connection budget {name}: {source}")]
    Invalid {
        /// Namespace and name of the budget.
        name: String,
        /// What is wrong with it.
        source: Arc<StoredLedgerError>,
    },
    /// Others kept writing the budget.
    #[error("connection budget {0} was changed by others {ATTEMPTS} times while it was being updated")]
    Contended(String),
    /// Whoever wrote for several at once gave up, as when the process is told to stop.
    #[error("connection budget {0}: the update was given up before it was answered")]
    Abandoned(String),
    /// The API server failed, or refused.
    #[error("connection budget {name}: {source}")]
    Kube {
        /// Namespace and name of the budget.
        name: String,
        /// What the API server said.
        source: Arc<kube::Error>,
    },
}

/// The longest that one request to the API server may take: the client has no limit for an answer that does not come, and a lock that
/// waits for one would hold up every scaler of the budget.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// `call`, given up after [`CALL_LIMIT`]. A write that is given up may have been stored: for a status or a reservation that is waste,
/// no danger.
///
/// # Errors
/// Those of the call; [`kube::Error::Service`] when there was no answer in time.
pub(crate) async fn in_time<T>(call: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(kube::Error::Service(Box::new(elapsed))),
    }
}

/// How our writes of statuses are recorded in `managedFields`.
pub(crate) fn written_by_us() -> PostParams {
    PostParams { field_manager: Some("hybridscaler".to_owned()), ..PostParams::default() }
}

/// The ledgers of all budgets; cheap to clone.
#[derive(Clone)]
pub struct Ledgers {
    client: Client,
    desks: Desks,
    counts: Arc<counts::Counters>,
}

/// Reads the ledger in a budget's status; a budget that has none yet has an empty one.
///
/// # Errors
/// It must not be used: see [`StoredLedger::read`].
pub fn read(status: Option<&ConnectionBudgetStatus>) -> Result<Ledger, StoredLedgerError> {
    status.and_then(|status| status.ledger.as_ref()).map_or_else(|| Ok(Ledger::default()), StoredLedger::read)
}

/// Writes `ledger` into a budget's status, and the sums that people read with it.
fn write(ledger: &Ledger, status: &mut ConnectionBudgetStatus) -> Result<(), StoredLedgerError> {
    status.ledger = Some(StoredLedger::try_from(ledger)?);
    status.capacity = ledger.capacity.usable().map(|connections| connections.0);
    status.reserve = Some(ledger.reserve.0);
    status.granted = Some(ledger.granted().0);
    status.available = ledger.available().map(|connections| connections.0);
    status.consumers = Some(u32::try_from(ledger.entries.len()).unwrap_or(u32::MAX));
    Ok(())
}

impl Ledgers {
    /// `client` must not repeat requests by itself: a repeated write that had succeeded would come back as a conflict of our own
    /// making, and the time an update can take would have no bound.
    pub fn new(client: Client) -> Self {
        Self { client, desks: Desks::default(), counts: Arc::default() }
    }

    /// What was asked and written so far.
    pub fn counts(&self) -> Counts {
        self.counts.read()
    }

    /// Runs `step` on the freshest ledger and status of `budget` until their result is stored, and hands out what it answered with
    /// the budget as it was stored. Steps that are asked for at the same time run one after another on one ledger and are stored
    /// together. What changes nothing costs one read and no write. A step may run several times, so it must not act on the world.
    ///
    /// # Errors
    /// See [`LedgerError`]; the ledger is then as it was, or, after [`LedgerError::Abandoned`] and a failure of the API server, as the
    /// step left it.
    ///
    /// # Access control
    /// `get` on `connectionbudgets`, `update` on `connectionbudgets/status`.
    pub async fn update<T: Send + 'static>(
        &self,
        budget: &ObjectRef<ConnectionBudget>,
        step: impl FnMut(&ConnectionBudget, &mut Ledger, &mut ConnectionBudgetStatus) -> T + Send + 'static,
    ) -> Result<(Arc<ConnectionBudget>, T), LedgerError> {
        self.counts.asked();
        let desk = self.desks.of(budget);
        let mut answer = desk.ask(step);
        let turn = desk.turn().await;
        if answer.is_pending() {
            desk.serve(self.store(budget, &desk)).await;
        }
        drop(turn);
        answer.take().unwrap_or_else(|| Err(LedgerError::Abandoned(full_name(budget))))
    }

    /// Runs all steps at `desk` on the freshest object, and stores what they leave.
    async fn store(
        &self,
        budget: &ObjectRef<ConnectionBudget>,
        desk: &Desk,
    ) -> Result<Arc<ConnectionBudget>, LedgerError> {
        let failed = |source: kube::Error| failure(budget, source);
        let invalid = |source| LedgerError::Invalid { name: full_name(budget), source: Arc::new(source) };
        let api = self.api(budget);
        for _ in 0..ATTEMPTS {
            // Without a resourceVersion a get is a quorum read: a cached one would grant what is granted already.
            let mut object = in_time(api.get(&budget.name)).await.map_err(failed)?;
            let before = object.status.clone();
            let mut ledger = read(before.as_ref()).map_err(invalid)?;
            let mut after = before.clone().unwrap_or_default();
            desk.step(&object, &mut ledger, &mut after);
            write(&ledger, &mut after).map_err(invalid)?;
            if before.as_ref() == Some(&after) {
                return Ok(Arc::new(object));
            }
            object.status = Some(after);
            match in_time(api.replace_status(&budget.name, &written_by_us(), &object)).await {
                Ok(stored) => {
                    self.counts.wrote();
                    return Ok(Arc::new(stored));
                }
                Err(kube::Error::Api(status)) if status.is_conflict() => self.counts.conflicted(),
                Err(error) => return Err(failed(error)),
            }
        }
        Err(LedgerError::Contended(full_name(budget)))
    }

    /// Changes the status of a budget whose ledger must not be touched, such as one that cannot be read.
    ///
    /// # Errors
    /// See [`LedgerError`].
    ///
    /// # Access control
    /// As [`Ledgers::update`].
    pub async fn tell(
        &self,
        budget: &ObjectRef<ConnectionBudget>,
        change: impl Fn(&mut ConnectionBudgetStatus),
    ) -> Result<(), LedgerError> {
        let failed = |source| failure(budget, source);
        let desk = self.desks.of(budget);
        let _turn = desk.turn().await;
        let api = self.api(budget);
        let mut object = in_time(api.get(&budget.name)).await.map_err(failed)?;
        let before = object.status.clone();
        change(object.status.get_or_insert_default());
        if object.status != before {
            in_time(api.replace_status(&budget.name, &written_by_us(), &object)).await.map_err(failed)?;
        }
        Ok(())
    }

    fn api(&self, budget: &ObjectRef<ConnectionBudget>) -> Api<ConnectionBudget> {
        Api::namespaced(self.client.clone(), budget.namespace.as_deref().unwrap_or_default())
    }
}

fn full_name(budget: &ObjectRef<ConnectionBudget>) -> String {
    format!("{}/{}", budget.namespace.as_deref().unwrap_or_default(), budget.name)
}

fn failure(budget: &ObjectRef<ConnectionBudget>, source: kube::Error) -> LedgerError {
    let name = full_name(budget);
    match &source {
        kube::Error::Api(status) if status.is_not_found() => LedgerError::NotFound(name),
        _ => LedgerError::Kube { name, source: Arc::new(source) },
    }
}
