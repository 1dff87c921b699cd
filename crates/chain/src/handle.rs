//! The way in: everything the rest of a node asks of the chain. Usable from any async runtime: work on the state database
//! is sent to the chain's own.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use yilian_crypto::{
    Digest,
    sign::Signature,
    ticket::{Class, Period, TicketKey},
};
use yilian_finality::{Answer, Bucket, Prefix, Snapshot};
use yilian_ledger::{
    ChainId, Checked, Entry, Height, Name, Parameters, Refusal, Time, Transaction,
    transaction::{Action, Governance},
};

use crate::{
    gossip::is_fresh,
    pool::{NotPooled, Prospect, Source},
    shared::Shared,
    store::{Row, StoreError},
    summary::{BlockSummary, BlockView, Included, Status, TransactionStatus},
};

/// Most block summaries of one answer.
const MAX_SUMMARIES: usize = 100;

/// Cheap to clone; the chain stops with `shutdown` or when the last handle is dropped.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub shared: Arc<Shared>,
    pub requests: mpsc::Sender<Request>,
    pub outgoing: mpsc::Sender<Bytes>,
    /// Set to stop; dropping it stops, too.
    pub stop: watch::Sender<bool>,
    pub stopped: watch::Receiver<bool>,
}

/// What needs the state database.
pub(crate) enum Request {
    Answer(Name, Reply<Answered>),
    Bucket(Prefix, Reply<Bucketed>),
    Entry(Name, Reply<Option<Entry>>),
    Prepare(Checked),
    Admit(Checked, Reply<Result<Prospect, Refusal>>),
    Metrics(Reply<String>),
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, ChainError>>;

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
    #[error("the transaction waited in the pool for too long")]
    Dropped,
    /// The transaction was pooled and can be in no block.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the node's stores are damaged")]
    Damaged,
    #[error("the chain has stopped")]
    Stopped,
}

impl From<StoreError> for ChainError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "entry store cannot be read");
        Self::Damaged
    }
}

impl Handle {
    pub fn chain_id(&self) -> ChainId {
        self.0.shared.chain
    }

    /// Checks, tries, pools and gossips an encoded transaction. `Ok` for one that is pooled or included already. A refusal
    /// that another transaction could undo takes a second.
    pub async fn submit(&self, transaction: Bytes) -> Result<Digest, SubmitError> {
        if *self.0.stopped.borrow() {
            return Err(SubmitError::Stopped);
        }
        let digest = Transaction::digest_of(&transaction);
        if !is_fresh(&self.0.shared, &transaction) {
            return Ok(digest);
        }
        let (shared, bytes) = (self.0.shared.clone(), transaction.clone());
        let check = move || Checked::check(&bytes, shared.chain, &*shared);
        let checked = {
            let _turn = self.0.shared.checks.acquire().await.map_err(|_| SubmitError::Stopped)?;
            self.0.shared.compute(check).await.ok_or(SubmitError::Stopped)??
        };
        let admitted = self.ask(|reply| Request::Admit(checked.clone(), reply)).await;
        let prospect = match admitted.map_err(|_| SubmitError::Stopped)? {
            Ok(prospect) => prospect,
            // Meanwhile it came another way.
            Err(_) if !is_fresh(&self.0.shared, &transaction) => return Ok(digest),
            Err(refusal) => return Err(refusal.into()),
        };
        let pooled = self.0.shared.take_in(checked.clone(), Source::Own, prospect);
        let is_new = pooled.map_err(|refused| match refused {
            NotPooled::Full => SubmitError::PoolFull,
            NotPooled::Ticket => SubmitError::Refused(Refusal::TicketSpent),
            NotPooled::Withdrawal => SubmitError::Refused(Refusal::AlreadyWithdrawn),
        })?;
        if is_new {
            // Full queues lose nothing: a waiting transaction is repeated, and a re-encryption is made when needed.
            let _ = self.0.outgoing.try_send(transaction);
            let _ = self.0.requests.try_send(Request::Prepare(checked));
        }
        Ok(digest)
    }

