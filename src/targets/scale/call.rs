//! Calls to the API server: each has a time limit, and its error says what it was about.

use std::{fmt, time::Duration};

use kube::{Api, Error, api::ListParams, core::Status};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::targets::{TargetError, WriteError};

/// The longest that one request may take; the client itself has no limit for an answer that does not come.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Objects a page: bounds what one answer holds.
const PAGE: u32 = 500;

/// Carries out a read about `what`.
pub(super) async fn read<T>(
    what: &impl fmt::Display,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, TargetError> {
    match timeout(CALL_LIMIT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(of_read(what, error)),
        Err(_) => Err(TargetError::Unreachable(no_answer(what))),
    }
}

/// Carries out a write of `what`.
pub(super) async fn write<T>(
    what: &impl fmt::Display,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, WriteError> {
    match timeout(CALL_LIMIT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(of_write(what, error)),
        Err(_) => Err(WriteError::UnknownOutcome(no_answer(what))),
    }
}

/// Lists what `selector` selects, by quorum; all pages are of one moment.
pub(super) async fn list_all<K>(what: &impl fmt::Display, api: &Api<K>, selector: &str) -> Result<Vec<K>, TargetError>
where
    K: Clone + fmt::Debug + DeserializeOwned,
{
    let mut params = ListParams::default().labels(selector).limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = read(what, api.list(&params)).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

fn of_read(what: &impl fmt::Display, error: Error) -> TargetError {
    match error {
        Error::Api(status) => {
            let message = said(what, &status);
            match status.code {
                404 => TargetError::NotFound(message),
                401 | 403 => TargetError::Forbidden(format!("{message}; allow it in a Role of the operator")),
                429 => TargetError::Throttled(message),
                500.. => TargetError::Unreachable(message),
                _ => TargetError::Invalid(message),
            }
        }
        Error::SerdeError(_) | Error::FromUtf8(_) | Error::BuildRequest(_) => {
            TargetError::Invalid(format!("{what}: {error}"))
        }
        error => TargetError::Unreachable(format!("{what}: the API server cannot be reached: {error}")),
    }
}

fn of_write(what: &impl fmt::Display, error: Error) -> WriteError {
    match error {
        Error::Api(status) => {
            let message = said(what, &status);
            match status.code {
                409 => WriteError::Conflict,
                404 => WriteError::NotFound(message),
                401 | 403 => WriteError::Forbidden(format!("{message}; allow it in a Role of the operator")),
                429 => WriteError::Throttled(message),
                500.. => WriteError::UnknownOutcome(message),
                _ => WriteError::Refused(message),
            }
        }
        Error::BuildRequest(_) => WriteError::Refused(format!("{what}: {error}")),
        error => WriteError::UnknownOutcome(format!("{what}: {error}")),
    }
}

/// The server's own words name the user, the verb and the resource.
fn said(what: &impl fmt::Display, status: &Status) -> String {
    let Status { message, reason, code, .. } = status;
    if message.is_empty() { format!("{what}: {reason} ({code})") } else { format!("{what}: {message}") }
}

fn no_answer(what: &impl fmt::Display) -> String {
    format!("{what}: the API server gave no answer within {} s", CALL_LIMIT.as_secs())
}
