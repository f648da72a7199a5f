//! Free ports for programs that must be told theirs.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Reserves a free loopback port for a program that we are about to start.
///
/// The kernel picks the port; a connection that we accept and close first then leaves it in TIME_WAIT. For a minute
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
    fn a_reserved_port_goes_to_nobody_but_the_one_who_names_it() {
        let port = reserve().unwrap();
        let others: Vec<_> = (0..2000)
            .map_while(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok())
            .collect();
        assert!(others.iter().all(|other| other.local_addr().unwrap().port() != port));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
