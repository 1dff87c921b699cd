//! The entry store (spec B-30 to B-34): entries by name and digest, finalized blocks by height, transactions by digest.
//!
//! A block's rows are on disk, in one transaction, before the engine is told that the block was handled; writing a block
//! again changes nothing. Re-encrypted capsules of ended grants are dropped [`DROP_LAG`] blocks later: the engine may
//! replay at most its window of unacknowledged blocks after a crash, and replaying needs what those blocks read.
//! No transaction is kept here: a re-encryption key is in no table.

use std::path::Path;

use bytes::BufMut;
use commonware_codec::{
    Buf, Copying, DecodeExt as _, Encode as _, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _,
    Write,
};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use yilian_crypto::Digest;
use yilian_files::Format;
use yilian_finality::{Header, Snapshot, snapshot::MAX_FINALIZATION};
use yilian_ledger::{ChainId, Entry, Height, Kind, Name, Outcome, Refusal};

use crate::{
    block::MAX_TRANSACTIONS,
    summary::{BlockSummary, BlockView, TransactionSummary},
};

const ENTRIES: TableDefinition<'_, [u8; 64], &[u8]> = TableDefinition::new("entries");
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
const TRANSACTIONS: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("transactions");
/// Keys of `ENTRIES` to drop once the block at this height lies `DROP_LAG` behind.
const DROPS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("drops");
/// Entries that the node itself needs at its start: parameters and ticket keys, newest value by name.
const PINNED: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("pinned");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Blocks between a grant's end and the erasure of what it carried.
pub const DROP_LAG: u64 = 64;
/// Format of the entry store (spec ST-3).
pub const FORMAT: Format = Format::new("the entry store", 1);
/// The store's own cache, bytes.
const CACHE: usize = 4 << 20;

/// A finalized block's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub header: Header,
    pub finalization: Option<Vec<u8>>,
    pub bytes: u64,
    pub transactions: Vec<TransactionSummary>,
}

