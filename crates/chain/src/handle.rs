//! The way in: everything the rest of a node asks of the chain.

use bytes::Bytes;
use tokio::sync::broadcast;
use yilian_crypto::{
    Digest,
    sign::Signature,
    ticket::{Class, Period, TicketKey},
};
use yilian_finality::{Answer, Bucket, Prefix, Snapshot};
use yilian_ledger::{Entry, Height, Name, Parameters, Refusal, Time, transaction::Action};

use crate::{
    config::{ChainConfig, StartError},
    summary::{BlockSummary, BlockView, Included, Status, TransactionStatus},
};

/// Starts validators.
pub struct Chain;

/// Cheap to clone; the chain stops with `shutdown` or when the last handle is dropped. Usable from any async runtime.
#[derive(Clone)]
pub struct Handle;

/// One name's answer under one certified state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub snapshot: Snapshot,
    pub answer: Answer,
    pub entry: Option<Entry>,
}

/// One bucket under one certified state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucketed {
    pub snapshot: Snapshot,
    pub bucket: Bucket,
}

/// Why a transaction is not pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the pool is full")]
    PoolFull,
    #[error("the chain has stopped")]
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("no certified state yet")]
    NotReady,
    #[error("too many entries for one bucket")]
    BucketTooLarge,
    #[error("the pool dropped the transaction")]
    Dropped,
    #[error("the chain has stopped")]
    Stopped,
}

impl Chain {
    /// Starts a validator in threads of its own; returns when its stores are open and its network listens.
    pub fn start(_config: ChainConfig) -> Result<Handle, StartError> {
        todo!()
    }
}

impl Handle {
    /// Checks, pools and gossips an encoded transaction. `Ok` for one that is pooled or included already.
    pub async fn submit(&self, _transaction: Bytes) -> Result<Digest, SubmitError> {
        todo!()
    }
    /// The newest certified header. `None` before the first block.
    pub fn snapshot(&self) -> Option<Snapshot> {
        todo!()
    }
    /// Entry or proof of absence, with the header they stand under.
    pub async fn answer(&self, _name: Name) -> Result<Answered, ChainError> {
        todo!()
    }
    /// Every entry of a prefix, provably complete, with the header it stands under.
    pub async fn bucket(&self, _prefix: Prefix) -> Result<Bucketed, ChainError> {
        todo!()
    }
    /// This node's word, unproved: for its own decisions only.
    pub async fn entry(&self, _name: Name) -> Result<Option<Entry>, ChainError> {
        todo!()
    }
    /// `None`: never seen, or dropped.
    pub async fn transaction(&self, _digest: Digest) -> Result<Option<TransactionStatus>, ChainError> {
        todo!()
    }
    /// Resolves when the transaction is in a finalized block. The caller sets the time limit.
    pub async fn wait_final(&self, _digest: Digest) -> Result<Included, ChainError> {
        todo!()
    }
    pub async fn block(&self, _height: Height) -> Result<Option<BlockView>, ChainError> {
        todo!()
    }
    /// Newest first, below `before` (or from the newest), at most `limit` (capped at 100).
    pub async fn blocks(&self, _before: Option<Height>, _limit: usize) -> Result<Vec<BlockSummary>, ChainError> {
        todo!()
    }
    /// Finalized blocks from now on; a slow receiver is told what it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<BlockSummary> {
        todo!()
    }
    pub fn status(&self) -> Status {
        todo!()
    }
    /// By period, then class.
    pub fn ticket_keys(&self) -> Vec<(Class, Period, TicketKey)> {
        todo!()
    }
    /// In force at the newest finalized block.
    pub fn parameters(&self) -> Parameters {
        todo!()
    }
    /// This validator's signature of a governance action, with its index in the committee.
    pub fn sign_governance(&self, _action: &Action, _valid_until: Time) -> (u16, Signature) {
        todo!()
    }
    /// Stops consensus, network and stores, and waits until all of it is on disk.
    pub async fn shutdown(self) {
        todo!()
    }
}
