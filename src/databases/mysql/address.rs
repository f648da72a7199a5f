//! A connection URL, read and made safe: who is connected to, and how. Nothing of it is repeated in an error, since any
//! piece of a misread URL may be a piece of the password.

use std::{fmt, time::Duration};

use mysql_async::{Opts, OptsBuilder, SslOpts};

use super::presence;
use crate::databases::{DatabaseError, HostPort, Roots, tls::TlsError};

/// A connection that is idle so long is probed, so that a lost server is noticed before the next read.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// After so long without a read the server closes the connection: that of a machine that was lost would keep its slot for
/// eight hours. A bit more than the longest time between two reads, an hour.
const IDLE: &str = "SET SESSION wait_timeout = 3700";
/// The client's own limits on packets, in bytes, and on being idle, in seconds. It asks the server for them otherwise.
const MAX_PACKET: usize = 1 << 20;
const CLIENT_IDLE: usize = 3_700;

const FORM: &str = "write it as mysql://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded";

/// Where and how to connect.
///
/// Of a connection URL (`mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=MODE`) is honoured `ssl-mode`, with the
/// meaning that MySQL's own clients give it: `DISABLED`; `REQUIRED`: TLS, certificate not checked; `VERIFY_IDENTITY`: a
/// certificate that the roots vouch for and that names the host. The last is the default, since only it keeps a password
/// from an impostor. The database may be left out. Refused: every other option, and Unix sockets.
pub(in crate::databases) struct Address {
    pub(super) opts: Opts,
    host: HostPort,
    /// How budgets notice each other on the server.
    pub(super) presence: String,
}

impl Address {
    pub(in crate::databases) fn parse(url: &str, budget_uid: &str, roots: &Roots) -> Result<Self, DatabaseError> {
        let url = url.trim();
        if !url.starts_with("mysql://") {
            return Err(unusable(format!("it is no mysql:// URL: {FORM}")));
        }
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mode = mode(query)?;
        // The cause may quote the URL.
        let opts = Opts::from_url(place).map_err(|_| unusable(format!("it cannot be read: {FORM}")))?;
        // An IPv6 address comes in the brackets that it has in URLs.
        let name = opts.ip_or_hostname().trim_start_matches('[').trim_end_matches(']').to_owned();
        let host = HostPort { host: name, port: opts.tcp_port() };
        if !HostPort::is_host(&host.host) {
            return Err(unusable("its host is no name or address: percent-encode special characters of the password"));
        }
        if opts.user().is_none_or(str::is_empty) {
            return Err(unusable("it names no user"));
        }
        let opts = OptsBuilder::from_opts(opts)
            .ip_or_hostname(&host.host)
            .ssl_opts(mode.ssl_opts(roots)?)
            // A socket is nobody's host, and hosts are what operators trust.
            .prefer_socket(false)
            .tcp_keepalive(Some(KEEPALIVE))
            .connect_attribute("program_name", format!("hybridscaler/{budget_uid}"))
            .max_allowed_packet(Some(MAX_PACKET))
            .wait_timeout(Some(CLIENT_IDLE))
            .init(vec![IDLE]);
        Ok(Self { opts: opts.into(), host, presence: presence::query(budget_uid) })
    }

    pub(in crate::databases) fn host(&self) -> &HostPort {
        &self.host
    }

    pub(super) fn user(&self) -> String {
        self.opts.user().unwrap_or_default().to_owned()
    }
}

/// `ssl-mode`, as MySQL has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disabled,
    Required,
    VerifyIdentity,
}

impl Mode {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "DISABLED" => Some(Self::Disabled),
            "REQUIRED" => Some(Self::Required),
            "VERIFY_IDENTITY" => Some(Self::VerifyIdentity),
            _ => None,
        }
    }

    fn ssl_opts(self, roots: &Roots) -> Result<Option<SslOpts>, DatabaseError> {
        let any = || SslOpts::default().with_danger_accept_invalid_certs(true);
        let verified = || {
            let certificates: Vec<_> = roots.certificates().iter().map(|der| der.to_vec().into()).collect();
            if certificates.is_empty() {
                return Err(unusable(TlsError::NoRoots.to_string()));
            }
            Ok(SslOpts::default().with_root_certs(certificates).with_disable_built_in_roots(true))
        };
        Ok(match self {
            Self::Disabled => None,
            Self::Required => Some(any()),
            Self::VerifyIdentity => Some(verified()?),
        })
    }
}

fn mode(query: &str) -> Result<Mode, DatabaseError> {
    let mut mode = Mode::VerifyIdentity;
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let Some(("ssl-mode", text)) = option.split_once('=') else {
            return Err(unusable(format!("it has an option that is not supported, only ssl-mode is; or {FORM}")));
        };
        mode = Mode::parse(text)
            .ok_or_else(|| unusable("its ssl-mode is not one of DISABLED, REQUIRED, VERIFY_IDENTITY"))?;
    }
    Ok(mode)
}

fn unusable(why: impl Into<String>) -> DatabaseError {
    DatabaseError::ConnectionString(why.into())
}

impl fmt::Debug for Address {
    /// Without the options: they hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