/// Everything a finalized block changes here.
pub struct Commit<'a> {
    pub row: Row,
    pub writes: Vec<(Name, &'a Entry)>,
    /// Values that are no more.
    pub superseded: &'a [(Name, Digest)],
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("entry store: {0}")]
    Database(Box<redb::Error>),
    #[error("entry store: {0} is damaged")]
    Damaged(&'static str),
    #[error("entry store belongs to another chain")]
    OtherChain,
    #[error(transparent)]
    Open(#[from] yilian_files::OpenError),
}

macro_rules! from_redb {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for StoreError {
            fn from(error: redb::$name) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(TransactionError, TableError, StorageError, CommitError);

pub struct Store {
    database: Database,
}

impl Store {
    /// Opens or creates; refuses the store of another chain.
    pub fn open(path: &Path, chain: ChainId) -> Result<Self, StoreError> {
        let database = yilian_files::database::open(path, FORMAT, CACHE)?;
        let transaction = database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            let known = meta.get("chain")?.map(|v| v.value().to_vec());
            match known {
                Some(id) if id == chain.0.as_ref() => {}
                Some(_) => return Err(StoreError::OtherChain),
                None => {
                    meta.insert("chain", chain.0.as_ref())?;
                }
            }
            transaction.open_table(ENTRIES)?;
            transaction.open_table(BLOCKS)?;
            transaction.open_table(TRANSACTIONS)?;
            transaction.open_table(DROPS)?;
            transaction.open_table(PINNED)?;
        }
        transaction.commit()?;
        Ok(Self { database })
    }

    pub fn entry(&self, name: &Name, digest: &Digest) -> Result<Option<Entry>, StoreError> {
        let table = self.database.begin_read()?.open_table(ENTRIES)?;
        let Some(value) = table.get(key(name, digest))? else { return Ok(None) };
        decode_entry(value.value()).map(Some)
    }

    pub fn block(&self, height: Height) -> Result<Option<Row>, StoreError> {
        let table = self.database.begin_read()?.open_table(BLOCKS)?;
        let Some(value) = table.get(height.0)? else { return Ok(None) };
        Row::decode(Copying(value.value())).map(Some).map_err(|_| StoreError::Damaged("a block"))
    }

    /// Newest first, below `before`, at most `limit`.
    pub fn blocks(&self, before: Option<Height>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let table = self.database.begin_read()?.open_table(BLOCKS)?;
        let range = table.range(..before.map_or(u64::MAX, |h| h.0))?;
        range
            .rev()
            .take(limit)
            .map(|row| Row::decode(Copying(row?.1.value())).map_err(|_| StoreError::Damaged("a block")))
            .collect()
    }

    /// Where a transaction was included: the block's row and its place there.
    pub fn transaction(&self, digest: &Digest) -> Result<Option<(Row, TransactionSummary)>, StoreError> {
        let height = {
            let table = self.database.begin_read()?.open_table(TRANSACTIONS)?;
            let Some(height) = table.get(digest.0)? else { return Ok(None) };
            height.value()
        };
        let row = self.block(Height(height))?.ok_or(StoreError::Damaged("a transaction's block"))?;
        let place = row.transactions.iter().find(|t| t.digest == *digest).cloned();
        place.map(|place| Some((row, place))).ok_or(StoreError::Damaged("a transaction's place"))
    }

    /// Parameters and ticket keys.
    pub fn pinned(&self) -> Result<Vec<(Name, Entry)>, StoreError> {
        let table = self.database.begin_read()?.open_table(PINNED)?;
        table
            .iter()?
            .map(|row| {
                let (name, entry) = row?;
                Ok((Name(name.value()), decode_entry(entry.value())?))
            })
            .collect()
    }

    /// Writes a finalized block; durable on return.
    pub fn commit(&self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let height = commit.row.header.height.0;
        let transaction = self.database.begin_write()?;
        {
            let mut entries = transaction.open_table(ENTRIES)?;
            let mut pinned = transaction.open_table(PINNED)?;
            for (name, entry) in &commit.writes {
                let encoded = entry.encode();
                entries.insert(key(name, &entry.digest()), encoded.as_ref())?;
                if is_pinned(name) {
                    pinned.insert(name.0, encoded.as_ref())?;
                }
            }
            let mut drops = transaction.open_table(DROPS)?;
            let dropped: Vec<u8> = commit
                .superseded
                .iter()
                .filter(|(name, _)| never_returns(name))
                .flat_map(|(name, digest)| key(name, digest))
                .collect();
            if !dropped.is_empty() {
                drops.insert(height, dropped.as_slice())?;
            }
            for due in drops.extract_from_if(..height.saturating_sub(DROP_LAG), |_, _| true)? {
                for key in due?.1.value().as_chunks::<64>().0 {
                    entries.remove(key)?;
                }
            }
            let mut transactions = transaction.open_table(TRANSACTIONS)?;
            for included in &commit.row.transactions {
                transactions.insert(included.digest.0, height)?;
            }
            let mut blocks = transaction.open_table(BLOCKS)?;
            blocks.insert(height, commit.row.encode().as_ref())?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Kinds whose values never come back, so that a replaced one may be dropped.
fn never_returns(name: &Name) -> bool {
    matches!(name.kind(), Some(Kind::Grant | Kind::ExpiryCount | Kind::ExpiryCursor))
}

fn is_pinned(name: &Name) -> bool {
    matches!(name.kind(), Some(Kind::Parameters | Kind::TicketKey))
}

fn key(name: &Name, digest: &Digest) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(&name.0);
    key[32..].copy_from_slice(&digest.0);
    key
}

fn decode_entry(bytes: &[u8]) -> Result<Entry, StoreError> {
    Entry::decode(Copying(bytes)).map_err(|_| StoreError::Damaged("an entry"))
}

impl Row {
    pub fn snapshot(&self) -> Option<Snapshot> {
        let finalization = self.finalization.clone()?;
        Some(Snapshot { header: self.header.clone(), finalization })
    }

    pub fn summary(&self) -> BlockSummary {
        BlockSummary {
            height: self.header.height,
            digest: self.header.digest(),
            time: self.header.time,
            epoch: self.header.epoch,
            transactions: self.transactions.len(),
            bytes: self.bytes as usize,
        }
    }

    pub fn view(self) -> BlockView {
        BlockView { summary: self.summary(), snapshot: self.snapshot(), transactions: self.transactions }
    }
}

impl Write for Row {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.finalization.write(buf);
        self.bytes.write(buf);
        self.transactions.write(buf);
    }
}

impl EncodeSize for Row {
    fn encode_size(&self) -> usize {
        self.header.encode_size() + self.finalization.encode_size() + 8 + self.transactions.encode_size()
    }
}

impl Read for Row {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            header: Header::read(buf)?,
            finalization: Option::<Vec<u8>>::read_cfg(buf, &(RangeCfg::new(0..=MAX_FINALIZATION), ()))?,
            bytes: u64::read(buf)?,
            transactions: Vec::read_cfg(buf, &(RangeCfg::new(0..=MAX_TRANSACTIONS), ()))?,
        })
    }
}

