//! What a failed call means: why a value is unknown, whether a write may have been carried out, and what to mend.

use std::{error::Error, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use hybridscaler_core::reading::Unknown;

use super::Access;
use crate::text::{causes, chain, one_line};

/// Bytes of a cause at most, since messages end in a status that every watcher receives.
const CAUSE_LIMIT: usize = 600;

/// What a call needs in IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The action, such as `sqs:GetQueueAttributes`.
    pub action: &'static str,
    /// The ARN it acts on; `*` where IAM knows no narrower resource.
    pub resource: String,
}

/// Whether a failed call may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was refused, or never sent.
    NotCarriedOut,
    /// No answer says so: it may have been carried out, or may still be.
    Unknown,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The reason, as readings and conditions give it.
    pub why: Unknown,
    /// Whether the call may have changed something.
    pub outcome: Outcome,
    /// The call, its whole chain of causes and what to mend, in one line without secrets.
    pub message: String,
}

impl Failure {
    /// Reads `error`, which a call that needs `needs` and was made through `access` ended with.
    pub fn of<E>(error: &SdkError<E>, needs: &Permission, access: &Access) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        // Without credentials nothing is sent, so the fault lies in the chain of causes, not in the call.
        if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
            return Self::of_credentials(fault, needs, access);
        }
        let why = why(error);
        let outcome = match error {
            SdkError::ConstructionFailure(_) => Outcome::NotCarriedOut,
            // A refusal; an answer that cannot be read has a status too, and may come from something in between.
            SdkError::ServiceError(answer) if answer.raw().status().is_client_error() => Outcome::NotCarriedOut,
            _ => Outcome::Unknown,
        };
        Self { why, outcome, message: message(&cause(error), why, needs) }
    }

    fn of_credentials(error: &CredentialsError, needs: &Permission, access: &Access) -> Self {
        let refused = causes(error).find_map(|cause| cause.downcast_ref::<SdkError<AssumeRoleError>>());
        let (why, message) = if let (Some(refused), Some(role)) = (refused, &access.role_arn) {
            let (action, resource) = ("sts:AssumeRole", role.clone());
            let why = why(refused);
            (why, message(&cause(refused), why, &Permission { action, resource }))
        } else {
            let why = match error {
                CredentialsError::ProviderTimedOut(_) => Unknown::Unreachable,
                _ => Unknown::Forbidden,
            };
            let Permission { action, resource } = needs;
            let cause = short(&chain(error));
            let lack = format!("the operator has no AWS credentials ({cause}); give its pod a role");
            (why, format!("{action} on {resource}: {lack}"))
        };
        Self { why, outcome: Outcome::NotCarriedOut, message }
    }
}

impl fmt::Display for Permission {
    /// A policy statement to paste.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, resource } = self;
        write!(f, r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
    }
}

fn message(cause: &str, why: Unknown, needs: &Permission) -> String {
    let Permission { action, resource } = needs;
    match why {
        Unknown::Forbidden => format!("{action} on {resource}: {cause}; allow it with {needs}"),
        _ => format!("{action} on {resource}: {cause}"),
    }
}

fn why<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Unknown {
    match error {
        SdkError::ServiceError(answer) => of_answer(error.code().unwrap_or_default(), answer.raw().status().as_u16()),
        SdkError::ConstructionFailure(_) | SdkError::ResponseError(_) => Unknown::Invalid,
        _ => Unknown::Unreachable,
    }
}

/// The reason behind an error code. SQS gives the codes of its older protocol
/// (`AWS.SimpleQueueService.NonExistentQueue`) too.
fn of_answer(code: &str, status: u16) -> Unknown {
    let code = code.rsplit('.').next().unwrap_or(code);
    let code = code.strip_suffix("Exception").unwrap_or(code);
    match code {
        "AccessDenied"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "ExpiredToken"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "OptInRequired"
        | "InvalidSecurity" => Unknown::Forbidden,
        "QueueDoesNotExist" | "NonExistentQueue" | "ClusterNotFound" | "ServiceNotFound" | "ServiceNotActive"
        | "ResourceNotFound" => Unknown::NotFound,
        "Throttling"
        | "Throttled"
        | "ThrottledRequest"
        | "RequestThrottled"
        | "RequestThrottledRequest"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "OverLimit" => Unknown::Throttled,
        _ if status == 429 => Unknown::Throttled,
        _ if status >= 500 => Unknown::Unreachable,
        _ if status == 401 || status == 403 => Unknown::Forbidden,
        _ => Unknown::Invalid,
    }
}

/// What the service said, or what kept us from hearing it.
fn cause<E: Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> String {
    let SdkError::ServiceError(answer) = error else {
        return short(&chain(error));
    };
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => short(&format!("{message} ({code})")),
        (Some(code), None) => code.to_owned(),
        (None, _) => format!("{} (HTTP {})", short(&chain(answer.err())), answer.raw().status()),
    }
}

/// One line of at most [`CAUSE_LIMIT`] bytes.
fn short(text: &str) -> String {
    let mut line = one_line(text);
    if line.len() > CAUSE_LIMIT {
        line.truncate(line.floor_char_boundary(CAUSE_LIMIT));
        line.push_str(" ...");
    }
    line
}
