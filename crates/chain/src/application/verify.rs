//! Whether a block gets a vote (spec B-7 to B-11).

use std::time::Duration;

use commonware_consensus::types;
use commonware_glue::stateful::Finality;
use commonware_runtime::{Clock, Spawner};
use commonware_storage::Context as StorageContext;
use yilian_finality::{Header, snapshot::MAX_AHEAD_MS};
use yilian_ledger::Time;

use super::{Effects, Machine};
use crate::{
    block::{Block, engine_digest, ledger_digest},
    evaluate::{EvaluateError, Loader},
    pacing,
    platform::now_ms,
    state::{Merkleized, Unmerkleized},
};

/// Why a block gets no vote.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    #[error("the block does not follow its parent")]
    Parent,
    #[error("wrong epoch or next committee")]
    Committee,
    #[error("time is not later than the parent's")]
    TimeBefore,
    #[error("time is too far ahead")]
    TimeAhead,
    #[error("entry counts")]
    Counts,
    #[error("state root")]
    StateRoot,
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

impl Machine {
    /// Header rules that need no state (B-7).
    fn check_header(&self, header: &Header, parent: &Header) -> Result<(), Invalid> {
        let engine = &header.engine.context;
        if header.height.0 != parent.height.0 + 1
            || header.parent != parent.digest()
            || engine.parent.1 != engine_digest(&header.parent)
        {
            return Err(Invalid::Parent);
        }
        if header.epoch != parent.epoch
            || engine.round.epoch() != types::Epoch::new(header.epoch.0)
            || header.next_committee != self.shared.committee.digest()
        {
            return Err(Invalid::Committee);
        }
        if header.time <= parent.time {
            return Err(Invalid::TimeBefore);
        }
        Ok(())
    }

    /// Waits until a block's time is at most 2 s ahead, but not for long (B-8).
    async fn await_time(&self, clock: &impl Clock, time: Time) -> Result<(), Invalid> {
        let ahead = time.0.saturating_sub(now_ms(clock).saturating_add(MAX_AHEAD_MS));
        if ahead > pacing::MAX_TIME_WAIT_MS {
            return Err(Invalid::TimeAhead);
        }
        if ahead > 0 {
            clock.sleep(Duration::from_millis(ahead)).await;
        }
        Ok(())
    }

    pub(super) async fn verify<E: Spawner + StorageContext>(
        &self,
        clock: &E,
        block: &Block,
        parent: &Header,
        batches: Unmerkleized<E>,
        finality: Finality,
    ) -> Result<Merkleized<E>, Invalid> {
        let header = &block.header;
        self.check_header(header, parent)?;
        if finality == Finality::Candidate {
            self.await_time(clock, header.time).await?;
        }
        let context = self.block_context(parent, header.time);
        let (transactions, selection, superseded) = {
            let mut loader = Loader::<E>::new(&self.shared, &batches, header.height.0 == 1);
            let checked = loader.check(&context, block).await?;
            let (transactions, selection) = loader.execute(&context, checked).await?;
            let superseded = loader.superseded_by(&selection);
            (transactions, selection, superseded)
        };
        let Effects { merkleized, mut evaluated, counts } =
            self.apply::<E>(parent, superseded, transactions, selection, batches).await?;
        if counts != header.counts {
            return Err(Invalid::Counts);
        }
        // The engine compares the operations' root only; proofs stand under this one.
        if ledger_digest(&merkleized.root()) != header.state_root {
            return Err(Invalid::StateRoot);
        }
        evaluated.digest = header.digest();
        self.shared.pending().insert(evaluated);
        Ok(merkleized)
    }
}
