//! Everything behind the endpoint.

use crate::{Autoscaling, Calls, CloudWatch, Ecs, Faults, Identity, Sqs, clock::Clock};

/// The services and what stands in front of them.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) clock: Clock,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) identity: Identity,
    pub(crate) sqs: Sqs,
    pub(crate) ecs: Ecs,
    pub(crate) autoscaling: Autoscaling,
    pub(crate) cloudwatch: CloudWatch,
}
