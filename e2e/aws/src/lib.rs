//! A served model of SQS, ECS, CloudWatch, STS and of Application Auto Scaling's register that unmodified AWS SDKs talk to through `endpoint_url`.
//!
//! One endpoint serves them all, each in the protocol of the current SDKs, and is as strict as the real services:
//! requests must be signed with a known key for the right region, principals need permissions, unknown operations,
//! resources and parameters get the service's own errors. What the model does not have is refused, not ignored.
//! `ASSUMPTIONS.md` lists what no document of AWS states.
//!
//! Each service is also reached in process, for set-up and for what only a test may do: run tasks
//! ([`Ecs::attach_runner`]), report load ([`CloudWatch::report_cpu`]), break calls ([`Faults`]), count them ([`Calls`]).
//! Time is the runtime's: `tokio::time::pause` and `advance` move the model as they move its callers.
//!
//! ```
//! use hybridscaler_e2e_aws::{Aws, Effect, Fault, Service};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let aws = Aws::start().await?;
//! let url = aws.sqs().create_queue("orders")?;
//! assert_eq!(url, format!("{}/123456789012/orders", aws.endpoint()));
//! aws.sqs().send("orders", "hello")?;
//! assert_eq!(aws.sqs().depth("orders")?.visible, 1);
//!
//! aws.ecs().call("CreateCluster", json!({ "clusterName": "prod" }))?;
//! aws.faults().add(Fault::new(Service::Ecs, "UpdateService", Effect::Throttle).on("core-api").times(3));
//! # Ok(())
//! # }
//! ```

mod autoscaling;
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

pub use autoscaling::Autoscaling;
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
        let ecs = Ecs::new(clock);
        let model = Arc::new(Model {
            clock,
            calls: Calls::new(),
            faults: Faults::default(),
            identity: Identity::new(),
            sqs: Sqs::new(clock, endpoint.clone()),
            autoscaling: Autoscaling::new(clock, ecs.clone()),
            ecs,
            cloudwatch: CloudWatch::new(clock),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(model.ecs.clone().run());
        let served = Arc::clone(&model);
        tasks.spawn(async move { match server::serve(listener, served).await {} });
        Ok(Self { model, endpoint, _tasks: tasks })
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

    /// What Application Auto Scaling was told to scale.
    pub fn autoscaling(&self) -> &Autoscaling {
        &self.model.autoscaling
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
