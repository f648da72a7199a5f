//! Where load is read, apart from deciding: [`Sources`] polls each distinct [`Source`] once, however many scalers watch
//! it, keeps its newest [`Reading`], and says who has to look again. A reconcile never waits for AWS.

mod counts;
mod ecs_cpu;
mod pace;
mod poll;
mod schedule;
mod sources;
mod sqs;
mod wakes;

use hybridscaler_core::reading::Reading;

pub use self::{
    counts::Count,
    schedule::{Schedule, Window},
    sources::Sources,
};
use crate::aws::{Aws, Failure, Queue, Service};

/// One place where load is read. Two triggers with equal sources share one reader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The messages of an SQS queue: waiting, held by consumers, delayed.
    Sqs(Queue),
    /// The CPU of an ECS service, as CloudWatch has it: percent of what its tasks reserve.
    EcsCpu(Service),
}

/// The kind of a source: a label of bounded variety for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// [`Source::Sqs`].
    Sqs,
    /// [`Source::EcsCpu`].
    EcsCpu,
}

impl Source {
    /// Asks the source once. What cannot be read is unknown, never zero.
    pub async fn read(&self, aws: &Aws) -> Reading {
        match self {
            Self::Sqs(queue) => sqs::read(queue, aws).await,
            Self::EcsCpu(service) => ecs_cpu::read(service, aws).await,
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Sqs(_) => SourceKind::Sqs,
            Self::EcsCpu(_) => SourceKind::EcsCpu,
        }
    }
}

impl SourceKind {
    /// The kind as it stands in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::EcsCpu => "ecs_cpu",
        }
    }
}

impl From<Failure> for Reading {
    fn from(Failure { why, message, .. }: Failure) -> Self {
        Self::unknown(why, message)
    }
}
