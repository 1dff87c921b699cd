//! What the chain tells about blocks and transactions. Never a transaction itself: a grant's re-encryption key is in no
//! answer.

use yilian_crypto::Digest;
use yilian_finality::Snapshot;
use yilian_ledger::{Epoch, Height, Outcome, Refusal, Time, transition::Counts};

/// A finalized block in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSummary {
    pub height: Height,
    pub digest: Digest,
    pub time: Time,
    pub epoch: Epoch,
    pub transactions: usize,
    /// Of all transactions.
    pub bytes: usize,
}

/// A finalized block without its transactions' content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView {
    pub summary: BlockSummary,
    /// `None` where the block is final through a descendant's certificate only.
    pub snapshot: Option<Snapshot>,
    pub transactions: Vec<TransactionSummary>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSummary {
    pub digest: Digest,
    /// `create`, `grant`, `withdraw`, `add-member`, `revoke`, `governance`.
    pub kind: &'static str,
    pub bytes: usize,
    pub outcome: Outcome,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    Pooled,
    /// This node dropped it from its pool: it could be in no block. It is in one only if others knew better.
    Refused(Refusal),
    Included(Included),
}

/// In a finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Included {
    pub height: Height,
    pub time: Time,
    pub outcome: Outcome,
}

/// A node's own view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The node's key, raw.
    pub validator: [u8; 32],
    /// Whether it is in the next block's committee.
    pub votes: bool,
    /// Of the next block.
    pub epoch: Epoch,
    pub height: Height,
    /// Newest finalized block's time.
    pub time: Time,
    /// Transactions in the pool.
    pub pool: usize,
    /// Other members heard from within the last minute.
    pub peers: usize,
    pub counts: Counts,
}
