//! What a validator is started with.

use std::{net::SocketAddr, path::PathBuf};

use yilian_crypto::{Digest, Secret};
use yilian_finality::committee::CommitteeError;
use yilian_ledger::{Genesis, GenesisError};

use crate::store::StoreError;

/// Another node: raw key and address.
pub type Peer = ([u8; 32], SocketAddr);

/// A node of one chain: a validator while its key is in the committee, a follower otherwise.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    pub genesis: Genesis,
    /// Seed of the node's Ed25519 key.
    pub signer: Secret<[u8; 32]>,
    /// Where the other nodes connect to.
    pub listen: SocketAddr,
    /// Nodes that may validate. An entry for oneself is ignored.
    pub peers: Vec<Peer>,
    /// Nodes to which blocks are served although they do not validate.
    pub followers: Vec<Peer>,
    /// Everything durable lies below; made if absent.
    pub data_dir: PathBuf,
    pub pool: PoolLimits,
}

/// Bounds of the transaction pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Transactions in all.
    pub count: usize,
    /// Bytes in all.
    pub bytes: usize,
    /// Share of either that the transactions of one source (a peer, or this node's own clients) may take, in percent.
    pub share_percent: u8,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { count: 4096, bytes: 32 << 20, share_percent: 50 }
    }
}

/// Why a validator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("genesis: {0}")]
    Committee(#[from] CommitteeError),
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    #[error("cannot listen: {0}")]
    Listen(#[source] std::io::Error),
    #[error(
        "addresses are known of {known} members of the present committee, {quorum} are a quorum: add peers"
    )]
    PeersMissing { known: usize, quorum: usize },
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("the data directory belongs to another chain")]
    OtherChain,
    #[error("data directory: {0}")]
    Directory(#[source] std::io::Error),
    #[error(transparent)]
    Store(StoreError),
    #[error("the engine stopped while starting")]
    Engine,
}

/// The key of a peer or follower is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of peer {} is no Ed25519 key", Digest(self.0))]
pub struct PeerError(pub [u8; 32]);
