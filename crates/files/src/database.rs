//! Databases (`redb`) that say which format they have (spec ST-3).
//!
//! The format is looked at before anything is written, so that a database of another version stays as it is.

use std::path::{Path, PathBuf};

use redb::{Database, ReadTransaction, ReadableDatabase, TableDefinition, TableError, TableHandle as _};

use crate::{Format, FormatError};

const FORMAT: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
const NUMBER: &str = "number";
/// What a database has that was written before formats were.
const FIRST: u32 = 1;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} ({what}) is in use by another process: stop it first", path.display())]
    InUse { path: PathBuf, what: &'static str },
    #[error("there is no {} ({what})", path.display())]
    Missing { path: PathBuf, what: &'static str },
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("{} ({what}) cannot be opened: {error}", path.display())]
    Database { path: PathBuf, what: &'static str, error: Box<redb::Error> },
}

/// Opens a database, or makes and stamps a new one. `cache`: bytes of memory.
pub fn open(path: &Path, format: Format, cache: usize) -> Result<Database, OpenError> {
    let database = Database::builder().set_cache_size(cache).create(path);
    stamped(database.map_err(|error| failed(path, format, error.into()))?, path, format)
}

/// Checks the format of a database that was opened in another way, or stamps a new one. `path` is for messages.
pub fn stamped(database: Database, path: &Path, format: Format) -> Result<Database, OpenError> {
    let failed = |error| failed(path, format, error);
    let found = found(&database).map_err(failed)?;
    match found {
        Some(found) => format.check(path, found)?,
        None => stamp(&database, format).map_err(failed)?,
    }
    Ok(database)
}

/// Opens a database that must exist.
pub fn open_existing(path: &Path, format: Format, cache: usize) -> Result<Database, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned(), what: format.what });
    }
    open(path, format, cache)
}

/// `None`: the database is new. One with tables but without a number is of the first format.
fn found(database: &impl ReadableDatabase) -> Result<Option<u32>, redb::Error> {
    let read = database.begin_read()?;
    match read.open_table(FORMAT) {
        Ok(table) => {
            let number = table.get(NUMBER)?.map(|number| number.value());
            number.map(Some).ok_or_else(|| redb::Error::Corrupted("the table of the format is empty".into()))
        }
        Err(TableError::TableDoesNotExist(_)) => Ok(if is_empty(&read)? { None } else { Some(FIRST) }),
        Err(error) => Err(error.into()),
    }
}

fn is_empty(read: &ReadTransaction) -> Result<bool, redb::Error> {
    let other = read.list_tables()?.any(|table| table.name() != FORMAT.name());
    Ok(!other && read.list_multimap_tables()?.next().is_none())
}

fn stamp(database: &Database, format: Format) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    write.open_table(FORMAT)?.insert(NUMBER, format.number)?;
    Ok(write.commit()?)
}

fn failed(path: &Path, format: Format, error: redb::Error) -> OpenError {
    let (path, what) = (path.to_owned(), format.what);
    match error {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse { path, what },
        error => OpenError::Database { path, what, error: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OURS: TableDefinition<'_, u8, u8> = TableDefinition::new("ours");
    const NOW: Format = Format::new("a test database", 2);
    const CACHE: usize = 1 << 20;

    fn open_as(path: &Path, number: u32) -> Result<Database, OpenError> {
        open(path, Format { number, ..NOW }, CACHE)
    }

    #[test]
    fn opens_again_what_it_made_and_holds_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.redb");
        let first = open(&path, NOW, CACHE).unwrap();
        assert!(matches!(open(&path, NOW, CACHE), Err(OpenError::InUse { .. })));
        drop(first);
        open(&path, NOW, CACHE).unwrap();
    }

    #[test]
    fn refuses_other_formats_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.redb");
        drop(open(&path, NOW, CACHE).unwrap());
        for (number, newer) in [(1, true), (3, false)] {
            match open_as(&path, number) {
                Err(OpenError::Format(FormatError::Newer { found: 2, known: 1, .. })) => assert!(newer),
                Err(OpenError::Format(FormatError::Older { found: 2, known: 3, .. })) => assert!(!newer),
                other => panic!("{other:?}"),
            }
        }
        open(&path, NOW, CACHE).unwrap();
    }

    #[test]
    fn a_database_from_before_formats_is_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.redb");
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(OURS).unwrap();
        write.commit().unwrap();
        drop(database);
        assert!(matches!(
            open(&path, NOW, CACHE),
            Err(OpenError::Format(FormatError::Older { found: FIRST, .. }))
        ));
        open_as(&path, FIRST).unwrap();
    }

    #[test]
    fn what_is_no_database_and_what_is_not_there_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.redb");
        assert!(matches!(open_existing(&path, NOW, CACHE), Err(OpenError::Missing { .. })));
        assert!(!path.exists());
        std::fs::write(&path, [7; 9000]).unwrap();
        assert!(matches!(open_existing(&path, NOW, CACHE), Err(OpenError::Database { .. })));
    }
}