    /// The newest certified header. `None` before the first block.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.0.shared.tip().borrow().snapshot.clone()
    }

    /// Entry or proof of absence, with the header they stand under.
    pub async fn answer(&self, name: Name) -> Result<Answered, ChainError> {
        self.ask(|reply| Request::Answer(name, reply)).await
    }

    /// Every entry of a prefix, provably complete, with the header it stands under.
    pub async fn bucket(&self, prefix: Prefix) -> Result<Bucketed, ChainError> {
        self.ask(|reply| Request::Bucket(prefix, reply)).await
    }

    /// This node's word, unproved: for its own decisions only.
    pub async fn entry(&self, name: Name) -> Result<Option<Entry>, ChainError> {
        self.ask(|reply| Request::Entry(name, reply)).await
    }

    /// `None`: never seen, refused at the door, or dropped long ago.
    pub async fn transaction(&self, digest: Digest) -> Result<Option<TransactionStatus>, ChainError> {
        let shared = &self.0.shared;
        let waits = shared.pool().contains(&digest) || shared.pending().checked(&digest).is_some();
        Ok(match self.included(&digest)? {
            Some(included) => Some(TransactionStatus::Included(included)),
            None if waits => Some(TransactionStatus::Pooled),
            None => shared.refusal(&digest).map(TransactionStatus::Refused),
        })
    }

    /// Resolves when the transaction is in a finalized block, also one that was never submitted here, or when this node
    /// finds that it can be in none. The caller sets the time limit.
    pub async fn wait_final(&self, digest: Digest) -> Result<Included, ChainError> {
        let waiter = self.0.shared.waiters().wait(digest);
        if let Some(included) = self.included(&digest)? {
            return Ok(included);
        }
        if let Some(refusal) = self.0.shared.refusal(&digest) {
            return Err(refusal.into());
        }
        let mut stopped = self.0.stopped.clone();
        tokio::select! {
            biased;
            result = waiter => result.unwrap_or(Err(ChainError::Stopped)),
            _ = stopped.wait_for(|stopped| *stopped) => Err(ChainError::Stopped),
        }
    }

    fn included(&self, digest: &Digest) -> Result<Option<Included>, ChainError> {
        let found = self.0.shared.store.transaction(digest)?;
        Ok(found.map(|(row, place)| Included {
            height: row.header.height,
            time: row.header.time,
            outcome: place.outcome,
        }))
    }

    pub async fn block(&self, height: Height) -> Result<Option<BlockView>, ChainError> {
        Ok(self.0.shared.store.block(height)?.map(Row::view))
    }

    /// Newest first, below `before` (or from the newest), at most `limit` (capped at 100).
    pub async fn blocks(
        &self,
        before: Option<Height>,
        limit: usize,
    ) -> Result<Vec<BlockSummary>, ChainError> {
        let rows = self.0.shared.store.blocks(before, limit.min(MAX_SUMMARIES))?;
        Ok(rows.iter().map(Row::summary).collect())
    }

    /// Finalized blocks from now on; a slow receiver is told what it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<BlockSummary> {
        self.0.shared.blocks.subscribe()
    }

    pub fn status(&self) -> Status {
        let shared = &self.0.shared;
        let tip = shared.tip().borrow().clone();
        Status {
            validator: *shared.signer.verifying_key().as_bytes(),
            height: tip.height,
            time: tip.time,
            pool: shared.pool().len(),
            peers: shared.peers(),
            counts: tip.counts,
        }
    }

    /// By period, then class.
    pub fn ticket_keys(&self) -> Vec<(Class, Period, TicketKey)> {
        self.0.shared.ticket_keys()
    }

    /// In force at the newest finalized block.
    pub fn parameters(&self) -> Parameters {
        self.0.shared.parameters()
    }

    /// This validator's signature of a governance action, with its index in the committee.
    pub fn sign_governance(&self, action: &Action, valid_until: Time) -> (u16, Signature) {
        let shared = &self.0.shared;
        (shared.index, Governance::approve(shared.chain, action, valid_until, &shared.signer))
    }

    /// What the engine counts, in the text format of OpenMetrics.
    pub async fn engine_metrics(&self) -> Result<String, ChainError> {
        self.ask(Request::Metrics).await
    }

    /// Stops consensus, network and stores, and waits until they are down.
    pub async fn shutdown(self) {
        self.0.stop.send_replace(true);
        let mut stopped = self.0.stopped.clone();
        // An error: the thread is gone already.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// Resolves when the chain has stopped, for whatever reason.
    pub async fn stopped(&self) {
        let mut stopped = self.0.stopped.clone();
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, ChainError> {
        let (reply, answer) = oneshot::channel();
        self.0.requests.send(request(reply)).await.map_err(|_| ChainError::Stopped)?;
        answer.await.unwrap_or(Err(ChainError::Stopped))
    }
}
