use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The API server's port.
pub(super) const API_PORT: u16 = 6443;
/// The port at which etcd serves the API server.
pub(super) const ETCD_PORT: u16 = 2379;
/// The port at which etcd would serve other members.
pub(super) const ETCD_PEER_PORT: u16 = 2380;

/// A loopback address that is hardly anybody's: Linux answers on all sixteen million of 127.0.0.0/8.
///
/// With free ports of 127.0.0.1 instead, anybody could take one between our look and our use, or while a test
/// keeps its API server stopped.
pub(super) fn next() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    of(process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn of(process: u32, nth: u32) -> Ipv4Addr {
    let mut hasher = DefaultHasher::new();
    (process, nth).hash(&mut hasher);
    let [.., a, b, c] = hasher.finish().to_be_bytes();
    // 127.0.0.1 and its neighbors have users.
    Ipv4Addr::new(127, a | 0x40, b, c)
}

/// Whether nobody listens on the ports of a cluster at an address.
pub(super) fn is_free(address: Ipv4Addr) -> io::Result<bool> {
    for port in [API_PORT, ETCD_PORT, ETCD_PEER_PORT] {
        match TcpListener::bind((address, port)) {
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_and_processes_have_addresses_of_their_own() {
        let addresses = [of(1, 0), of(1, 1), of(2, 0)];
        assert!(addresses.iter().all(|address| address.is_loopback() && address.octets()[1] != 0));
        assert!(addresses[0] != addresses[1] && addresses[0] != addresses[2]);
    }

    #[test]
    fn an_address_with_a_listener_is_not_free() {
        let address = next();
        assert!(is_free(address).unwrap());
        let _listener = TcpListener::bind((address, ETCD_PORT)).unwrap();
        assert!(!is_free(address).unwrap());
    }
}
