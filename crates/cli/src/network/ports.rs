//! Which ports a local network listens at, all on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;
use yilian_node::Endpoints;

/// Where a network listens by default.
pub const DEFAULT_BASE: u16 = 7500;
/// Most validators of a local network.
pub const MAX_VALIDATORS: usize = 32;
/// Where ports are looked for when any will do.
const ANY_FIRST: u16 = 10_000;
const ANY_END: u16 = 30_000;
/// From a validator's HTTP port to its port for other validators.
const PEER_OFFSET: u16 = 100;

/// One port with its purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub number: u16,
    pub of: String,
}

/// The ports of one network: authority at the base, validators' HTTP above it, their peer ports `PEER_OFFSET` higher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    pub authority: u16,
    /// (HTTP, peers) by validator.
    pub validators: Vec<(u16, u16)>,
}

impl Ports {
    /// `None`: they would run past the last port.
    pub fn from_base(base: u16, validators: usize) -> Option<Self> {
        let count = u16::try_from(validators).ok()?;
        base.checked_add(PEER_OFFSET)?.checked_add(count)?;
        let validators = (1..=count).map(|i| (base + i, base + PEER_OFFSET + i)).collect();
        Some(Self { authority: base, validators })
    }

    /// Ports that nobody uses now, from below the range that the system gives to outgoing connections: a process that
    /// is started again must find its own free.
    pub fn any(validators: usize) -> anyhow::Result<Self> {
        let mut draw = [0; 2];
        getrandom::fill(&mut draw).context("no randomness")?;
        let first = ANY_FIRST + u16::from_be_bytes(draw) % (ANY_END - ANY_FIRST);
        let tried = (first..ANY_END).chain(ANY_FIRST..first);
        let free = tried.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
        let numbers: Vec<u16> = free.take(1 + 2 * validators).collect();
        anyhow::ensure!(numbers.len() == 1 + 2 * validators, "no free ports");
        let validators = numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        Ok(Self { authority: numbers[0], validators })
    }

    /// The validators' addresses.
    pub fn endpoints(&self) -> Vec<Endpoints> {
        let of = |(http, peers): &(u16, u16)| Endpoints { http: loopback(*http), p2p: loopback(*peers) };
        self.validators.iter().map(of).collect()
    }

    /// Every port with its purpose.
    pub fn all(&self) -> Vec<Port> {
        let mut all = vec![Port { number: self.authority, of: "the authority".into() }];
        for (i, (http, peers)) in (1..).zip(&self.validators) {
            all.push(Port { number: *http, of: format!("validator {i} (HTTP)") });
            all.push(Port { number: *peers, of: format!("validator {i} (other validators)") });
        }
        all
    }

    /// Those that another program listens at.
    pub fn taken(&self) -> Vec<Port> {
        let free = |port: &Port| TcpListener::bind((Ipv4Addr::LOCALHOST, port.number)).is_ok();
        self.all().into_iter().filter(|port| !free(port)).collect()
    }
}

pub const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_serves_two_purposes() {
        for ports in [Ports::from_base(7500, MAX_VALIDATORS).unwrap(), Ports::any(4).unwrap()] {
            let all = ports.all();
            let distinct: BTreeSet<u16> = all.iter().map(|port| port.number).collect();
            assert_eq!(distinct.len(), all.len());
        }
    }

    #[test]
    fn refuses_ports_past_the_last_one() {
        assert!(Ports::from_base(65_431, 4).is_some());
        assert_eq!(Ports::from_base(65_432, 4), None);
    }

    #[test]
    fn names_the_port_that_is_taken() {
        let ports = Ports::any(2).unwrap();
        let number = ports.validators[1].0;
        let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert_eq!(ports.taken(), [Port { number, of: "validator 2 (HTTP)".into() }]);
    }
}
