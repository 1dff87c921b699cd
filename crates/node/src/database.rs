//! The node's own database (`node.redb`): messages, used tickets, backups, approvals. One writer, durable commits.

use std::path::Path;

use redb::Database;
use yilian_files::{Format, OpenError};

/// Format of the database (spec ST-3).
pub const FORMAT: Format = Format::new("the node's database", 1);

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

from_redb!(TransactionError, TableError, StorageError, CommitError);

impl DatabaseError {
    /// Stored bytes that this version does not read.
    pub fn corrupted(what: &str) -> Self {
        Self(redb::Error::Corrupted(what.to_owned()))
    }
}

/// Opens or creates the database; `cache` in bytes.
pub fn open(path: &Path, cache: usize) -> Result<Database, OpenError> {
    yilian_files::database::open(path, FORMAT, cache)
}
