//! A served model of SQS, ECS, `CloudWatch` and STS that unmodified AWS SDKs talk to through `endpoint_url`.

mod calls;
mod clock;
mod cloudwatch;
mod ecs;
mod error;
mod faults;
mod identity;
mod model;
mod protocol;
mod server;
mod service;
mod sqs;

use std::{io, sync::Arc};

use tokio::{net::TcpListener, task::JoinSet};

use clock::Clock;
use model::Model;

pub use calls::Calls;
pub use cloudwatch::CloudWatch;
pub use ecs::{Backoff, Ecs, Exit, ServiceCounts, TaskEvent, TaskInfo, Timing, UnknownTask};
pub use error::AwsError;
pub use faults::{Effect, Fault, FaultId, Faults};
pub use identity::{ACCESS_KEY_ID, AccessKey, Identity, SECRET_ACCESS_KEY};
pub use service::{ACCOUNT, REGION, Service};
pub use sqs::{Depth, Sqs};

/// A served AWS. Dropping it closes every connection and forgets everything.
#[derive(Debug)]
pub struct Aws {
    model: Arc<Model>,
    endpoint: String,
    /// Aborted on drop.
    _tasks: JoinSet<()>,
}

impl Aws {
    /// Starts serving on a free port of 127.0.0.1, with no queues, clusters, metrics or roles.
    ///
    /// # Errors
    ///
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let clock = Clock::start();
        let model = Arc::new(Model {
            clock,
            calls: Calls::new(),
            faults: Faults::default(),
            identity: Identity::new(),
            sqs: Sqs::new(clock, endpoint.clone()),
            ecs: Ecs::new(clock),
            cloudwatch: CloudWatch::new(clock),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(model.ecs.clone().run());
        let served = Arc::clone(&model);
        tasks.spawn(async move { match server::serve(listener, served).await {} });
        Ok(Self {
            model,
            endpoint,
            _tasks: tasks,
        })
    }

    /// The one endpoint of all services, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The queues.
    pub fn sqs(&self) -> &Sqs {
        &self.model.sqs
    }

    /// The clusters, services and tasks.
    pub fn ecs(&self) -> &Ecs {
        &self.model.ecs
    }

    /// The metrics.
    pub fn cloudwatch(&self) -> &CloudWatch {
        &self.model.cloudwatch
    }

    /// Users, roles and permissions.
    pub fn identity(&self) -> &Identity {
        &self.model.identity
    }

    /// Faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.model.faults
    }

    /// How often each operation was called.
    pub fn calls(&self) -> &Calls {
        &self.model.calls
    }
}
