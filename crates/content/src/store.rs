//! The store itself: opening with repair, counters, shared state.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use yilian_dag::Cid;

use crate::{
    Limits, StoreError,
    files::{Files, remove},
    holds,
    index::{self, COUNTERS, OBJECTS, ROOTS, STORED, UPLOADS},
    upload::{Session, UploadId},
};

/// The on-disk store; shared by reference between threads.
#[derive(Debug)]
pub struct Store {
    pub(crate) files: Files,
    pub(crate) index: Database,
    pub(crate) limits: Limits,
    /// Uploads touched since the start.
    pub(crate) sessions: Mutex<HashMap<UploadId, Arc<Mutex<Option<Session>>>>>,
    /// Held while a file becomes an object or ceases to be one, so that files and index change together.
    pub(crate) installing: Mutex<()>,
    /// Names direct puts.
    pub(crate) puts: AtomicU64,
    corrupt: AtomicU64,
}

/// Counters for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    pub objects: u64,
    /// Bytes of all objects.
    pub bytes: u64,
    pub uploads: u64,
    /// Objects that are to be here and are not, or not whole.
    pub wanted: u64,
    /// Holds known, this node's and others'.
    pub holds: u64,
    /// Bytes free on the disk.
    pub free: u64,
    /// Reads since the start that met damaged blocks.
    pub corrupt: u64,
}

impl Store {
    /// Opens or creates a store in a folder and removes what a crash left half done (spec CS-5).
    pub fn open(folder: impl AsRef<Path>, limits: Limits) -> Result<Self, StoreError> {
        let files = Files::open(folder.as_ref())?;
        let index = index::open(&files.index())?;
        let store = Self {
            files,
            index,
            limits,
            sessions: Mutex::default(),
            installing: Mutex::default(),
            puts: AtomicU64::new(0),
            corrupt: AtomicU64::new(0),
        };
        store.repair()?;
        Ok(store)
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn stats(&self) -> Result<Stats, StoreError> {
        let tx = self.index.begin_read()?;
        let (wanted, holds) = holds::wanted_count(&tx)?;
        Ok(Stats {
            wanted,
            holds,
            free: self.files.free_bytes()?,
            objects: tx.open_table(OBJECTS)?.len()?,
            bytes: index::counter(&tx.open_table(COUNTERS)?, STORED)?,
            uploads: tx.open_table(UPLOADS)?.len()?,
            corrupt: self.corrupt.load(Ordering::Relaxed),
        })
    }

    /// Length of an object that is whole, `None` if there is none by this root or it is damaged.
    pub fn object_bytes(&self, root: &Cid) -> Result<Option<u64>, StoreError> {
        let tx = self.index.begin_read()?;
        let entry = index::object(&tx.open_table(ROOTS)?, &tx.open_table(OBJECTS)?, root)?;
        Ok(entry.filter(|entry| !entry.damaged).map(|entry| entry.bytes))
    }

    fn repair(&self) -> Result<(), StoreError> {
        let tx = self.index.begin_read()?;
        let (roots, objects) = (tx.open_table(ROOTS)?, tx.open_table(OBJECTS)?);
        let mut names = Vec::new();
        for row in tx.open_table(UPLOADS)?.iter()? {
            let (id, upload) = row?;
            let (name, root) = (UploadId(id.value()).to_string(), index::cid(&upload.value().0)?);
            // Renamed but not indexed: the upload goes on where it stood.
            let renamed = !self.files.part(&name).exists() && self.files.object(&root).exists();
            if renamed && index::object(&roots, &objects, &root)?.is_none() {
                self.files.demote(&root, &name)?;
            }
            names.push(name);
        }
        for name in self.files.parts()?.iter().filter(|name| !names.contains(name)) {
            self.files.delete_part(name)?;
        }
        for found in self.files.objects()? {
            match found {
                Ok(cid) if index::object(&roots, &objects, &cid)?.is_some() => {}
                Ok(cid) => self.files.delete_object(&cid)?,
                Err(path) => remove(&path)?,
            }
        }
        Ok(())
    }

    /// Reports a damaged block, and takes its object out of what counts as stored, so that it can be uploaded again.
    /// An object collected meanwhile is not damaged but unknown.
    pub(crate) fn report_corrupt(&self, block: &Cid, root: Option<&Cid>) -> StoreError {
        match root.map_or(Ok(true), |root| self.mark_damaged(root)) {
            Ok(true) => {}
            Ok(false) => return StoreError::UnknownObject,
            Err(error) => tracing::error!(%error, "damaged object could not be marked"),
        }
        self.corrupt.fetch_add(1, Ordering::Relaxed);
        // Without its name: a log names no content.
        tracing::error!("damaged block on disk");
        StoreError::Corrupt(*block)
    }

    fn mark_damaged(&self, root: &Cid) -> Result<bool, StoreError> {
        let tx = self.index.begin_write()?;
        let Some(mut entry) = index::object_in(&tx, root)? else { return Ok(false) };
        entry.damaged = true;
        index::set_object(&tx, &entry)?;
        let idle_since = entry.idle_since;
        holds::settle(&tx, root, idle_since)?;
        tx.commit()?;
        Ok(true)
    }
}

/// A lock whose holders cannot leave the data inconsistent: what they guard is on disk or rebuilt from there.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
