//! The entry store (spec B-30 to B-34): entries by name and digest, finalized blocks by height, transactions by digest.
//!
//! A block's rows are on disk, in one transaction, before the engine is told that the block was handled; writing a block
//! again changes nothing. Re-encrypted capsules of ended grants are dropped [`DROP_LAG`] blocks later: the engine may
//! replay at most its window of unacknowledged blocks after a crash, and replaying needs what those blocks read.
//! No transaction is kept here: a re-encryption key is in no table.

mod row;
#[cfg(test)]
mod tests;

use std::path::Path;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition};
use yilian_crypto::Digest;
use yilian_files::Format;
use yilian_ledger::{ChainId, Entry, Height, Kind, Name};

use crate::summary::TransactionSummary;
pub use row::Row;

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

from_redb!(DatabaseError, TransactionError, TableError, StorageError, CommitError);

pub struct Store {
    database: Database,
}

impl Store {
    /// Opens or creates the store in a file; refuses the store of another chain.
    pub fn open(path: &Path, chain: ChainId) -> Result<Self, StoreError> {
        Self::of(yilian_files::database::open(path, FORMAT, CACHE)?, chain)
    }

    /// The store on anything that keeps bytes, as [`Store::open`] has it in a file.
    pub fn open_on(backend: impl StorageBackend, chain: ChainId) -> Result<Self, StoreError> {
        let database = Database::builder().set_cache_size(CACHE).create_with_backend(backend)?;
        let database = yilian_files::database::stamped(database, Path::new("entries.redb"), FORMAT)?;
        Self::of(database, chain)
    }

    fn of(database: Database, chain: ChainId) -> Result<Self, StoreError> {
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

    pub(crate) fn entry(&self, name: &Name, digest: &Digest) -> Result<Option<Entry>, StoreError> {
        let table = self.database.begin_read()?.open_table(ENTRIES)?;
        let Some(value) = table.get(key(name, digest))? else { return Ok(None) };
        decode_entry(value.value()).map(Some)
    }

    pub(crate) fn block(&self, height: Height) -> Result<Option<Row>, StoreError> {
        let table = self.database.begin_read()?.open_table(BLOCKS)?;
        let Some(value) = table.get(height.0)? else { return Ok(None) };
        Row::decode(Copying(value.value())).map(Some).map_err(|_| StoreError::Damaged("a block"))
    }

    /// Newest first, below `before`, at most `limit`.
    pub(crate) fn blocks(&self, before: Option<Height>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let table = self.database.begin_read()?.open_table(BLOCKS)?;
        let range = table.range(..before.map_or(u64::MAX, |h| h.0))?;
        range
            .rev()
            .take(limit)
            .map(|row| Row::decode(Copying(row?.1.value())).map_err(|_| StoreError::Damaged("a block")))
            .collect()
    }

    /// Where a transaction was included: the block's row and its place there.
    pub(crate) fn transaction(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Row, TransactionSummary)>, StoreError> {
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
    pub(crate) fn pinned(&self) -> Result<Vec<(Name, Entry)>, StoreError> {
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
    pub(crate) fn commit(&self, commit: &Commit<'_>) -> Result<(), StoreError> {
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
