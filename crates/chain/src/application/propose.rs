//! Building a block (spec B-5, B-6).

use commonware_glue::stateful::{Proposed, db::Merkleized as _};
use commonware_runtime::Spawner;
use commonware_storage::Context as StorageContext;
use commonware_utils::range::NonEmptyRange;
use tracing::debug;
use yilian_crypto::Digest;
use yilian_finality::{Engine, Header};
use yilian_ledger::{Checked, Refusal, Selection, Time};

use super::{Consensus, Effects, Machine, Superseded};
use crate::{
    block::{Block, ledger_digest, transaction_root},
    claims::heals,
    evaluate::{EvaluateError, Loader},
    pacing::Pace,
    state::Unmerkleized,
};

/// How often a proposer looks for candidates when all that it found were refused: once through a full pool, and finality
/// waits no longer.
const MAX_SELECTIONS: usize = 4;

/// What goes into a proposed block.
struct Filled {
    time: Time,
    transactions: Vec<Checked>,
    selection: Selection,
    superseded: Superseded,
}

impl Machine {
    /// A block on top of `parent` at `now`, if one is due.
    pub(super) async fn build<E: Spawner + StorageContext>(
        &self,
        now: u64,
        consensus: Consensus,
        parent: &Header,
        batches: Unmerkleized<E>,
    ) -> Option<Proposed<Self, E>> {
        let Filled { time, transactions, selection, superseded } =
            self.fill::<E>(now, parent, &batches).await?;
        let Effects { merkleized, mut evaluated, counts } =
            self.apply::<E>(parent, superseded, transactions, selection, batches).await.ok()?;
        let operations = NonEmptyRange::new(merkleized.sync_boundary()..merkleized.bounds().tip.size).ok()?;
        let header = Header {
            parent: parent.digest(),
            height: evaluated.height,
            epoch: parent.epoch,
            time,
            transaction_root: transaction_root(evaluated.transactions.iter().map(Checked::digest)),
            transactions: evaluated.transactions.len() as u32,
            state_root: ledger_digest(&merkleized.root()),
            counts,
            next_committee: self.shared.committee.digest(),
            engine: Engine {
                context: consensus,
                operations_root: ledger_digest(&merkleized.ops_root()),
                operations,
            },
        };
        let block = Block {
            header,
            transactions: evaluated.transactions.iter().map(|t| t.encoded().clone()).collect(),
        };
        evaluated.digest = block.header.digest();
        self.shared.pending().insert(evaluated);
        Some(Proposed { block, merkleized })
    }

    /// Chooses transactions (B-6). `None`: there are none and no empty block is due. Never waits: the engine finalizes
    /// nothing while a block is being built.
    async fn fill<E: Spawner + StorageContext>(
        &self,
        now: u64,
        parent: &Header,
        batches: &Unmerkleized<E>,
    ) -> Option<Filled> {
        let is_due = Pace::is_due_after(parent, now, self.shared.parameters().idle_block_ms);
        let mut loader = Loader::<E>::new(&self.shared, batches, parent.height.0 == 0);
        let time = Time(now.max(parent.time.0 + 1));
        let context = self.block_context(parent, time);
        let mut rounds = 0;
        loop {
            rounds += 1;
            let candidates = self.shared.candidates(&parent.digest());
            let (candidates, selection) = match loader.select(&context, candidates).await {
                Ok(selected) => selected,
                Err(EvaluateError::Invalid(digest, refusal)) => {
                    // Evidence of another branch that fails under this one's ticket keys.
                    self.refuse(parent, digest, refusal);
                    continue;
                }
                Err(error) => {
                    error.report();
                    return None;
                }
            };
            for (index, refusal) in &selection.refused {
                self.refuse(parent, candidates[*index].digest(), *refusal);
            }
            if selection.included.is_empty() {
                // Behind those that were refused, and are gone, good ones may wait.
                if !selection.refused.is_empty() && rounds < MAX_SELECTIONS {
                    continue;
                }
                if !is_due {
                    return None;
                }
            }
            let transactions = selection.included.iter().map(|i| candidates[*i].clone()).collect();
            let superseded = loader.superseded_by(&selection);
            return Some(Filled { time, transactions, selection, superseded });
        }
    }

    /// A refused candidate goes for good, unless an ancestor that is not final may be what it clashes with, or another
    /// transaction may help: then it waits, and is tried again.
    fn refuse(&self, parent: &Header, digest: Digest, refusal: Refusal) {
        debug!(%refusal, "candidate refused");
        let parent = parent.digest();
        let settled = self.shared.pending().block(&parent).is_none();
        if settled && !heals(refusal) {
            self.shared.drop_pooled(&digest, refusal);
        } else {
            self.shared.decline(parent, digest);
        }
    }
}
