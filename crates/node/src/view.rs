//! What payments, mailboxes and governance read of the chain: its newest finalized state, name by name.
//!
//! A trait, because these parts need nothing else of a chain and are tested on states that a chain could hold.

use futures::future::BoxFuture;
use yilian_crypto::Digest;
use yilian_ledger::{Entry, Name, Time};

/// The state cannot be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain's state cannot be read now")]
pub struct Unavailable;

pub trait LedgerView: Send + Sync + 'static {
    /// Time of the newest finalized header.
    fn time(&self) -> BoxFuture<'_, Result<Time, Unavailable>>;

    /// `None`: the name is absent.
    fn entry(&self, name: Name) -> BoxFuture<'_, Result<Option<Entry>, Unavailable>>;

    /// Whether a certified member's newest certificate names this mailbox.
    fn is_standing(&self, mailbox: Digest) -> BoxFuture<'_, Result<bool, Unavailable>>;
}
