//! One call, and what its failure means.

use std::{fmt, time::Duration};

use hybridscaler_core::reading::Unknown;
use kube::{Api, Error, api::ListParams, core::Status};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// The longest that one request may take; the client itself has no limit for an answer that does not come.
pub const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Objects a page: bounds what one answer holds.
const PAGE: u32 = 500;

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The reason, as readings and conditions give it.
    pub why: Unknown,
    /// What was read and the server's own words.
    pub message: String,
}

impl Failure {
    /// A failure with a message of our own.
    pub fn new(why: Unknown, message: impl Into<String>) -> Self {
        Self { why, message: message.into() }
    }

    fn of(what: &impl fmt::Display, error: Error) -> Self {
        match error {
            Error::Api(status) => {
                let message = said(what, &status);
                match status.code {
                    404 => Self::new(Unknown::NotFound, message),
                    401 | 403 => {
                        Self::new(Unknown::Forbidden, format!("{message}; allow it in a Role of the operator"))
                    }
                    429 => Self::new(Unknown::Throttled, message),
                    500.. => Self::new(Unknown::Unreachable, message),
                    _ => Self::new(Unknown::Invalid, message),
                }
            }
            Error::SerdeError(_) | Error::FromUtf8(_) | Error::BuildRequest(_) => {
                Self::new(Unknown::Invalid, format!("{what}: {error}"))
            }
            error => Self::new(Unknown::Unreachable, format!("{what}: the API server cannot be reached: {error}")),
        }
    }
}

/// Carries out a read about `what`.
///
/// # Errors
/// The call failed, or gave no answer within [`CALL_LIMIT`].
pub async fn read<T>(what: &impl fmt::Display, call: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match timeout(CALL_LIMIT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::of(what, error)),
        Err(_) => Err(Failure::new(Unknown::Unreachable, no_answer(what))),
    }
}

/// Lists what `selector` selects, by quorum; all pages are of one moment.
///
/// # Errors
/// A page cannot be read.
pub async fn list_all<K>(what: &impl fmt::Display, api: &Api<K>, selector: &str) -> Result<Vec<K>, Failure>
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

/// The server's own words name the user, the verb and the resource.
pub(crate) fn said(what: &impl fmt::Display, status: &Status) -> String {
    let Status { message, reason, code, .. } = status;
    if message.is_empty() { format!("{what}: {reason} ({code})") } else { format!("{what}: {message}") }
}

pub(crate) fn no_answer(what: &impl fmt::Display) -> String {
    format!("{what}: the API server gave no answer within {} s", CALL_LIMIT.as_secs())
}
