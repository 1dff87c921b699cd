//! What payments, mailboxes and governance read of the chain: its newest finalized state, name by name.
//!
//! A trait, because these parts need nothing else of a chain and are tested on states that a chain could hold.

use std::sync::Arc;

use futures::future::BoxFuture;
use yilian_chain::Handle;
use yilian_crypto::Digest;
use yilian_ledger::{Entry, Name, Parameters, Time};

use crate::standing::Standing;

/// The state cannot be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain's state cannot be read now")]
pub struct Unavailable;

pub trait LedgerView: Send + Sync + 'static {
    /// Time of the newest finalized header.
    fn time(&self) -> Result<Time, Unavailable>;

    /// In force at that header.
    fn parameters(&self) -> Parameters;

    /// `None`: the name is absent.
    fn entry(&self, name: Name) -> BoxFuture<'_, Result<Option<Entry>, Unavailable>>;

    /// Whether a certified member's certificate names this mailbox.
    fn is_standing(&self, mailbox: &Digest) -> Result<bool, Unavailable>;
}

/// The chain that this node runs.
#[derive(Clone)]
pub struct ChainView {
    pub chain: Handle,
    pub standing: Arc<Standing>,
}

impl LedgerView for ChainView {
    fn time(&self) -> Result<Time, Unavailable> {
        self.chain.snapshot().map(|snapshot| snapshot.header.time).ok_or(Unavailable)
    }

    fn parameters(&self) -> Parameters {
        self.chain.parameters()
    }

    fn entry(&self, name: Name) -> BoxFuture<'_, Result<Option<Entry>, Unavailable>> {
        Box::pin(async move { self.chain.entry(name).await.map_err(|_| Unavailable) })
    }

    fn is_standing(&self, mailbox: &Digest) -> Result<bool, Unavailable> {
        self.standing.contains(mailbox).ok_or(Unavailable)
    }
}
