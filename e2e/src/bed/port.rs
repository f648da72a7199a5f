//! Free ports for programs that must be told theirs.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Reserves a free loopback port for a program that we are about to start.
///
/// The kernel picks the port; a connection that we accept and close first then leaves it in `TIME_WAIT`. For a minute
/// the kernel gives it to nobody who asks for any port, while a server that binds it by number with `SO_REUSEADDR`,
/// as Go's and PostgreSQL's do, gets it. Merely closing the listener would leave it to whoever asks next.
pub fn reserve() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let client = TcpStream::connect(address)?;
    let (accepted, _) = listener.accept()?;
    drop(accepted);
    drop(client);
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_reserved_port_is_in_time_wait_and_can_be_bound_by_its_number() {
        const TIME_WAIT: &str = "06";
        let port = reserve().unwrap();
        let local = format!("0100007F:{port:04X}");
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let ours = sockets
            .lines()
            .map(|line| line.split_whitespace().skip(1))
            .filter(|fields| fields.clone().next() == Some(&local));
        let states: Vec<_> = ours.filter_map(|mut fields| fields.nth(2)).collect();
        assert_eq!(states, [TIME_WAIT]);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
