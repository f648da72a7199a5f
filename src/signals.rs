//! Where load is read, apart from deciding: [`Sources`] polls each distinct [`Source`] once, however many scalers watch
//! it, keeps its newest [`Reading`], and says who has to look again. A reconcile never waits for AWS or a metrics API.

mod cluster;
mod counts;
mod ecs_cpu;
mod external;
mod pace;
mod pod_cpu;
mod poll;
mod schedule;
mod sources;
mod sqs;
mod wakes;

use hybridscaler_core::reading::Reading;

use kube::Client;

use self::cluster::Cluster;
pub use self::{
    counts::Count,
    external::ExternalMetric,
    pod_cpu::{Compared, PodCpu},
    schedule::{Schedule, Window},
    sources::Sources,
};
use crate::{
    api::rbac::ServiceAccount,
    aws::{Aws, Failure, Queue, Service},
};

/// One place where load is read. Two triggers with equal sources share one reader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The messages of an SQS queue: waiting, held by consumers, delayed.
    Sqs(Queue),
    /// The CPU of an ECS service, as CloudWatch has it: percent of what its tasks reserve.
    EcsCpu(Service),
    /// The CPU of a Kubernetes workload's pods, as the metrics API has it.
    PodCpu(PodCpu),
    /// A metric from outside, as the external metrics API has it.
    External(ExternalMetric),
}

/// What sources are read with. Cloning is cheap.
#[derive(Clone)]
pub struct Readers {
    aws: Aws,
    cluster: Cluster,
}

/// The kind of a source: a label of bounded variety for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// [`Source::Sqs`].
    Sqs,
    /// [`Source::EcsCpu`].
    EcsCpu,
    /// [`Source::PodCpu`].
    PodCpu,
    /// [`Source::External`].
    External,
}

impl Readers {
    /// `client` must not repeat requests by itself (`kube::Config::default_retry = false`): nothing would bound the time of a poll.
    /// `account` is whom it calls as, for the Roles that refusals print.
    pub fn new(aws: Aws, client: Client, account: ServiceAccount) -> Self {
        Self { aws, cluster: Cluster::new(client, account) }
    }
}

impl Source {
    /// Asks the source once. What cannot be read is unknown, never zero.
    pub async fn read(&self, Readers { aws, cluster }: &Readers) -> Reading {
        match self {
            Self::Sqs(queue) => sqs::read(queue, aws).await,
            Self::EcsCpu(service) => ecs_cpu::read(service, aws).await,
            Self::PodCpu(cpu) => pod_cpu::read(cpu, cluster).await,
            Self::External(metric) => external::read(metric, cluster).await,
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Sqs(_) => SourceKind::Sqs,
            Self::EcsCpu(_) => SourceKind::EcsCpu,
            Self::PodCpu(_) => SourceKind::PodCpu,
            Self::External(_) => SourceKind::External,
        }
    }
}

impl SourceKind {
    /// The kind as it stands in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::EcsCpu => "ecs_cpu",
            Self::PodCpu => "pod_cpu",
            Self::External => "external",
        }
    }
}

impl From<Failure> for Reading {
    fn from(Failure { why, message, .. }: Failure) -> Self {
        Self::unknown(why, message)
    }
}
