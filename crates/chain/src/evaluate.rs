//! Executing a block over its parent's state (spec B-11): the ledger says which names it misses, the loader fetches their
//! digests from the state database and their entries from memory or the entry store, and execution is tried again.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use commonware_cryptography::sha256;
use commonware_runtime::Spawner;
use commonware_storage::Context as StorageContext;
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};
use yilian_crypto::{
    Digest,
    ticket::{Class, Period, TicketKey},
};
use yilian_ledger::{
    BlockContext, ChainId, Checked, Entry, ExecuteError, Known, Name, Refusal, Selection, TicketKeys,
    Transaction, block_names, execute, select,
};

use crate::{
    block::{Block, ledger_digest},
    shared::Shared,
    state::{Unmerkleized, state_key},
};

/// Rounds of fetching before a block counts as impossible; each fetches at least one more name.
const MAX_ROUNDS: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    #[error("transaction {0} cannot be in the block: {1}")]
    Invalid(Digest, Refusal),
    #[error("the state this block builds on was abandoned")]
    Abandoned,
    #[error("the entry store lacks the entry of {0:?}")]
    Damaged(Name),
    #[error("execution does not come to an end")]
    Endless,
}

/// What is known of a parent's state, growing.
pub struct Loader<'a, E: Spawner + StorageContext> {
    shared: &'a Shared,
    batches: &'a Unmerkleized<E>,
    /// Block 1 begins with the genesis entries, which stand in no database yet.
    genesis: bool,
    known: Known,
    digests: BTreeMap<Name, Digest>,
}

/// Ticket keys of a parent's state.
struct KnownKeys(BTreeMap<(Period, Class), TicketKey>);

impl TicketKeys for KnownKeys {
    fn ticket_key(&self, class: Class, period: Period) -> Option<TicketKey> {
        self.0.get(&(period, class)).cloned()
    }
}

impl<'a, E: Spawner + StorageContext> Loader<'a, E> {
    pub fn new(shared: &'a Shared, batches: &'a Unmerkleized<E>, genesis: bool) -> Self {
        Self { shared, batches, genesis, known: Known::new(), digests: BTreeMap::new() }
    }

    /// The values that a selection's writes replace.
    pub fn superseded_by(&self, selection: &Selection) -> BTreeMap<Name, Digest> {
        let replaced = |name: &Name| Some((*name, *self.digests.get(name)?));
        selection.transition.writes.keys().filter_map(replaced).collect()
    }

    /// Fetches names not known yet.
    async fn load(&mut self, names: impl IntoIterator<Item = Name>) -> Result<(), EvaluateError> {
        let wanted: BTreeSet<Name> = names.into_iter().filter(|n| !self.known.contains_key(n)).collect();
        let keys: Vec<sha256::Digest> = wanted.iter().map(state_key).collect();
        let references: Vec<&sha256::Digest> = keys.iter().collect();
        let values = self.batches.get_many(&references).await.map_err(|_| EvaluateError::Abandoned)?;
        for (name, value) in wanted.into_iter().zip(values) {
            let entry = match value {
                Some(digest) => Some(self.entry(name, ledger_digest(&digest))?),
                None if self.genesis => self.shared.genesis_entries.get(&name).cloned(),
                None => None,
            };
            self.known.insert(name, entry);
        }
        Ok(())
    }

