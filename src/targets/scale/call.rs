//! Writes to the API server: each has a time limit, and its error says what it was about.

use std::fmt;

use kube::Error;
use tokio::time::timeout;

use crate::{
    kubernetes::{CALL_LIMIT, no_answer, said},
    targets::WriteError,
};

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
