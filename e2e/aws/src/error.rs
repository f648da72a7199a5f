//! Errors as the services answer them: code, HTTP status, message, and the older code of the Query protocol.

use std::borrow::Cow;

use crate::Service;

/// Who names the error: the service's own API model, or the platform in front of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Service,
    Platform,
}

/// An error answer of the served API.
///
/// `code` is the name of the error's shape (`QueueDoesNotExist`). SQS, CloudWatch and STS also have an older code
/// from the Query protocol (`AWS.SimpleQueueService.NonExistentQueue`), which they still send in the header
/// `x-amzn-query-error` and which current SDKs report instead of the shape's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    pub(crate) code: Cow<'static, str>,
    pub(crate) query_code: Option<Cow<'static, str>>,
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) origin: Origin,
}

impl AwsError {
    /// A fault of the caller: HTTP status 400.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), query_code: None, status: 400, message: message.into(), origin: Origin::Service }
    }

    /// The same error with another HTTP status; 500 and above is reported as the service's fault.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same error with the code of the older Query protocol.
    #[must_use]
    pub fn query_code(self, code: impl Into<Cow<'static, str>>) -> Self {
        Self { query_code: Some(code.into()), ..self }
    }

    /// The code current SDKs report: the Query protocol's where there is one.
    pub fn code(&self) -> &str {
        self.query_code.as_ref().unwrap_or(&self.code)
    }

    /// The sentence that came with the error.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// `Sender` or `Receiver`, as the Query protocol calls the two sides.
    pub(crate) fn fault(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }
}

/// Why a request is refused before the service itself looks at it.
///
/// The codes differ between services: those of AWS JSON 1.1 answer 400 with the `…Exception` name; the services that
/// once spoke the Query protocol answer 403 and report its shorter name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No `Authorization` header.
    NoToken,
    /// An `Authorization` header that is not one of Signature Version 4.
    Malformed(String),
    /// An access key nobody issued, or a session token that is not its own.
    UnknownKey,
    /// Temporary credentials past their expiration.
    Expired,
    /// A signature made for another region or service.
    WrongScope(String),
    /// The principal may not do this.
    Denied { principal: String, action: String, resource: String },
    /// Too many requests.
    Throttled,
    /// An operation this service does not have.
    UnknownOperation,
    /// A body that is not what the operation takes.
    Unreadable(String),
}

impl Refusal {
    /// The answer of `service`.
    pub(crate) fn of(self, service: Service) -> AwsError {
        let error = match self {
            Self::NoToken => forbidden(
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                "Missing Authentication Token",
            ),
            Self::Malformed(what) => forbidden("IncompleteSignatureException", "IncompleteSignature", what),
            Self::UnknownKey => forbidden(
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
            Self::Expired => forbidden(
                "ExpiredTokenException",
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
            Self::WrongScope(what) => forbidden("InvalidSignatureException", "SignatureDoesNotMatch", what),
            Self::Denied { principal, action, resource } => forbidden(
                "AccessDeniedException",
                "AccessDenied",
                format!(
                    "User: {principal} is not authorized to perform: {action} on resource: {resource} because no \
                     identity-based policy allows the {action} action"
                ),
            ),
            // SQS has a throttling error of its own in its API model.
            Self::Throttled if service == Service::Sqs => AwsError::new("RequestThrottled", "Rate exceeded"),
            Self::Throttled => platform("ThrottlingException", "Throttling", "Rate exceeded"),
            Self::UnknownOperation => platform(
                "UnknownOperationException",
                "InvalidAction",
                "The requested operation is not recognized by the service.",
            ),
            Self::Unreadable(what) => platform("SerializationException", "MalformedInput", what),
        };
        match service {
            Service::Ecs | Service::Autoscaling => AwsError { query_code: None, status: 400, ..error },
            Service::Sqs | Service::CloudWatch | Service::Sts => error,
        }
    }
}

fn platform(code: &'static str, query_code: &'static str, message: impl Into<String>) -> AwsError {
    AwsError { origin: Origin::Platform, ..AwsError::new(code, message).query_code(query_code) }
}

fn forbidden(code: &'static str, query_code: &'static str, message: impl Into<String>) -> AwsError {
    platform(code, query_code, message).status(403)
}
