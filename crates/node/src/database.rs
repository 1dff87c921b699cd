//! The node's own database (`node.redb`): messages, used tickets, backups, approvals. One writer, durable commits.

use std::path::Path;

use redb::Database;

/// The database refused; the cause is for the log.
#[derive(Debug, thiserror::Error)]
#[error("node database: {0}")]
pub struct DatabaseError(#[from] redb::Error);

macro_rules! from_redb {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for DatabaseError {
            fn from(error: redb::$name) -> Self {
                Self(error.into())
            }
        }
    )*};
}

from_redb!(DatabaseError, TransactionError, TableError, StorageError, CommitError);

impl DatabaseError {
    /// Another process has the database open.
    pub fn is_in_use(&self) -> bool {
        matches!(self.0, redb::Error::DatabaseAlreadyOpen)
    }

    /// Stored bytes that this version does not read.
    pub fn corrupted(what: &str) -> Self {
        Self(redb::Error::Corrupted(what.to_owned()))
    }
}

/// Opens or creates the database; `cache` in bytes.
pub fn open(path: &Path, cache: usize) -> Result<Database, DatabaseError> {
    Ok(Database::builder().set_cache_size(cache).create(path)?)
}
