//! Fetching what is wanted (spec CC-7): block by block, each from the first node that gives the right bytes.
//!
//! Only the root's address is trusted. A block is checked against its address where it comes in, and against its place in
//! the tree before it is stored; who gives other bytes is left alone for a while and the next node is asked. What was
//! stored survives a restart. Content that nobody gives is asked for again after a pause that doubles.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use bytes::Bytes;
use futures::{StreamExt as _, future::join_all, stream};
use yilian_content::{Opened, StoreError, UploadId};
use yilian_dag::{Accepted, Cid, LEAF, Reader, VerifyError, Wanted};

use super::{Copies, lock, peers::pause};
use crate::app::now_ms;

/// Objects fetched at a time, and blocks of each.
const OBJECTS: usize = 4;
const BLOCKS: usize = 4;
/// Objects looked up at a time in the list of what is wanted.
const BATCH: usize = 64;
/// After the first failure, ms; doubles.
const PAUSE: u64 = 5_000;
const LONGEST_PAUSE: u64 = 60 * 60_000;
/// Failures remembered.
const REMEMBERED: usize = 1 << 16;

#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("no node that answers has block {0}")]
    Nowhere(Cid),
    #[error("the object has {got} bytes where the pin announces {announced}")]
    Length { announced: u64, got: u64 },
    #[error("the object is no file of this system: {0}")]
    Tree(#[from] VerifyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no randomness")]
    Randomness,
}

/// Objects that could not be fetched, and when to try again.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<[u8; 33], (u32, u64)>>);

impl Attempts {
    /// Roots to leave alone now.
    fn late(&self, now: u64) -> HashSet<[u8; 33]> {
        let attempts = lock(&self.0);
        attempts.iter().filter(|(_, (_, after))| *after > now).map(|(root, _)| *root).collect()
    }

    fn failed(&self, root: &Cid, now: u64) {
        let mut attempts = lock(&self.0);
        if attempts.len() >= REMEMBERED {
            attempts.clear();
        }
        let entry = attempts.entry(root.to_compact()).or_default();
        entry.0 = entry.0.saturating_add(1);
        entry.1 = now.saturating_add(pause(entry.0, PAUSE, LONGEST_PAUSE));
    }

    fn forget(&self, root: &Cid) {
        lock(&self.0).remove(&root.to_compact());
    }
}

impl Copies {
    /// Fetches what is wanted, for ever.
    pub(super) async fn heal(&self) {
        loop {
            let fetched = self.heal_some().await;
            if fetched == 0 {
                // A peer's word wakes at once, a pause that is over at the next look.
                let _ = tokio::time::timeout(self.pause(), self.wake.notified()).await;
            }
        }
    }

    /// Tries everything that is wanted and due; how many objects came.
    pub(super) async fn heal_some(&self) -> usize {
        let late = self.attempts.late(now_ms());
        let wanted =
            self.ask(move |store| store.wanted(BATCH, |root| late.contains(&root.to_compact()))).await;
        let wanted = wanted.unwrap_or_else(|error| {
            self.remark(error.to_string());
            Vec::new()
        });
        let outcomes = stream::iter(wanted)
            .map(|(root, bytes)| async move { self.heal_one(&root, bytes).await })
            .buffer_unordered(OBJECTS);
        outcomes.filter(|came| std::future::ready(*came)).count().await
    }

    async fn heal_one(&self, root: &Cid, bytes: u64) -> bool {
        let outcome = self.pull(root, bytes).await;
        lock(&self.healing).remove(&root.to_compact());
        match outcome {
            Ok(()) => {
                self.attempts.forget(root);
                let mut healed = lock(&self.healed);
                healed.objects += 1;
                healed.bytes = healed.bytes.saturating_add(bytes);
                true
            }
            Err(error) => {
                self.attempts.failed(root, now_ms());
                self.remark(format!("{root}: {error}"));
                tracing::debug!("content could not be fetched; `yilian content status` says which");
                false
            }
        }
    }

