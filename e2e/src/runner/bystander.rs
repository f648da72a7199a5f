//! A service of the same database that nobody scales.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::connection::{Connection, ConnectionError, Login};

/// How often the bystander needs its database.
const EVERY: Duration = Duration::from_millis(500);

/// How long it waits for its answer, as an impatient caller would.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a fresh connection every half second, asks `SELECT 1`, closes it. Dropped, it ends.
pub struct Bystander {
    suffered: Arc<Mutex<Suffered>>,
    _task: AbortOnDropHandle<()>,
}

/// What happened to the bystander so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suffered {
    /// How often it asked.
    pub asked: u64,
    /// How often it got no answer.
    pub failed: u64,
    /// Why it got none the last time.
    pub last_error: Option<String>,
}

impl Bystander {
    /// Starts the bystander `name` with its own login.
    pub fn start(name: &str, login: Login) -> Self {
        let suffered = Arc::new(Mutex::new(Suffered::default()));
        let (name, record) = (name.to_owned(), Arc::clone(&suffered));
        let task = tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let failure = match timeout(PATIENCE, ask(&login, &name)).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(elapsed) => Some(format!("no answer within {} s: {elapsed}", PATIENCE.as_secs())),
                };
                let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
                record.asked += 1;
                if failure.is_some() {
                    record.failed += 1;
                    record.last_error = failure;
                }
            }
        });
        Self { suffered, _task: AbortOnDropHandle::new(task) }
    }

    /// What happened to it so far.
    pub fn suffered(&self) -> Suffered {
        self.suffered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ask(login: &Login, name: &str) -> Result<(), ConnectionError> {
    let connection = Connection::open(login, name).await?;
    let answer = connection.ask().await;
    connection.close().await;
    answer
}
