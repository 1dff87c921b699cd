//! Loopback ports for tests that start, stop and start again what listens.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the range from which the system takes ports of outgoing connections: those could be taken meanwhile.
const FIRST: u32 = 10_000;
const COUNT: u32 = 20_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// So many addresses at which nobody listens. Tests of one process never get the same; processes begin far apart.
///
/// # Panics
/// When there are none left.
pub fn free(count: usize) -> Vec<SocketAddr> {
    let begin = process::id().wrapping_mul(211);
    let tried = std::iter::repeat_with(|| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT);
    let ports = tried.take(COUNT as usize).filter_map(|offset| u16::try_from(FIRST + offset).ok());
    let addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let free: Vec<_> = addresses.filter(|address| TcpListener::bind(address).is_ok()).take(count).collect();
    assert_eq!(free.len(), count, "no free ports");
    free
}
