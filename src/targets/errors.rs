//! Why a target could not be observed or written. The reasons are stable: they are condition reasons and metric labels.

use std::time::Duration;

use hybridscaler_core::reading::Unknown;

use crate::{
    aws::{Failure, Outcome},
    kubernetes::{self, KindError},
};

/// Why a target could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It, its kind or its cluster does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It exists but cannot be scaled, or not by us.
    #[error("{0}")]
    NotScalable(String),
    /// We have no right to read it.
    #[error("{0}")]
    Forbidden(String),
    /// We were asked to slow down.
    #[error("{0}")]
    Throttled(String),
    /// No answer, or none in time.
    #[error("{0}")]
    Unreachable(String),
    /// It answered with something that cannot be used.
    #[error("{0}")]
    Invalid(String),
}

/// Why a target was not written, or may have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It changed since it was observed: observe and decide again. No fault.
    #[error("the target changed since it was observed")]
    Conflict,
    /// It does not exist any more.
    #[error("{0}")]
    NotFound(String),
    /// We have no right to write it.
    #[error("{0}")]
    Forbidden(String),
    /// It, or a policy in front of it, does not accept the change.
    #[error("{0}")]
    Refused(String),
    /// We were asked to slow down; nothing was changed.
    #[error("{0}")]
    Throttled(String),
    /// It could not be reached: nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// An earlier write may still be carried out: nothing was sent.
    #[error("an earlier write may still be carried out: nothing is written for {} s", remaining.as_secs() + 1)]
    Held {
        /// How long no write will be sent yet.
        remaining: Duration,
    },
    /// No answer: the change may have been carried out, or may still be. Observe before anything else is decided.
    #[error("{0}")]
    UnknownOutcome(String),
}

impl TargetError {
    /// The reason as it stands in conditions and metric labels.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "TargetNotFound",
            Self::NotScalable(_) => "TargetNotScalable",
            Self::Forbidden(_) => "TargetForbidden",
            Self::Throttled(_) => "TargetThrottled",
            Self::Unreachable(_) => "TargetUnreachable",
            Self::Invalid(_) => "TargetInvalid",
        }
    }
}

impl WriteError {
    /// The reason as it stands in conditions and metric labels.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Conflict => "Conflict",
            Self::NotFound(_) => "TargetNotFound",
            Self::Forbidden(_) => "WriteForbidden",
            Self::Refused(_) => "WriteRefused",
            Self::Throttled(_) => "WriteThrottled",
            Self::Unreachable(_) => "TargetUnreachable",
            Self::Held { .. } => "WriteHeld",
            Self::UnknownOutcome(_) => "WriteOutcomeUnknown",
        }
    }
}

impl TargetError {
    fn new(why: Unknown, message: String) -> Self {
        match why {
            Unknown::NotFound => Self::NotFound(message),
            Unknown::Forbidden => Self::Forbidden(message),
            Unknown::Throttled => Self::Throttled(message),
            Unknown::Unreachable | Unknown::NotReadYet => Self::Unreachable(message),
            Unknown::Empty | Unknown::Invalid | Unknown::Stale => Self::Invalid(message),
        }
    }
}

impl From<Failure> for TargetError {
    fn from(Failure { why, message, .. }: Failure) -> Self {
        Self::new(why, message)
    }
}

impl From<kubernetes::Failure> for TargetError {
    fn from(kubernetes::Failure { why, message }: kubernetes::Failure) -> Self {
        Self::new(why, message)
    }
}

impl From<KindError> for TargetError {
    fn from(error: KindError) -> Self {
        match error {
            KindError::Failed(failure) => failure.into(),
            KindError::NotScalable(message) => Self::NotScalable(message),
        }
    }
}

impl From<Failure> for WriteError {
    fn from(Failure { why, outcome, message }: Failure) -> Self {
        if outcome == Outcome::Unknown {
            return Self::UnknownOutcome(message);
        }
        match why {
            Unknown::NotFound => Self::NotFound(message),
            Unknown::Forbidden => Self::Forbidden(message),
            Unknown::Throttled => Self::Throttled(message),
            _ => Self::Refused(message),
        }
    }
}

impl From<TargetError> for WriteError {
    /// What had to be read before the write could not be: nothing was sent.
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::NotFound(message) => Self::NotFound(message),
            TargetError::Forbidden(message) => Self::Forbidden(message),
            TargetError::Throttled(message) => Self::Throttled(message),
            TargetError::Unreachable(message) => Self::Unreachable(message),
            error => Self::Refused(error.to_string()),
        }
    }
}
