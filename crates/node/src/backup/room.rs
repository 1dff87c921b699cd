//! The room that unpaid backups take (spec H-9): their bytes together, and which of them was written longest ago.

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use yilian_crypto::Digest;

use super::head::Head;
use crate::database::DatabaseError;

const TOTALS: TableDefinition<&str, u64> = TableDefinition::new("backup-totals");
const FREE_BYTES: &str = "free-bytes";
/// (written, name) of unpaid backups.
const AGES: TableDefinition<(u64, [u8; 32]), ()> = TableDefinition::new("backup-ages");

pub fn create(transaction: &WriteTransaction) -> Result<(), DatabaseError> {
    transaction.open_table(TOTALS)?;
    transaction.open_table(AGES)?;
    Ok(())
}

/// Bytes of all unpaid backups.
pub fn taken(transaction: &WriteTransaction) -> Result<u64, DatabaseError> {
    Ok(transaction.open_table(TOTALS)?.get(FREE_BYTES)?.map_or(0, |bytes| bytes.value()))
}

/// Counts a backup, if it is unpaid.
pub fn take(transaction: &WriteTransaction, name: &Digest, head: &Head) -> Result<(), DatabaseError> {
    if head.paid {
        return Ok(());
    }
    transaction.open_table(AGES)?.insert((head.written, name.0), ())?;
    set(transaction, taken(transaction)?.saturating_add(u64::from(head.bytes)))
}

/// Counts it no longer.
pub fn release(transaction: &WriteTransaction, name: &Digest, head: &Head) -> Result<(), DatabaseError> {
    if head.paid {
        return Ok(());
    }
    transaction.open_table(AGES)?.remove((head.written, name.0))?;
    set(transaction, taken(transaction)?.saturating_sub(u64::from(head.bytes)))
}

fn set(transaction: &WriteTransaction, bytes: u64) -> Result<(), DatabaseError> {
    transaction.open_table(TOTALS)?.insert(FREE_BYTES, bytes)?;
    Ok(())
}

/// The unpaid backup written longest ago, if that was before `before`.
pub fn oldest(transaction: &WriteTransaction, before: u64) -> Result<Option<Digest>, DatabaseError> {
    let ages = transaction.open_table(AGES)?;
    let oldest = ages.first()?.map(|(row, _)| row.value());
    Ok(oldest.filter(|(written, _)| *written < before).map(|(_, name)| Digest(name)))
}