    fn entry(&mut self, name: Name, digest: Digest) -> Result<Entry, EvaluateError> {
        self.digests.insert(name, digest);
        match self.shared.entry(&name, &digest) {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) | Err(_) => Err(EvaluateError::Damaged(name)),
        }
    }

    /// Ticket keys that a transaction of a block at `context` can use: of the period before, this one and the next.
    async fn ticket_keys(&mut self, context: &BlockContext) -> Result<KnownKeys, EvaluateError> {
        self.load(block_names()).await?;
        let Some(Some(Entry::Parameters(parameters))) = self.known.get(&Name::parameters()) else {
            return Err(EvaluateError::Damaged(Name::parameters()));
        };
        let here = parameters.period(context.time).0;
        let slots: Vec<(Period, Class)> = (here.saturating_sub(1)..=here.saturating_add(1))
            .flat_map(|period| Class::ALL.map(|class| (Period(period), class)))
            .collect();
        self.load(slots.iter().map(|(period, class)| Name::ticket_key(*class, *period))).await?;
        let key = |(period, class)| match self.known.get(&Name::ticket_key(class, period)) {
            Some(Some(Entry::TicketKey(key))) => Some(((period, class), key.clone())),
            _ => None,
        };
        Ok(KnownKeys(slots.into_iter().filter_map(key).collect()))
    }

    /// Evidence of every transaction of a block: from the pool where it was checked already, the rest in parallel.
    pub async fn check(
        &mut self,
        context: &BlockContext,
        block: &Block,
    ) -> Result<Vec<Checked>, EvaluateError> {
        let known: Vec<Result<Checked, Bytes>> = {
            let (pool, pending) = (self.shared.pool(), self.shared.pending());
            let find = |bytes: &Bytes| {
                let digest = Transaction::digest_of(bytes);
                let found = pool.get(&digest).cloned().or_else(|| pending.checked(&digest));
                found.ok_or_else(|| bytes.clone())
            };
            block.transactions.iter().map(find).collect()
        };
        let (keys, chain) = (self.ticket_keys(context).await?, self.shared.chain);
        let check_all = move || {
            known.into_par_iter().map(|item| item.or_else(|bytes| check_one(&bytes, chain, &keys))).collect()
        };
        self.shared.compute(check_all).await.unwrap_or(Err(EvaluateError::Abandoned))
    }

    /// Executes all of `transactions`.
    pub async fn execute(
        &mut self,
        context: &BlockContext,
        mut transactions: Vec<Checked>,
    ) -> Result<(Vec<Checked>, Selection), EvaluateError> {
        let shared = self.shared;
        let run = |known: &Known, transactions: &[Checked]| {
            execute(context, &shared.committee_keys, known, transactions).map(|transition| Selection {
                included: (0..transactions.len()).collect(),
                refused: Vec::new(),
                transition,
            })
        };
        let selection = self.run(context, &mut transactions, run).await?;
        Ok((transactions, selection))
    }

    /// Executes those of `candidates` that a block may hold.
    pub async fn select(
        &mut self,
        context: &BlockContext,
        mut candidates: Vec<Checked>,
    ) -> Result<(Vec<Checked>, Selection), EvaluateError> {
        let shared = self.shared;
        let run = |known: &Known, candidates: &[Checked]| {
            select(context, &shared.committee_keys, known, candidates)
        };
        let selection = self.run(context, &mut candidates, run).await?;
        Ok((candidates, selection))
    }

    async fn run(
        &mut self,
        context: &BlockContext,
        transactions: &mut [Checked],
        run: impl Fn(&Known, &[Checked]) -> Result<Selection, ExecuteError>,
    ) -> Result<Selection, EvaluateError> {
        self.load(block_names().into_iter().chain(transactions.iter().flat_map(Checked::names))).await?;
        self.prepare(transactions).await;
        for _ in 0..MAX_ROUNDS {
            match run(&self.known, transactions) {
                Ok(selection) => return Ok(selection),
                Err(ExecuteError::Missing(missing)) => self.load(missing.0).await?,
                Err(ExecuteError::InvalidBlock(index, refusal)) => {
                    return Err(EvaluateError::Invalid(transactions[index].digest(), refusal));
                }
                Err(ExecuteError::Recheck(index)) => {
                    let keys = self.ticket_keys(context).await?;
                    let encoded = transactions[index].encoded().clone();
                    transactions[index] = check_one(&encoded, self.shared.chain, &keys)?;
                }
                Err(ExecuteError::Damaged(name)) => return Err(EvaluateError::Damaged(name)),
            }
        }
        Err(EvaluateError::Endless)
    }

    /// Re-encrypts for all grants in parallel; execution then only looks up.
    async fn prepare(&self, transactions: &[Checked]) {
        let of_record = |checked: &Checked| {
            let name = checked.prepares()?;
            match self.known.get(&name) {
                Some(Some(Entry::Record(record))) => Some((checked.clone(), record.clone())),
                _ => None,
            }
        };
        let grants: Vec<_> = transactions.iter().filter_map(of_record).collect();
        if !grants.is_empty() {
            let prepare = move || grants.par_iter().for_each(|(checked, record)| checked.prepare(record));
            self.shared.compute(prepare).await;
        }
    }
}

fn check_one(bytes: &[u8], chain: ChainId, keys: &dyn TicketKeys) -> Result<Checked, EvaluateError> {
    Checked::check(bytes, chain, keys)
        .map_err(|refusal| EvaluateError::Invalid(Transaction::digest_of(bytes), refusal))
}