impl Write for TransactionSummary {
    fn write(&self, buf: &mut impl BufMut) {
        self.digest.write(buf);
        kind_tag(self.kind).write(buf);
        (self.bytes as u64).write(buf);
        outcome_code(&self.outcome).write(buf);
    }
}

impl EncodeSize for TransactionSummary {
    fn encode_size(&self) -> usize {
        32 + 1 + 8 + outcome_code(&self.outcome).encode_size()
    }
}

impl Read for TransactionSummary {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        let digest = Digest::read(buf)?;
        let tag = u8::read(buf)?;
        let kind = *KINDS.get(usize::from(tag)).ok_or(CodecError::InvalidEnum(tag))?;
        let bytes = u64::read(buf)? as usize;
        let code = Vec::<u8>::read_cfg(buf, &(RangeCfg::new(0..=64), ()))?;
        let outcome = match code.as_slice() {
            [] => Outcome::Applied,
            code => str::from_utf8(code)
                .ok()
                .and_then(Refusal::from_code)
                .map(Outcome::Failed)
                .ok_or(CodecError::Invalid("TransactionSummary", "unknown code"))?,
        };
        Ok(Self { digest, kind, bytes, outcome })
    }
}

const KINDS: [&str; 7] = ["unknown", "create", "grant", "withdraw", "add-member", "revoke", "governance"];

fn kind_tag(kind: &str) -> u8 {
    KINDS.iter().position(|k| *k == kind).unwrap_or(0) as u8
}