    /// Fetches one object and stores it.
    pub(super) async fn pull(&self, root: &Cid, announced: u64) -> Result<(), PullError> {
        let mut reader = Reader::new(*root);
        let first = reader.wanted(0..u64::MAX, 1);
        let sources = self.sources(root).await?;
        let mut head = None;
        if let Some(want) = first.first() {
            let block = self.fetch(&want.cid, &sources).await?;
            reader.accept(want.at, &block)?;
            head = Some(block);
        }
        let (got, leaves, single) = match reader.layout() {
            Some(layout) => (layout.bytes(), layout.leaves(), layout.depth() == 0),
            None => return Err(PullError::Nowhere(*root)),
        };
        if got != announced {
            return Err(PullError::Length { announced, got });
        }
        let (root, id) = (*root, fresh_id()?);
        let opened = self.ask(move |store| store.open_copy(&root, got, id, now_ms())).await?;
        let Opened::Upload(id, status) = opened else { return Ok(()) };
        let mut next = status.next_leaf;
        if let Some(block) = head.filter(|_| single && next == 0) {
            next = self.keep(id, 0, block).await?;
        }
        while next < leaves {
            lock(&self.healing).insert(root.to_compact(), (next, leaves));
            reader.release(next);
            let wanted = run(reader.wanted(next..leaves, BLOCKS));
            if wanted.is_empty() {
                return Err(PullError::Nowhere(root));
            }
            let blocks = join_all(wanted.iter().map(|want| self.fetch(&want.cid, &sources))).await;
            for (want, block) in wanted.iter().zip(blocks) {
                let block = block?;
                if let Accepted::Leaf { index, .. } = reader.accept(want.at, &block)? {
                    next = self.keep(id, index, block).await?;
                }
            }
        }
        self.ask(move |store| store.finish_upload(&id, now_ms())).await?;
        Ok(())
    }

    async fn keep(&self, id: UploadId, index: u64, leaf: Bytes) -> Result<u64, StoreError> {
        self.ask(move |store| store.put_leaf(&id, index, &leaf, now_ms()))
            .await
            .map(|status| status.next_leaf)
    }

    /// Peers in the order in which they are asked: who took the payment, who is to hold it, all others.
    async fn sources(&self, root: &Cid) -> Result<Vec<usize>, StoreError> {
        let key = *root;
        let origins = self.ask(move |store| store.origins(&key)).await?;
        let mut sources = Vec::with_capacity(self.peers.len());
        let order = origins.into_iter().chain(self.placement().order(root));
        for key in order.chain(self.peers.iter().map(|peer| peer.key)) {
            let at = self.peers.iter().position(|peer| peer.key == key);
            if let Some(at) = at.filter(|at| !sources.contains(at)) {
                sources.push(at);
            }
        }
        Ok(sources)
    }

    /// A block with the right bytes, from the first that gives it.
    async fn fetch(&self, cid: &Cid, sources: &[usize]) -> Result<Bytes, PullError> {
        for at in sources {
            let peer = &self.peers[*at];
            if !peer.is_due(now_ms()) {
                continue;
            }
            self.pace.take(LEAF as u64).await;
            match self.link.block(peer, cid).await {
                Ok(Some(block)) => {
                    peer.answered(block.len() as u64);
                    return Ok(block);
                }
                Ok(None) => peer.answered(0),
                Err(error) => peer.failed(&error),
            }
        }
        Err(PullError::Nowhere(*cid))
    }
}

/// Blocks that can be fetched at once: an interior node alone, since it names what comes next, or leaves in a row.
fn run(wanted: Vec<Wanted>) -> Vec<Wanted> {
    let leaves = wanted.iter().take_while(|want| want.at.level == 0).count();
    wanted.into_iter().take(leaves.max(1)).collect()
}

fn fresh_id() -> Result<UploadId, PullError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| PullError::Randomness)?;
    Ok(UploadId(id))
}
