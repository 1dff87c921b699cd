//! Who may ask over the link between nodes (spec CC-4): nodes of the committee, by a signature over everything asked, at a
//! time near ours, once. A stranger learns nothing, not even whether a CID is known.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Mutex,
};

use yilian_api::{
    encoding,
    link::LinkAuth,
    problem::Code,
    signing::{Audience, LinkVerb, Statement},
};
use yilian_crypto::sign::VerifyingKey;

use super::placement::{NodeKey, Placement};
use crate::{copies::lock, http::error::ApiError};

/// How far the clocks of two nodes may differ, ms.
pub const WINDOW: u64 = 60_000;
/// Requests remembered: a thousand a second during the window. Only nodes of the committee fill it.
const REMEMBERED: usize = 1 << 17;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    #[error("only nodes of the committee are answered here")]
    Stranger,
    #[error("the request is not signed by the node it names")]
    Signature,
    #[error("the request's time is not within {WINDOW} ms of this node's clock, or before its start")]
    Expired,
    #[error("the request was answered before")]
    Replayed,
    #[error("more requests came in a short time than this node remembers")]
    Busy,
}

impl From<LinkRefusal> for ApiError {
    fn from(refusal: LinkRefusal) -> Self {
        let code = match refusal {
            LinkRefusal::Stranger | LinkRefusal::Signature => Code::RequestUnauthorized,
            LinkRefusal::Expired => Code::RequestExpired,
            LinkRefusal::Replayed => Code::RequestReplayed,
            LinkRefusal::Busy => Code::Unavailable,
        };
        Self::of(code, &refusal)
    }
}

/// Remembers what was answered.
#[derive(Debug)]
pub struct Guard {
    /// Requests signed before are refused: what was answered then is forgotten.
    started: u64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: HashSet<(NodeKey, [u8; 16])>,
    /// By the time at which a request is refused by its time alone.
    ends: BTreeSet<(u64, NodeKey, [u8; 16])>,
}

/// Evidence that a node of the committee asked, just now, for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    node: NodeKey,
    nonce: [u8; 16],
}

impl Asker {
    pub fn node(&self) -> &NodeKey {
        &self.node
    }

    pub fn nonce(&self) -> &[u8; 16] {
        &self.nonce
    }
}

impl Guard {
    pub fn new(started: u64) -> Self {
        Self { started, seen: Mutex::default() }
    }

    pub fn admit(
        &self,
        audience: &Audience,
        placement: &Placement,
        by: &LinkAuth,
        (verb, arguments): (LinkVerb, &[u8]),
        now: u64,
    ) -> Result<Asker, ApiError> {
        let node: NodeKey =
            encoding::from_hex(&by.from).map_err(|error| ApiError::field("by.from", error))?;
        let nonce = encoding::from_hex(&by.nonce).map_err(|error| ApiError::field("by.nonce", error))?;
        let signature = encoding::signature_from_hex(&by.signature)
            .map_err(|error| ApiError::field("by.signature", error))?;
        // What costs least comes first.
        if !placement.contains(&node) {
            return Err(LinkRefusal::Stranger.into());
        }
        if by.time.abs_diff(now) > WINDOW || by.time < self.started {
            return Err(LinkRefusal::Expired.into());
        }
        let key = VerifyingKey::from_bytes(&node).map_err(|_| LinkRefusal::Stranger)?;
        Statement::link_request(audience, &node, verb, arguments, &nonce, by.time)
            .verify(&key, &signature)
            .map_err(|_| LinkRefusal::Signature)?;
        self.remember(node, nonce, by.time, now)?;
        Ok(Asker { node, nonce })
    }

    fn remember(&self, node: NodeKey, nonce: [u8; 16], time: u64, now: u64) -> Result<(), LinkRefusal> {
        let mut seen = lock(&self.seen);
        while let Some(first) = seen.ends.first().copied().filter(|(end, ..)| *end < now) {
            seen.ends.remove(&first);
            seen.requests.remove(&(first.1, first.2));
        }
        if seen.requests.contains(&(node, nonce)) {
            return Err(LinkRefusal::Replayed);
        }
        if seen.requests.len() >= REMEMBERED {
            return Err(LinkRefusal::Busy);
        }
        seen.requests.insert((node, nonce));
        seen.ends.insert((time.saturating_add(WINDOW), node, nonce));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use yilian_crypto::{Digest, Secret, sign::SigningKey};

    use super::*;

    const NOW: u64 = 1_000_000;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(Secret::new([seed; 32]))
    }

