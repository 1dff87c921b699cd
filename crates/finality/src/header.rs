//! A block's header. Its digest is the block's digest, so a light client needs no bodies.

use yilian_crypto::Digest;
use yilian_ledger::{Epoch, Height, Time, transition::Counts};

/// Plus whatever consensus context the engine needs committed (see commonware `CertifiableBlock`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub parent: Digest,
    pub height: Height,
    pub epoch: Epoch,
    pub time: Time,
    pub transaction_root: Digest,
    /// Canonical QMDB root: what proofs verify against.
    pub state_root: Digest,
    pub counts: Counts,
    pub next_committee: Digest,
}
