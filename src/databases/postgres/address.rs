//! A connection string, read and made safe: who is connected to, and how. Nothing of it is repeated in an error, since
//! any piece of a misread string may be a piece of the password.

use std::{fmt, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::answer::APPLICATION;
use crate::databases::{
    DatabaseError, HostPort,
    tls::{Roots, Verify, client_config},
};

/// The longest that connecting to one address of a host may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that is idle so long is probed, so that a lost server is noticed before the next read.
const KEEPALIVE: Duration = Duration::from_secs(30);
const DEFAULT_PORT: u16 = 5432;

/// Where and how to connect.
///
/// Of a connection URL (`postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE&…`) is honoured:
///
/// - `sslmode`, with libpq's meaning: `disable`; `prefer` (the default; also for `allow`): TLS if the server offers it,
///   certificate not checked; `require`: TLS, certificate not checked; `verify-ca`: a certificate that the roots vouch
///   for; `verify-full`: and that names the host. Only `verify-full` keeps a password from an impostor: use it.
/// - several hosts, `target_session_attrs`, `connect_timeout` (at most 5 s a host).
///
/// Refused: `hostaddr` and Unix sockets, since hosts are what operators trust; options that tokio-postgres does not
/// know.
pub(in crate::databases) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// Every host that may be connected to: a connection string may name several.
    hosts: Vec<HostPort>,
}

impl Address {
    pub(in crate::databases) fn parse(url: &str, budget_uid: &str, roots: &Roots) -> Result<Self, DatabaseError> {
        let (mut config, mode) = parse(url)?;
        let hosts = hosts(&config)?;
        if config.get_user().is_none_or(str::is_empty) {
            return Err(unusable("it names no user"));
        }
        let timeout = config.get_connect_timeout().map_or(CONNECT_TIMEOUT, |given| CONNECT_TIMEOUT.min(*given));
        config
            .application_name(format!("{APPLICATION}{budget_uid}"))
            .connect_timeout(timeout)
            .keepalives_idle(KEEPALIVE)
            .ssl_mode(mode.ssl_mode());
        let tls = client_config(mode.verify(), roots).map_err(|error| unusable(error.to_string()))?;
        let tls = MakeRustlsConnect::new(tls);
        Ok(Self { config, tls, hosts })
    }

    pub(in crate::databases) fn hosts(&self) -> &[HostPort] {
        &self.hosts
    }

    pub(super) fn user(&self) -> String {
        self.config.get_user().unwrap_or_default().to_owned()
    }

    /// All hosts, for a message.
    pub(super) fn host(&self) -> String {
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The longest that connecting may take, with TLS, the password and all hosts.
    pub(super) fn time_limit(&self) -> Duration {
        CONNECT_TIMEOUT.saturating_mul(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX))
    }
}

/// `sslmode`, as libpq has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            // We offer TLS first where libpq would offer it second: both end with or without it, as the server likes.
            "allow" | "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            "verify-ca" => Some(Self::VerifyCa),
            "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }

    const fn ssl_mode(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }

    const fn verify(self) -> Verify {
        match self {
            Self::Disable | Self::Prefer | Self::Require => Verify::Nothing,
            Self::VerifyCa => Verify::Chain,
            Self::VerifyFull => Verify::ChainAndName,
        }
    }
}

/// tokio-postgres knows three of libpq's modes, so `sslmode` is taken out before it reads the rest.
fn parse(url: &str) -> Result<(Config, Mode), DatabaseError> {
    const FORM: &str = "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, special \
                        characters percent-encoded";
    let url = url.trim();
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(unusable(format!("it is no postgres:// URL: {FORM}")));
    }
    let after_credentials = url.find('@').map_or(0, |at| at + 1);
    let (credentials, rest) = url.split_at_checked(after_credentials).unwrap_or(("", url));
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut mode = Mode::Prefer;
    let mut others = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("sslmode", text)) => {
                mode = Mode::parse(text).ok_or_else(|| {
                    unusable("its sslmode is not one of disable, allow, prefer, require, verify-ca, verify-full")
                })?;
            }
            Some(("sslrootcert", _)) => {
                return Err(unusable(
                    "its sslrootcert is not supported: leave it out, and name the file with the operator's --database-ca-file",
                ));
            }
            _ => others.push(option),
        }
    }
    // The cause may quote the string: an unescaped character of the password makes an option of what follows it.
    let config = format!("{credentials}{place}?{}", others.join("&"))
        .parse::<Config>()
        .map_err(|_| unusable(format!("it cannot be read: {FORM}")))?;
    Ok((config, mode))
}

/// The same pairs that tokio-postgres makes of hosts and ports.
fn hosts(config: &Config) -> Result<Vec<HostPort>, DatabaseError> {
    if !config.get_hostaddrs().is_empty() {
        return Err(unusable("it sets hostaddr: name the host instead, which is what operators trust"));
    }
    let (hosts, ports) = (config.get_hosts(), config.get_ports());
    if hosts.is_empty() {
        return Err(unusable("it names no host"));
    }
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(unusable("it names several ports, but not one for each host"));
    }
    let port = |index| ports.get(index).or_else(|| ports.first()).copied().unwrap_or(DEFAULT_PORT);
    let named = hosts.iter().enumerate().map(|(index, host)| match host {
        Host::Tcp(host) if HostPort::is_host(host) => Ok(HostPort { host: host.clone(), port: port(index) }),
        // Such as a piece of a password with an @ in it.
        Host::Tcp(_) => {
            Err(unusable("its host is no name or address: percent-encode special characters of the password"))
        }
        Host::Unix(_) => Err(unusable("its host is a Unix socket, which the operator does not share: name a host")),
    });
    named.collect()
}

fn unusable(why: impl Into<String>) -> DatabaseError {
    DatabaseError::ConnectionString(why.into())
}

impl fmt::Debug for Address {
    /// Without the configuration: it holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
