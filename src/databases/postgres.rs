//! PostgreSQL's limits, read over one connection that is kept.
//!
//! One connection a budget, whatever the number of scalers: an autoscaler must not eat the budget it keeps. Its
//! `application_name` is `hybridscaler/UID` with the budget's UID, so that a second ledger on the same database can be
//! seen.

mod address;
mod limits;
mod session;
mod tls;

use std::{sync::Arc, time::Duration};

use hybridscaler_core::budget::PostgresLimits;
use tokio::{sync::Mutex, time::Instant};

use self::{address::Address, session::Session};
pub use self::{address::HostPort, tls::Roots};
use super::DatabaseError;

/// The wait before connecting again after the first failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait before connecting again.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// A PostgreSQL server whose limits are read. It holds at most one connection; dropping it closes that. Cloning is
/// cheap and shares it.
#[derive(Clone, Debug)]
pub struct Postgres(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    address: Address,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    session: Option<Session>,
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

impl Postgres {
    /// Does not connect yet. Of a connection URL (`postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE&…`) is
    /// honoured:
    ///
    /// - `sslmode`, with libpq's meaning: `disable`; `prefer` (the default; also for `allow`): TLS if the server offers
    ///   it, certificate not checked; `require`: TLS, certificate not checked; `verify-ca`: a certificate that `roots`
    ///   vouch for; `verify-full`: and that names the host. Only `verify-full` keeps a password from an impostor: use
    ///   it.
    /// - several hosts, `target_session_attrs`, `connect_timeout` (at most 5 s a host).
    ///
    /// Refused: `hostaddr` and Unix sockets, since hosts are what operators trust; options that tokio-postgres does not
    /// know.
    pub fn new(url: &str, budget_uid: &str, roots: &Roots) -> Result<Self, DatabaseError> {
        let address = Address::parse(url, budget_uid, roots)?;
        Ok(Self(Arc::new(Shared { address, state: Mutex::default() })))
    }

    /// Every host that may be connected to, for the check against what the operator trusts.
    pub fn hosts(&self) -> &[HostPort] {
        self.0.address.hosts()
    }

    /// Reads the server's limits, in one round trip over the kept connection; connects first if there is none. After a
    /// failure it waits before it connects again (1 s, doubled each time, at most 60 s), and gives the last error
    /// meanwhile.
    pub async fn read(&self) -> Result<PostgresLimits, DatabaseError> {
        let Shared { address, state } = &*self.0;
        let mut state = state.lock().await;
        // An error on an open session means that the server was restarted or failed over: a new connection tells.
        if let Some(session) = state.session.take().filter(Session::is_open)
            && let Ok(limits) = session.limits(address).await
        {
            state.session = Some(session);
            return Ok(limits);
        }
        if let Some(failed) = state.failed.as_ref().filter(|failed| Instant::now() < failed.again) {
            return Err(failed.error.clone());
        }
        let read = async {
            let session = Session::open(address).await?;
            let limits = session.limits(address).await?;
            Ok((session, limits))
        };
        match read.await {
            Ok((session, limits)) => {
                *state = State { session: Some(session), failed: None };
                Ok(limits)
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
