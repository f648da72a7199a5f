//! The services the model speaks for, and the place it stands in.

use std::fmt;

/// The one region of the model.
pub const REGION: &str = "eu-west-1";

/// The one account of the model.
pub const ACCOUNT: &str = "123456789012";

/// A service of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Simple Queue Service, AWS JSON 1.0.
    Sqs,
    /// Elastic Container Service, AWS JSON 1.1.
    Ecs,
    /// Application Auto Scaling, AWS JSON 1.1.
    Autoscaling,
    /// CloudWatch metrics, Smithy RPC v2 CBOR.
    CloudWatch,
    /// Security Token Service, AWS Query.
    Sts,
}

impl Service {
    /// The prefix of its actions in policies, as in `sqs:SendMessage`.
    pub(crate) fn action_prefix(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Ecs => "ecs",
            Self::Autoscaling => "application-autoscaling",
            Self::CloudWatch => "cloudwatch",
            Self::Sts => "sts",
        }
    }

    /// The name a request to it must be signed for.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            Self::Sqs | Self::Ecs | Self::Autoscaling | Self::Sts => self.action_prefix(),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqs => "SQS",
            Self::Ecs => "ECS",
            Self::Autoscaling => "Application Auto Scaling",
            Self::CloudWatch => "CloudWatch",
            Self::Sts => "STS",
        })
    }
}
