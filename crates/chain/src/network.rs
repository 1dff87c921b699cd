//! The network between validators: its channels, and the authenticated one that validators of a chain really have.
//!
//! Messages in memory are bounded in advance: one quota's burst per channel and peer.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use commonware_consensus::{
    marshal::{self, standard::Standard},
    simplex::{self, scheme::ed25519::Scheme},
};
use commonware_cryptography::{
    ChaCha20Poly1305,
    ed25519::{PrivateKey, PublicKey},
    sha256,
};
use commonware_p2p::{
    Address,
    authenticated::lookup::{self, Oracle, Receiver, Sender},
    max_message_size,
};
use commonware_runtime::{Handle, Quota, tokio};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZU32, NZUsize, ordered::Map};
use yilian_crypto::{Label, hash::tagged};
use yilian_ledger::ChainId;

use crate::{block::Block, gossip};

/// Messages a second, and in a burst, from one peer on one channel.
const QUOTA: NonZeroU32 = NZU32!(128);
/// Connections and requests that wait inside of the network.
const MAILBOX: NonZeroUsize = NZUsize!(256);

/// What validators speak over: a sender and a receiver each.
pub struct Channels<S, R> {
    pub votes: (S, R),
    pub certificates: (S, R),
    pub resolver: (S, R),
    pub backfill: (S, R),
    pub blocks: (S, R),
    pub transactions: (S, R),
}

/// How many channels there are.
pub const CHANNELS: usize = 6;

impl<S, R> Channels<S, R> {
    /// By number.
    pub fn new(channels: [(S, R); CHANNELS]) -> Self {
        let [votes, certificates, resolver, backfill, blocks, transactions] = channels;
        Self { votes, certificates, resolver, backfill, blocks, transactions }
    }
}

/// A validator's end of the network.
pub struct Network<S, R, P, B> {
    pub channels: Channels<S, R>,
    /// Is told who the members are.
    pub peers: P,
    /// Shuts out who breaks the protocol.
    pub blocker: B,
}

/// All members with their addresses, the validator itself included.
pub type Members = Map<PublicKey, Address>;

/// The rate of every channel.
pub fn quota() -> Quota {
    Quota::per_second(QUOTA)
}

/// Bytes of the largest message between `validators`.
pub fn largest_message(validators: u32) -> u32 {
    max_message_size(&[
        simplex::max_payload_size::<Scheme, sha256::Digest>(validators),
        marshal::max_payload_size::<Standard<Block>, Scheme>(validators, &()),
        gossip::MAX_PAYLOAD,
    ])
}

type Handshake = Cups<Sake<PrivateKey>, ChaCha20Poly1305>;
type Context = tokio::Context;
type Authenticated =
    Network<Sender<PublicKey, Context>, Receiver<PublicKey>, Oracle<PublicKey>, Oracle<PublicKey>>;

/// Encrypted connections between members who know each other's keys and addresses.
pub fn authenticated(
    context: Context,
    chain: ChainId,
    signer: &PrivateKey,
    listen: SocketAddr,
    validators: u32,
) -> (Authenticated, Handle<()>) {
    let handshake = Cups::new(
        Sake {
            signer: signer.clone(),
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let namespace = tagged(Label::Network, &[chain.0.as_ref()]);
    let size = NonZeroUsize::new(validators as usize).unwrap_or(NonZeroUsize::MIN);
    let largest = largest_message(validators);
    let mut config: lookup::Config<Handshake> =
        lookup::Config::local(handshake, namespace.as_ref(), listen, size, largest, MAILBOX);
    config.tracked_peer_sets = NZUsize!(1);
    let (mut network, oracle) = lookup::Network::new(context, config);
    let channels = Channels::new([0, 1, 2, 3, 4, 5].map(|channel| network.register(channel, quota())));
    (Network { channels, peers: oracle.clone(), blocker: oracle }, network.start())
}
