//! What a validator is started with.

use std::{net::SocketAddr, path::PathBuf};

use yilian_crypto::Secret;
use yilian_finality::committee::CommitteeError;
use yilian_ledger::{Genesis, GenesisError};

use crate::store::StoreError;

/// A validator of one chain.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    pub genesis: Genesis,
    /// Seed of the validator's Ed25519 key, which is in the genesis committee.
    pub signer: Secret<[u8; 32]>,
    /// Where the other validators connect to.
    pub listen: SocketAddr,
    /// The other validators: raw key and address. An entry for oneself is ignored.
    pub peers: Vec<([u8; 32], SocketAddr)>,
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
    #[error("the signer is not in the genesis committee")]
    NotAMember,
    #[error("no address for a committee member")]
    PeerMissing,
    #[error("a peer is not in the committee")]
    PeerUnknown,
    #[error("the data directory belongs to another chain")]
    OtherChain,
    #[error("data directory: {0}")]
    Directory(#[source] std::io::Error),
    #[error(transparent)]
    Store(StoreError),
    #[error("the engine stopped while starting")]
    Engine,
}
