//! The state machine as the engine drives it (spec B-5 to B-14): proposing, verifying and finalizing blocks.

mod propose;
mod settle;
mod verify;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use commonware_consensus::{
    marshal::{ancestry::Ancestry, core::Mailbox as Marshal, standard::Standard},
    simplex::{scheme::ed25519::Scheme, types::Context},
};
use commonware_cryptography::{Digested, ed25519, sha256};
use commonware_glue::stateful::{
    Application, Finality, Input, Proposed,
    db::{DatabaseSet, Reader, Unmerkleized as _},
};
use commonware_runtime::Spawner;
use commonware_storage::{Context as StorageContext, qmdb::sync::Target};
use futures::StreamExt as _;
use tracing::{debug, error, warn};
use yilian_crypto::Digest;
use yilian_finality::Header;
use yilian_ledger::{BlockContext, Checked, Entry, Height, Name, Selection, Time, transition::Counts};

use crate::{
    block::{Block, engine_digest},
    evaluate::EvaluateError,
    pending::Evaluated,
    platform::now_ms,
    shared::Shared,
    state::{Databases, Merkleized, State, Unmerkleized, state_key},
};
use verify::Invalid;

/// Consensus context of a block.
pub type Consensus = Context<sha256::Digest, ed25519::PublicKey>;

/// Shared by all clones; the mailbox is set once the engine is wired.
#[derive(Clone)]
pub struct Machine {
    pub genesis: Arc<Block>,
    pub shared: Arc<Shared>,
    pub marshal: Arc<OnceLock<Marshal<Scheme, Standard<Block>>>>,
}

/// Values that writes replace.
type Superseded = BTreeMap<Name, Digest>;

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
        self.build(now_ms(&clock), consensus, &parent.inner().header, batches).await
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
