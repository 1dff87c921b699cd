//! The state machine as the engine drives it (spec B-5 to B-14): proposing, verifying and finalizing blocks.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use commonware_codec::Encode as _;
use commonware_consensus::{
    marshal::{ancestry::Ancestry, core::Mailbox as Marshal, standard::Standard},
    simplex::{scheme::ed25519::Scheme, types::Context},
    types,
};
use commonware_cryptography::{Digested, ed25519, sha256};
use commonware_glue::stateful::{
    Application, Finality, Input, Proposed,
    db::{DatabaseSet, Merkleized as _, Reader, Unmerkleized as _},
};
use commonware_runtime::{Clock, Spawner};
use commonware_storage::{Context as StorageContext, qmdb::sync::Target};
use commonware_utils::range::NonEmptyRange;
use futures::StreamExt as _;
use tracing::{debug, error, warn};
use yilian_crypto::Digest;
use yilian_finality::{Engine, Header, snapshot::MAX_AHEAD_MS};
use yilian_ledger::{
    BlockContext, Checked, Entry, Height, Kind, Name, Refusal, Selection, Time, transition::Counts,
};

use crate::{
    block::{Block, engine_digest, ledger_digest, transaction_root},
    claims::heals,
    evaluate::{EvaluateError, Loader},
    pacing::{self, Pace},
    pending::Evaluated,
    shared::Shared,
    state::{Databases, Merkleized, State, Unmerkleized, state_key},
    store::{Commit, Row},
    summary::{Included, TransactionSummary},
};

/// Consensus context of a block.
pub type Consensus = Context<sha256::Digest, ed25519::PublicKey>;

/// Shared by all clones; the mailbox is set once the engine is wired.
#[derive(Clone)]
pub struct Machine {
    pub genesis: Arc<Block>,
    pub shared: Arc<Shared>,
    pub marshal: Arc<OnceLock<Marshal<Scheme, Standard<Block>>>>,
}

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

/// Wall clock, ms.
pub fn now_ms(clock: &impl Clock) -> u64 {
    millis(clock.current())
}

pub fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}

/// How often a proposer looks for candidates when all that it found were refused: once through a full pool, and finality
/// waits no longer.
const MAX_SELECTIONS: usize = 4;

/// Values that writes replace.
type Superseded = BTreeMap<Name, Digest>;

/// What goes into a proposed block.
struct Filled {
    time: Time,
    transactions: Vec<Checked>,
    selection: Selection,
    superseded: Superseded,
}

/// What a block does to the state it stands on.
struct Effects<E: Spawner + StorageContext> {
    merkleized: Merkleized<E>,
    evaluated: Evaluated,
    counts: Counts,
}

impl Machine {
    fn block_context(&self, parent: &Header, time: Time) -> BlockContext {
        BlockContext {
            chain: self.shared.chain,
            height: Height(parent.height.0 + 1),
            epoch: parent.epoch,
            time,
        }
    }

    /// Writes a selection on top of the parent's state. The genesis entries come first in block 1 (B-4).
    async fn apply<E: Spawner + StorageContext>(
        &self,
        parent: &Header,
        superseded: Superseded,
        transactions: Vec<Checked>,
        selection: Selection,
        mut batches: Unmerkleized<E>,
    ) -> Result<Effects<E>, EvaluateError> {
        let height = Height(parent.height.0 + 1);
        let mut writes = if height.0 == 1 { self.shared.genesis_entries.clone() } else { Default::default() };
        writes.extend(selection.transition.writes);
        for (name, entry) in &writes {
            batches = batches.write(state_key(name), Some(engine_digest(&entry.digest())));
        }
        let merkleized = batches.merkleize().await.map_err(|_| EvaluateError::Abandoned)?;
        let evaluated = Evaluated {
            digest: Default::default(),
            parent: parent.digest(),
            height,
            transactions,
            outcomes: selection.transition.outcomes,
            writes,
            superseded: superseded.into_iter().collect(),
        };
        let counts = parent.counts.plus(&selection.transition.created);
        Ok(Effects { merkleized, evaluated, counts })
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

    async fn verify<E: Spawner + StorageContext>(
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
    async fn settle(&self, block: &Block) {
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
            shared.settle_waiters(&included.digest, Ok(place));
        }
        let stale = row.header.time.0.saturating_sub(pacing::MAX_POOLED_MS);
        let expired = shared.pool().expire(stale);
        for digest in expired {
            shared.settle_waiters(&digest, Err(crate::ChainError::Dropped));
        }
        shared.tidy_waiters();
        // Nobody may be listening.
        let _ = shared.blocks.send(row.summary());
    }
}

impl EvaluateError {
    fn report(&self) {
        match self {
            Self::Damaged(_) => error!(error = %self, "state is damaged"),
            _ => debug!(error = %self, "block not evaluated"),
        }
    }
}

impl<E: Spawner + StorageContext> Application<E> for Machine {
    type SigningScheme = Scheme;
    type Context = Consensus;
    type Block = Block;
    type Databases = Databases<E>;
    type Captured = ();
    type Provider = ();
    type Input = ();

    fn sync_targets(block: &Block) -> <Self::Databases as DatabaseSet<E>>::SyncTargets {
        let engine = &block.header.engine;
        Target::new(engine_digest(&engine.operations_root), engine.operations.clone())
    }

    async fn genesis(&mut self) -> Block {
        Block::clone(&self.genesis)
    }

    async fn propose(
        &mut self,
        (clock, consensus): (E, Consensus),
        mut ancestry: impl Ancestry<Block>,
        batches: Unmerkleized<E>,
        _: Input<(), ()>,
    ) -> Option<Proposed<Self, E>> {
        let parent: Digested<Block> = ancestry.next().await?;
        let parent = parent.inner().header.clone();
        let Filled { time, transactions, selection, superseded } =
            self.fill::<E>(now_ms(&clock), &parent, &batches).await?;
        let Effects { merkleized, mut evaluated, counts } =
            self.apply::<E>(&parent, superseded, transactions, selection, batches).await.ok()?;
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

    async fn process(
        &mut self,
        (clock, _): (E, Consensus),
        mut ancestry: impl Ancestry<Block>,
        batches: Unmerkleized<E>,
        finality: Finality,
    ) -> Option<Merkleized<E>> {
        let block: Digested<Block> = ancestry.next().await?;
        let parent: Digested<Block> = ancestry.next().await?;
        match self.verify(&clock, block.inner(), &parent.inner().header, batches, finality).await {
            Ok(merkleized) => Some(merkleized),
            Err(Invalid::Evaluate(error @ EvaluateError::Damaged(_))) => {
                error.report();
                None
            }
            Err(error) => {
                warn!(height = block.inner().header.height.0, %error, "block refused");
                None
            }
        }
    }

    async fn capture(&mut self, _: (E, Consensus), _: &Block, _: &Merkleized<E>, _: Reader<State<E>>) {}

    async fn finalized(&mut self, _: (E, Consensus), block: &Block, (): (), _: Reader<State<E>>) {
        self.settle(block).await;
    }
}

/// Entries that the genesis puts into block 1, by name.
pub fn genesis_entries(
    genesis: &yilian_ledger::Genesis,
) -> Result<BTreeMap<Name, Entry>, yilian_ledger::GenesisError> {
    genesis.entries().map(|entries| entries.into_iter().collect())
}
