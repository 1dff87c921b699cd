//! Who is let in (spec N-21, N-23, N-24): so many requests a second of one address, so many under way in all.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tokio::sync::Semaphore;
use yilian_api::problem::Code;

use crate::{
    listener::Peer,
    prefix::{self, Prefix},
    problem,
    rates::Rates,
    settings::ServeSettings,
};

/// Addresses that are told apart at a time.
const ADDRESSES: usize = 1 << 16;
/// Entries of `X-Forwarded-For` that are looked at, from the right.
const MAX_HOPS: usize = 16;

/// Cheap to clone; clones share their counts.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rates: Option<Rates<Prefix>>,
    under_way: Option<Semaphore>,
    proxies: Vec<IpAddr>,
    limit_loopback: bool,
    /// Addresses without a rate, such as the other validators'.
    exempt: RwLock<Vec<IpAddr>>,
}

impl Admission {
    pub fn new(settings: &ServeSettings) -> Self {
        let rates = settings.address_rate().map(|rate| Rates::new(rate, ADDRESSES, Instant::now()));
        Self(Arc::new(Inner {
            rates,
            under_way: (settings.requests > 0).then(|| Semaphore::new(settings.requests)),
            proxies: settings.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            limit_loopback: settings.limit_loopback,
            exempt: RwLock::default(),
        }))
    }

    /// Replaces the addresses that no rate holds for.
    pub fn exempt(&self, addresses: impl IntoIterator<Item = IpAddr>) {
        let addresses = addresses.into_iter().map(|address| address.to_canonical()).collect();
        *self.0.exempt.write().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// Counts a request. `Err`: after how long one would pass.
    fn count(&self, peer: IpAddr, headers: &HeaderMap, now: Instant) -> Result<(), Duration> {
        let Some(rates) = &self.0.rates else { return Ok(()) };
        let client = self.client(peer, headers);
        if prefix::is_loopback(client) && !self.0.limit_loopback {
            return Ok(());
        }
        if self.0.exempt.read().unwrap_or_else(PoisonError::into_inner).contains(&client) {
            return Ok(());
        }
        rates.take(Prefix::of(client), now)
    }

    /// Who asks: the connection's other end, or whom trusted proxies name. The rightmost entry that is no trusted proxy counts,
    /// because everything to its left was written by whoever stands there.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address: &IpAddr| self.0.proxies.contains(address);
        if !trusted(&peer) {
            return peer;
        }
        let lines = headers.get_all("x-forwarded-for").iter().rev().filter_map(|line| line.to_str().ok());
        let entries = lines.flat_map(|line| line.rsplit(',')).take(MAX_HOPS);
        let mut client = peer;
        for entry in entries {
            let Ok(address) = entry.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !trusted(&client) {
                break;
            }
        }
        client
    }
}

/// Middleware: refuses what comes too often or finds no place.
pub async fn admit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    // Without a connection (a test's call) there is nobody to tell apart.
    if let Some(Peer(peer)) = request.extensions().get::<Peer>()
        && let Err(wait) = admission.count(*peer, request.headers(), Instant::now())
    {
        return too_often(wait);
    }
    let _place = match &admission.0.under_way {
        Some(places) => match places.try_acquire() {
            Ok(place) => Some(place),
            Err(_) => return problem::refuse(Code::Busy, "Try again soon, or at another node."),
        },
        None => None,
    };
    next.run(request).await
}

fn too_often(wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut response = problem::refuse(
        Code::RateLimited,
        "Too many requests came from this address; wait as `Retry-After` says.",
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn admission(proxies: &[&str]) -> Admission {
        Admission::new(&ServeSettings {
            trusted_proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
            requests_per_second: 1,
            request_burst: 2,
            ..ServeSettings::default()
        })
    }

    fn client(admission: &Admission, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        admission.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_cannot_claim_an_address() {
        assert_eq!(client(&admission(&[]), "192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
        assert_eq!(client(&admission(&["10.0.0.1"]), "192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_names_the_client_and_only_its_own_entry_counts() {
        let admission = admission(&["10.0.0.1", "10.0.0.2"]);
        let cases: [(&[&str], &str); 6] = [
            (&["198.51.100.9"], "198.51.100.9"),
            (&["1.1.1.1, 198.51.100.9"], "198.51.100.9"),
            (&["198.51.100.9, 10.0.0.2"], "198.51.100.9"),
            (&["1.1.1.1", "198.51.100.9"], "198.51.100.9"),
            (&["nonsense"], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ];
        for (forwarded, expected) in cases {
            assert_eq!(client(&admission, "10.0.0.1", forwarded), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn addresses_are_limited_one_by_one_and_exempt_ones_never() {
        let (admission, now, headers) = (admission(&[]), Instant::now(), HeaderMap::new());
        let count = |address: &str| admission.count(address.parse().unwrap(), &headers, now);
        assert!(count("192.0.2.1").is_ok() && count("192.0.2.1").is_ok());
        assert_eq!(count("192.0.2.1"), Err(Duration::from_secs(1)));
        assert!(count("192.0.2.2").is_ok());
        for _ in 0..9 {
            assert!(count("127.0.0.1").is_ok());
        }
        admission.exempt(["192.0.2.1".parse().unwrap()]);
        assert!(count("192.0.2.1").is_ok());
    }
}
