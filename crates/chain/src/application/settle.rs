//! What follows when a block is final (spec B-13): it is made durable, then known.

use commonware_codec::Encode as _;
use commonware_consensus::types;
use yilian_ledger::{Checked, Kind, Refusal};

use super::Machine;
use crate::{
    ChainError,
    block::Block,
    pacing,
    pending::Evaluated,
    store::{Commit, Row},
    summary::{Included, TransactionSummary},
};

impl Machine {
    /// A finalized block's row, with its certificate if it has one of its own.
    async fn row(&self, block: &Block, evaluated: &Evaluated) -> Row {
        let finalization = match self.marshal.get() {
            Some(marshal) => marshal.get_finalization(types::Height::new(block.header.height.0)).await,
            None => None,
        };
        let summarize = |(checked, outcome): (&Checked, &_)| TransactionSummary {
            digest: checked.digest(),
            kind: checked.transaction().body.kind(),
            bytes: checked.encoded().len(),
            outcome: *outcome,
        };
        Row {
            header: block.header.clone(),
            finalization: finalization.map(|f| f.encode().to_vec()),
            bytes: block.bytes() as u64,
            transactions: evaluated.transactions.iter().zip(&evaluated.outcomes).map(summarize).collect(),
        }
    }

    /// Makes a finalized block durable, then known (B-13).
    pub(super) async fn settle(&self, block: &Block) {
        let digest = block.header.digest();
        let evaluated =
            self.shared.pending().block(&digest).expect("the engine executes a block before it applies it");
        let row = self.row(block, &evaluated).await;
        let commit = Commit {
            row,
            writes: evaluated.writes.iter().map(|(name, entry)| (*name, entry)).collect(),
            superseded: &evaluated.superseded,
        };
        self.shared.store.commit(&commit).expect("the entry store takes a finalized block");
        self.publish(&commit.row, &evaluated);
    }

    fn publish(&self, row: &Row, evaluated: &Evaluated) {
        let shared = &self.shared;
        for (name, entry) in &evaluated.writes {
            shared.learn(name, entry);
        }
        {
            let mut pool = shared.pool();
            for included in &row.transactions {
                pool.remove(&included.digest);
            }
        }
        for ticket in evaluated.writes.keys().filter(|name| name.kind() == Some(Kind::SpentTicket)) {
            let double = shared.pool().paid_with(ticket);
            if let Some(digest) = double {
                shared.drop_pooled(&digest, Refusal::TicketSpent);
            }
        }
        shared.pending().settle(row.header.height);
        shared.advance(row);
        for included in &row.transactions {
            let place =
                Included { height: row.header.height, time: row.header.time, outcome: included.outcome };
            shared.waiters().settle(&included.digest, Ok(place));
        }
        let stale = row.header.time.0.saturating_sub(pacing::MAX_POOLED_MS);
        let expired = shared.pool().expire(stale);
        for digest in expired {
            shared.waiters().settle(&digest, Err(ChainError::Dropped));
        }
        shared.waiters().tidy();
        // Nobody may be listening.
        let _ = shared.blocks.send(row.summary());
    }
}
