//! What is written down of a run, second by second. It is the demo's report, as JSON.

use serde::{Deserialize, Serialize};

use super::story;

/// The two services, in the order of every pair in a record.
pub const SERVICES: [&str; 2] = ["order-worker", "core-api"];

/// What the services are held to in a run. The demo makes the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Variant {
    /// The scalers are held to a budget.
    Budgeted,
    /// They are not.
    Unbudgeted,
    /// Each may run half of what the database carries, whatever the other does.
    StaticMaximum,
    /// Each may grow by what it sees free in the database, as autoscalers do that read the number of connections as a metric.
    Clamped,
}

impl Variant {
    /// As it stands in names of files and queues.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Budgeted => "budgeted",
            Self::Unbudgeted => "unbudgeted",
            Self::StaticMaximum => "static-maximum",
            Self::Clamped => "clamped",
        }
    }
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Which of the two it was.
    pub variant: Variant,
    /// What the jitter of the load was made from.
    pub seed: u64,
    /// Once a second, in order.
    pub moments: Vec<Moment>,
    /// The most connections that the sampler saw at any instant.
    pub peak_connections: u32,
    /// Messages that the producers sent, for both services.
    pub sent: u64,
    /// Messages handled, counted by the database: one row each.
    pub handled: u64,
    /// When the later of both queues was drained, in seconds after the load began; `None` if one was not when the run ended.
    pub drained_after: Option<f64>,
}

/// One second of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// Seconds since the load began.
    pub at: f64,
    /// The most client connections at any instant since the moment before, by the sampler.
    pub connections: u32,
    /// Connections refused since the run began, by the database's own log.
    pub refused: u64,
    /// Replicas crashed since the run began, each crash counted.
    pub crashed: u64,
    /// The bystander's requests since the run began.
    pub bystander_asked: u64,
    /// Those that failed.
    pub bystander_failed: u64,
    /// One for each of [`SERVICES`].
    pub services: [Service; 2],
}

/// One service in one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that replicas hold.
    pub in_flight: u64,
    /// Replicas that demand asks for; `None` before the first decision.
    pub wanted: Option<u32>,
    /// Replicas that the budget allows; `None` without a budget.
    pub allowed: Option<u32>,
    /// Replicas that the platform is told to run; `None` before the first decision.
    pub desired: Option<u32>,
    /// Replicas that take messages.
    pub running: u32,
    /// The newest decision, in a sentence.
    pub decision: String,
}

impl Moment {
    /// The connections that all replicas open which the platforms are told to run, be there room or not.
    pub(super) fn asked_for(&self) -> u32 {
        let replicas: u32 = self.services.iter().filter_map(|service| service.desired).sum();
        replicas.saturating_mul(story::POOL)
    }
}

impl Record {
    /// The moment that the run began with. A run that has no moment reads as one where nothing happened.
    pub fn start(&self) -> Moment {
        self.moments.first().cloned().unwrap_or_default()
    }

    /// The moment that the run ended with, likewise.
    pub fn end(&self) -> Moment {
        self.moments.last().cloned().unwrap_or_default()
    }

    /// Messages waiting or held when the run ended, of both services.
    pub fn left(&self) -> u64 {
        self.end().services.iter().map(|service| service.waiting + service.in_flight).sum()
    }

    /// The most replicas that each of [`SERVICES`] ran.
    pub fn most(&self) -> [u32; 2] {
        self.moments.iter().fold([0, 0], |[a, b], Moment { services: [order_worker, core_api], .. }| {
            [a.max(order_worker.running), b.max(core_api.running)]
        })
    }
}
