//! Blocks that were executed but are not final yet (spec B-12): what they wrote is in memory only.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use yilian_crypto::Digest;
use yilian_ledger::{Checked, CommitteeEntry, Entry, Height, Name, Outcome};

/// A block's effects.
#[derive(Clone, Debug)]
pub struct Evaluated {
    pub digest: Digest,
    pub parent: Digest,
    pub height: Height,
    pub transactions: Vec<Checked>,
    pub outcomes: Vec<Outcome>,
    pub writes: BTreeMap<Name, Entry>,
    /// Values that the writes replaced.
    pub superseded: Vec<(Name, Digest)>,
    /// As the block leaves it.
    pub committee: CommitteeEntry,
}

/// Everything above the newest finalized block, on all branches.
#[derive(Debug, Default)]
pub struct Pending {
    blocks: HashMap<Digest, Arc<Evaluated>>,
    /// By name and digest, with the height of the highest block that wrote it.
    entries: HashMap<(Name, Digest), (Entry, Height)>,
    /// By digest, with the height of the highest block that holds it.
    transactions: HashMap<Digest, (Checked, Height)>,
}

impl Pending {
    pub fn insert(&mut self, evaluated: Evaluated) {
        for (name, entry) in &evaluated.writes {
            let slot = self
                .entries
                .entry((*name, entry.digest()))
                .or_insert_with(|| (entry.clone(), evaluated.height));
            slot.1 = slot.1.max(evaluated.height);
        }
        for checked in &evaluated.transactions {
            let slot = self
                .transactions
                .entry(checked.digest())
                .or_insert_with(|| (checked.clone(), evaluated.height));
            slot.1 = slot.1.max(evaluated.height);
        }
        self.blocks.insert(evaluated.digest, Arc::new(evaluated));
    }

    pub fn block(&self, digest: &Digest) -> Option<Arc<Evaluated>> {
        self.blocks.get(digest).cloned()
    }

    pub fn entry(&self, name: &Name, digest: &Digest) -> Option<Entry> {
        self.entries.get(&(*name, *digest)).map(|(entry, _)| entry.clone())
    }

    /// Whether any block writes one of `names`.
    pub fn writes_any(&self, names: &BTreeSet<Name>) -> bool {
        self.blocks.values().any(|block| names.iter().any(|name| block.writes.contains_key(name)))
    }

    /// Transactions of the block and its ancestors that are not final.
    pub fn transactions_up_to(&self, digest: &Digest) -> HashSet<Digest> {
        let mut found = HashSet::new();
        let mut next = self.blocks.get(digest);
        while let Some(block) = next {
            found.extend(block.transactions.iter().map(Checked::digest));
            next = self.blocks.get(&block.parent);
        }
        found
    }

    /// A transaction checked for a block that is not final.
    pub fn checked(&self, digest: &Digest) -> Option<Checked> {
        self.transactions.get(digest).map(|(checked, _)| checked.clone())
    }

    /// Forgets all blocks up to `height`: one is final and durable, its competitors are dead.
    pub fn settle(&mut self, height: Height) {
        self.blocks.retain(|_, block| block.height > height);
        self.entries.retain(|_, (_, highest)| *highest > height);
        self.transactions.retain(|_, (_, highest)| *highest > height);
    }
}
