//! How a service is served: the section `[serve]` of `node.toml` and `authority.toml` (spec N-20 to N-27).

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{listener::Bounds, rates::Rate};

/// Bounds of what clients may hold and how often they may ask. Where 0 is allowed it switches a bound off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeSettings {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// Of one address (the /64 of an IPv6 address); 0: as many as there are.
    pub connections_per_address: usize,
    /// Requests that one connection may carry before it is closed; 0: any number.
    pub requests_per_connection: u64,
    /// Requests under way at a time; more are refused. 0: as many as connections.
    pub requests: usize,
    /// Requests a second of one address, and how many at once after a pause; 0: any number.
    pub requests_per_second: u32,
    pub request_burst: u32,
    /// What a certified member may ask for a second by its signature, from wherever it asks; 0: any number.
    pub member_requests_per_second: u32,
    pub member_request_burst: u32,
    /// For the handshake, for a request's head, and for an idle connection.
    pub head_seconds: u32,
    /// From a request's head to the head of its answer.
    pub request_seconds: u32,
    /// For a client to take a part of its answer.
    pub stall_seconds: u32,
    /// For open requests once the service was asked to stop.
    pub drain_seconds: u32,
    /// Proxies whose `X-Forwarded-For` is believed. Whoever can connect from one of these can claim any address.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether the limits by address hold for this machine's own processes, too.
    pub limit_loopback: bool,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 128,
            requests_per_connection: 10_000,
            requests: 512,
            requests_per_second: 200,
            request_burst: 2_000,
            member_requests_per_second: 50,
            member_request_burst: 500,
            head_seconds: 15,
            request_seconds: 30,
            stall_seconds: 30,
            drain_seconds: 10,
            trusted_proxies: Vec::new(),
            limit_loopback: false,
        }
    }
}

/// A setting that is not within its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} must be {least} to {most}")]
pub struct OutOfBounds {
    pub key: &'static str,
    pub least: u64,
    pub most: u64,
}

/// Most proxies that are named one by one.
const MAX_PROXIES: u64 = 64;

impl ServeSettings {
    pub fn validate(&self) -> Result<(), OutOfBounds> {
        let all: [(&'static str, u64, u64, u64); 13] = [
            ("serve.connections", self.connections as u64, 1, 65_536),
            ("serve.connections_per_address", self.connections_per_address as u64, 0, 65_536),
            ("serve.requests_per_connection", self.requests_per_connection, 0, 1 << 32),
            ("serve.requests", self.requests as u64, 0, 65_536),
            ("serve.requests_per_second", self.requests_per_second.into(), 0, 1 << 20),
            ("serve.request_burst", self.request_burst.into(), 1, 1 << 20),
            ("serve.member_requests_per_second", self.member_requests_per_second.into(), 0, 1 << 20),
            ("serve.member_request_burst", self.member_request_burst.into(), 1, 1 << 20),
            ("serve.head_seconds", self.head_seconds.into(), 1, 300),
            ("serve.request_seconds", self.request_seconds.into(), 11, 600),
            ("serve.stall_seconds", self.stall_seconds.into(), 1, 600),
            ("serve.drain_seconds", self.drain_seconds.into(), 0, 600),
            ("serve.trusted_proxies (their number)", self.trusted_proxies.len() as u64, 0, MAX_PROXIES),
        ];
        match all.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((key, _, least, most)) => Err(OutOfBounds { key, least, most }),
            None => Ok(()),
        }
    }

    pub fn bounds(&self) -> Bounds {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Bounds {
            connections: self.connections,
            per_address: (self.connections_per_address > 0).then_some(self.connections_per_address),
            requests: (self.requests_per_connection > 0).then_some(self.requests_per_connection),
            head: seconds(self.head_seconds),
            stall: seconds(self.stall_seconds),
            grace: seconds(self.drain_seconds),
            // A proxy speaks for many.
            unlimited: self.trusted_proxies.clone(),
            limit_loopback: self.limit_loopback,
        }
    }

    pub fn request_limit(&self) -> Duration {
        Duration::from_secs(self.request_seconds.into())
    }

    /// Of one address.
    pub fn address_rate(&self) -> Option<Rate> {
        rate(self.requests_per_second, self.request_burst)
    }

    /// Of one member.
    pub fn member_rate(&self) -> Option<Rate> {
        rate(self.member_requests_per_second, self.member_request_burst)
    }
}

fn rate(per_second: u32, burst: u32) -> Option<Rate> {
    (per_second > 0).then_some(Rate { per_second, burst })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_their_bounds_and_others_are_named() {
        assert_eq!(ServeSettings::default().validate(), Ok(()));
        let wrong = ServeSettings { head_seconds: 0, ..ServeSettings::default() };
        assert_eq!(wrong.validate(), Err(OutOfBounds { key: "serve.head_seconds", least: 1, most: 300 }));
        let shorter_than_a_wait_for_finality =
            ServeSettings { request_seconds: 10, ..ServeSettings::default() };
        assert!(shorter_than_a_wait_for_finality.validate().is_err());
    }

    #[test]
    fn zero_switches_off_what_may_be_off() {
        let off = ServeSettings {
            connections_per_address: 0,
            requests_per_connection: 0,
            requests: 0,
            requests_per_second: 0,
            member_requests_per_second: 0,
            ..ServeSettings::default()
        };
        assert_eq!(off.validate(), Ok(()));
        assert_eq!((off.address_rate(), off.member_rate()), (None, None));
        assert_eq!((off.bounds().per_address, off.bounds().requests), (None, None));
    }
}
