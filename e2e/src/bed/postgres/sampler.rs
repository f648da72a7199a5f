//! Counts connections from the server's own view, on the superuser's connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_postgres::Client;

const INTERVAL: Duration = Duration::from_millis(100);

/// All client connections but the superuser's, who is us; those that still log in (visible since PostgreSQL 18) have
/// no role.
const CONNECTIONS: &str = "SELECT coalesce(usename, ''), count(*) FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM current_user GROUP BY 1";

/// The connections at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When the server answered.
    pub at: Instant,
    /// Connections by role; the empty role stands for those that still log in, and will perhaps be refused.
    pub by_role: BTreeMap<String, u32>,
}

impl Sample {
    /// All connections but the superuser's.
    pub fn connections(&self) -> u32 {
        self.by_role.values().sum()
    }

    /// The connections of some roles together.
    pub fn connections_of(&self, roles: &[&str]) -> u32 {
        roles.iter().filter_map(|role| self.by_role.get(*role)).sum()
    }
}

/// Samples every 100 ms until it is dropped.
#[derive(Debug)]
pub struct Sampler {
    taken: Arc<Mutex<Taken>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Taken {
    samples: Vec<Sample>,
    failure: Option<String>,
}

impl Sampler {
    pub(super) fn start(client: Arc<Client>) -> Self {
        let taken = Arc::<Mutex<Taken>>::default();
        let task = tokio::spawn(sample(client, Arc::clone(&taken)));
        Self { taken, task }
    }

    /// All samples so far, oldest first.
    ///
    /// # Errors
    /// When the sampler had to stop: what it saw is not the whole story.
    pub fn samples(&self) -> Result<Vec<Sample>> {
        self.read(<[Sample]>::to_vec)
    }

    /// The newest sample, if there is one.
    ///
    /// # Errors
    /// As [`Sampler::samples`].
    pub fn latest(&self) -> Result<Option<Sample>> {
        self.read(|samples| samples.last().cloned())
    }

    /// The most connections that were open at one moment.
    ///
    /// # Errors
    /// As [`Sampler::samples`].
    pub fn peak(&self) -> Result<u32> {
        self.read(|samples| samples.iter().map(Sample::connections).max().unwrap_or(0))
    }

    fn read<T>(&self, view: impl FnOnce(&[Sample]) -> T) -> Result<T> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match &taken.failure {
            None => Ok(view(&taken.samples)),
            Some(failure) => bail!("the sampler stopped after {} samples: {failure}", taken.samples.len()),
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn sample(client: Arc<Client>, taken: Arc<Mutex<Taken>>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let counted = count(&client).await;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        match counted {
            Ok(by_role) => taken.samples.push(Sample { at: Instant::now(), by_role }),
            Err(error) => return taken.failure = Some(error.to_string()),
        }
    }
}

async fn count(client: &Client) -> Result<BTreeMap<String, u32>> {
    let rows = client.query(CONNECTIONS, &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, u32::try_from(row.try_get::<_, i64>(1)?)?))).collect()
}