    fn raw(seed: u8) -> NodeKey {
        *key(seed).verifying_key().as_bytes()
    }

    fn audience() -> Audience {
        Audience { chain: Digest([1; 32]), node: raw(1) }
    }

    fn signed(by: u8, from: u8, to: &Audience, arguments: &[u8], time: u64) -> LinkAuth {
        let nonce = [7; 16];
        let statement = Statement::link_request(to, &raw(from), LinkVerb::Block, arguments, &nonce, time);
        LinkAuth {
            from: encoding::to_hex(&raw(from)),
            time,
            nonce: encoding::to_hex(&nonce),
            signature: encoding::signature_to_hex(&statement.sign(&key(by))),
        }
    }

    fn admit(guard: &Guard, by: &LinkAuth, asked: (LinkVerb, &[u8]), now: u64) -> Result<NodeKey, String> {
        let placement = Placement::new(vec![raw(1), raw(2), raw(3)], 3);
        guard
            .admit(&audience(), &placement, by, asked, now)
            .map(|asker| *asker.node())
            .map_err(|error| error.0.code)
    }

    #[test]
    fn admits_a_node_of_the_committee_once() {
        let guard = Guard::new(NOW - 10);
        let by = signed(2, 2, &audience(), b"what", NOW);
        assert_eq!(admit(&guard, &by, (LinkVerb::Block, b"what"), NOW), Ok(raw(2)));
        let replayed = Err("request.replayed".to_owned());
        assert_eq!(admit(&guard, &by, (LinkVerb::Block, b"what"), NOW + WINDOW), replayed);
        let expired = Err("request.expired".to_owned());
        assert_eq!(admit(&guard, &by, (LinkVerb::Block, b"what"), NOW + WINDOW + 1), expired);
        // The same nonce of another node is another request.
        let other = signed(3, 3, &audience(), b"what", NOW);
        assert_eq!(admit(&guard, &other, (LinkVerb::Block, b"what"), NOW), Ok(raw(3)));
    }

    #[test]
    fn refuses_strangers_and_what_was_signed_for_something_else() {
        let guard = Guard::new(NOW - 10);
        let asked = (LinkVerb::Block, &b"what"[..]);
        let refused = |by: &LinkAuth, asked, code: &str| {
            assert_eq!(admit(&guard, by, asked, NOW), Err(code.to_owned()));
        };
        refused(&signed(9, 9, &audience(), b"what", NOW), asked, "request.unauthorized");
        refused(&signed(9, 2, &audience(), b"what", NOW), asked, "request.unauthorized");
        refused(&signed(2, 2, &audience(), b"other", NOW), asked, "request.unauthorized");
        refused(&signed(2, 2, &audience(), b"what", NOW), (LinkVerb::Holds, b"what"), "request.unauthorized");
        let elsewhere = Audience { node: raw(3), ..audience() };
        refused(&signed(2, 2, &elsewhere, b"what", NOW), asked, "request.unauthorized");
        let elsewhere = Audience { chain: Digest([2; 32]), ..audience() };
        refused(&signed(2, 2, &elsewhere, b"what", NOW), asked, "request.unauthorized");
        refused(&signed(2, 2, &audience(), b"what", NOW + WINDOW + 1), asked, "request.expired");
        refused(&signed(2, 2, &audience(), b"what", NOW - 11), asked, "request.expired");
        let malformed = LinkAuth { nonce: "00".into(), ..signed(2, 2, &audience(), b"what", NOW) };
        refused(&malformed, asked, "request.field");
        // None of them used the nonce up.
        assert!(admit(&guard, &signed(2, 2, &audience(), b"what", NOW), asked, NOW).is_ok());
    }
}