/// Empty: applied.
fn outcome_code(outcome: &Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Applied => Vec::new(),
        Outcome::Failed(refusal) => refusal.code().0.as_bytes().to_vec(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use yilian_files::{FormatError, OpenError};
    use yilian_ledger::{Counts, Time, entry::Ended};
    use yilian_testkit::{finality, ledger::World};

    use super::*;

    fn open(directory: &Path) -> Result<Store, StoreError> {
        Store::open(&directory.join("entries.redb"), ChainId(Digest([1; 32])))
    }

    fn row(height: u64, transactions: Vec<TransactionSummary>) -> Row {
        let genesis = World::new(1).genesis;
        let header = finality::header(&genesis, Digest([9; 32]), Counts::default(), height, Time(height));
        Row { header, finalization: Some(vec![1, 2, 3]), bytes: 7, transactions }
    }

    fn entry(i: u64) -> Entry {
        Entry::Tombstone { ended: Time(i), reason: Ended::Withdrawn }
    }

    fn name(kind: Kind) -> Name {
        let mut name = [5; 32];
        name[0] = kind as u8;
        Name(name)
    }

    #[test]
    fn gives_back_what_was_committed_after_a_restart_and_twice_is_once() {
        let directory = tempfile::tempdir().unwrap();
        let failed = TransactionSummary {
            digest: Digest([3; 32]),
            kind: "create",
            bytes: 700,
            outcome: Outcome::Failed(Refusal::RecordExists),
        };
        let applied =
            TransactionSummary { digest: Digest([4; 32]), outcome: Outcome::Applied, ..failed.clone() };
        let row = row(1, vec![failed.clone(), applied.clone()]);
        let (name, entry) = (name(Kind::Record), entry(1));
        for _ in 0..2 {
            let store = open(directory.path()).unwrap();
            let commit = Commit { row: row.clone(), writes: vec![(name, &entry)], superseded: &[] };
            store.commit(&commit).unwrap();
        }
        let store = open(directory.path()).unwrap();
        assert_eq!(store.entry(&name, &entry.digest()).unwrap(), Some(entry.clone()));
        assert_eq!(store.entry(&name, &Digest([0; 32])).unwrap(), None);
        assert_eq!(store.block(Height(1)).unwrap(), Some(row.clone()));
        assert_eq!(store.block(Height(2)).unwrap(), None);
        assert_eq!(store.transaction(&failed.digest).unwrap(), Some((row.clone(), failed)));
        assert_eq!(store.transaction(&applied.digest).unwrap(), Some((row, applied)));
        assert_eq!(store.transaction(&Digest([5; 32])).unwrap(), None);
    }

    #[test]
    fn refuses_the_store_of_another_chain() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        let other = Store::open(&directory.path().join("entries.redb"), ChainId(Digest([2; 32])));
        assert!(matches!(other, Err(StoreError::OtherChain)));
    }

    #[test]
    fn refuses_a_store_of_another_format() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        let path = directory.path().join("entries.redb");
        let future = redb::Database::create(&path).unwrap();
        let write = future.begin_write().unwrap();
        let format = redb::TableDefinition::<&str, u32>::new("format");
        write.open_table(format).unwrap().insert("number", 9).unwrap();
        write.commit().unwrap();
        drop(future);
        assert!(matches!(
            open(directory.path()),
            Err(StoreError::Open(OpenError::Format(FormatError::Newer { found: 9, .. })))
        ));
    }

    #[test]
    fn erases_an_ended_grant_after_the_lag_and_keeps_other_values() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        let (grant, member) = (name(Kind::Grant), name(Kind::Institution));
        let (old, new) = (entry(1), entry(2));
        let both = |entry| vec![(grant, entry), (member, entry)];
        store.commit(&Commit { row: row(1, vec![]), writes: both(&old), superseded: &[] }).unwrap();
        let superseded = [(grant, old.digest()), (member, old.digest())];
        store.commit(&Commit { row: row(2, vec![]), writes: both(&new), superseded: &superseded }).unwrap();
        for height in 3..=2 + DROP_LAG {
            store.commit(&Commit { row: row(height, vec![]), writes: vec![], superseded: &[] }).unwrap();
        }
        assert!(store.entry(&grant, &old.digest()).unwrap().is_some());
        let next = row(3 + DROP_LAG, vec![]);
        store.commit(&Commit { row: next, writes: vec![], superseded: &[] }).unwrap();
        assert!(store.entry(&grant, &old.digest()).unwrap().is_none());
        assert!(store.entry(&grant, &new.digest()).unwrap().is_some());
        assert!(store.entry(&member, &old.digest()).unwrap().is_some());
    }

    #[test]
    fn lists_blocks_newest_first() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        for height in 1..=5 {
            store.commit(&Commit { row: row(height, vec![]), writes: vec![], superseded: &[] }).unwrap();
        }
        let heights = |before, limit| -> Vec<u64> {
            store.blocks(before, limit).unwrap().iter().map(|r| r.header.height.0).collect()
        };
        assert_eq!(heights(None, 2), [5, 4]);
        assert_eq!(heights(Some(Height(3)), 10), [2, 1]);
    }
}
