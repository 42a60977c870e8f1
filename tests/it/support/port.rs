//! Ports for servers that are processes of their own: one is a test's alone for as long as
//! the test holds it, also while its server is away. Not for servers inside a test, which
//! take port 0.
//!
//! A port that "was free a moment ago" is not enough. The system gives it to the next who
//! asks: another test's server, or a client, which then stands where the server of this
//! test wants to come back; a client that calls a port of that range in vain, again and
//! again, may even be given it, and be connected with itself.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what the system gives to clients, and beside what `scripts/postgres.sh` takes.
const PORTS: Range<u16> = 30_000..32_700;

/// A port of 127.0.0.1 that nobody else takes.
#[derive(Debug, Clone)]
pub struct Port {
    /// Its number.
    pub number: u16,
    // A socket of the other kind on the same number: it says to other tests that this one is taken, and is in nobody's
    // way.
    _claim: Arc<UdpSocket>,
}

impl Port {
    /// One that is free.
    pub fn claim() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let n_ports = PORTS.end - PORTS.start;
        // Tests are processes that start one after the other: each begins elsewhere.
        let from = u16::try_from(std::process::id() % u32::from(n_ports)).unwrap();
        let found = (0..n_ports).find_map(|_| {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % n_ports;
            let number = PORTS.start + (from + step) % n_ports;
            let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
            TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
            Some(Self { number, _claim: Arc::new(claim) })
        });
        found.expect("no port is free")
    }
}
