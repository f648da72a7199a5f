//! One connection, kept as long as it serves, and made anew with growing patience when it does not.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

use super::{DatabaseError, Reading};

/// The wait before connecting again after the first failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait before connecting again.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// An open connection. Dropping it closes it. Each of its methods bounds its own time.
pub(super) trait Session: Sized + Send {
    /// Where and how to connect.
    type Address: Sync;

    /// Connects.
    fn open(address: &Self::Address) -> impl Future<Output = Result<Self, DatabaseError>> + Send;

    /// Asks the server. After an error the session is not used again.
    fn read(&mut self, address: &Self::Address) -> impl Future<Output = Result<Reading, DatabaseError>> + Send;
}

/// The one connection to a server.
pub(super) struct Kept<S: Session> {
    address: S::Address,
    state: Mutex<State<S>>,
}

#[derive(Debug)]
struct State<S> {
    session: Option<S>,
    failed: Option<Failed>,
}

/// The last attempt to connect, if it failed.
#[derive(Debug)]
struct Failed {
    error: DatabaseError,
    /// In a row.
    times: u32,
    again: Instant,
}

impl<S: Session> Kept<S> {
    /// Does not connect yet.
    pub(super) fn new(address: S::Address) -> Self {
        Self { address, state: Mutex::new(State { session: None, failed: None }) }
    }

    pub(super) fn address(&self) -> &S::Address {
        &self.address
    }

    /// Asks the server over the kept connection; connects first if there is none, unless that failed a moment ago.
    pub(super) async fn read(&self) -> Result<Reading, DatabaseError> {
        let Self { address, state } = self;
        let mut state = state.lock().await;
        // An error on an open session means that the server was restarted or failed over: a new connection tells.
        if let Some(mut session) = state.session.take()
            && let Ok(reading) = session.read(address).await
        {
            state.session = Some(session);
            return Ok(reading);
        }
        if let Some(failed) = state.failed.as_ref().filter(|failed| Instant::now() < failed.again) {
            return Err(failed.error.clone());
        }
        let read = async {
            let mut session = S::open(address).await?;
            let reading = session.read(address).await?;
            Ok((session, reading))
        };
        match read.await {
            Ok((session, reading)) => {
                *state = State { session: Some(session), failed: None };
                Ok(reading)
            }
            Err(error) => {
                let times = state.failed.as_ref().map_or(0, |failed| failed.times).saturating_add(1);
                let again = Instant::now() + retry_after(times, rand::random());
                state.failed = Some(Failed { error: DatabaseError::clone(&error), times, again });
                Err(error)
            }
        }
    }
}

impl<S: Session<Address: std::fmt::Debug>> std::fmt::Debug for Kept<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Doubled with each failure in a row, then anything between half and all of it; `chance` is drawn evenly from 0 to 1.
fn retry_after(times: u32, chance: f64) -> Duration {
    let doubled = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1)));
    doubled.min(LONGEST_RETRY).mul_f64(chance.mul_add(0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_server_is_tried_again_ever_more_rarely_but_every_minute() {
        let earliest = |times| retry_after(times, 0.0).as_millis();
        let latest = |times| retry_after(times, 1.0).as_millis();
        assert_eq!([1, 2, 3, 6, 7, 100].map(latest), [1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
        assert_eq!([1, 2, 3, 6, 7, 100].map(earliest), [500, 1_000, 2_000, 16_000, 30_000, 30_000]);
    }
}
