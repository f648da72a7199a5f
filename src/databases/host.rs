//! A place that is connected to.

use std::fmt;

/// One host that may be connected to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// A name or an IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl HostPort {
    /// Whether a text can be a host's name or address. It may be a piece of a password instead, with an `@` in it.
    pub(super) fn is_host(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}
