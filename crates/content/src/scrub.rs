//! Scrubbing: looking at what lies on disk before somebody asks for it (spec CS-9, CC-9).
//!
//! Files that are gone or cut are found by their lengths, at once; flipped bits by reading, object after object, as slowly
//! as the caller likes. What is found damaged counts as wanted from then on.

use redb::{ReadableDatabase, ReadableTable};
use yilian_dag::Cid;

use crate::{
    Store, StoreError,
    index::{self, COUNTERS, OBJECTS, ObjectEntry, SCRUBBED},
};

/// The next object of a scrub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// Ascending within a round.
    pub number: u64,
    pub root: Cid,
    pub bytes: u64,
}

impl Store {
    /// Marks objects whose file is gone or of another length; how many there are.
    pub fn check_files(&self) -> Result<u64, StoreError> {
        let objects = self.index.begin_read()?.open_table(OBJECTS)?;
        let mut damaged = 0;
        for row in objects.iter()? {
            let (number, row) = row?;
            let entry = ObjectEntry::from_row(number.value(), row.value())?;
            if !entry.damaged && self.files.object_bytes(&entry.root)? != Some(entry.bytes) {
                self.report_corrupt(&entry.root, Some(&entry.root));
                damaged += 1;
            }
        }
        Ok(damaged)
    }

    /// The object after the one that was scrubbed last, passing over damaged ones; `None` once a round is complete, and
    /// then the first again.
    pub fn next_to_scrub(&self) -> Result<Option<Scrubbed>, StoreError> {
        let tx = self.index.begin_read()?;
        let after = index::counter(&tx.open_table(COUNTERS)?, SCRUBBED)?;
        for row in tx.open_table(OBJECTS)?.range(after..)? {
            let (number, row) = row?;
            let entry = ObjectEntry::from_row(number.value(), row.value())?;
            if !entry.damaged {
                return Ok(Some(Scrubbed { number: entry.number, root: entry.root, bytes: entry.bytes }));
            }
        }
        if after > 0 {
            self.set_scrubbed(0)?;
        }
        Ok(None)
    }

    /// Remembers that an object was scrubbed, so that a restart goes on behind it.
    pub fn scrubbed(&self, object: &Scrubbed) -> Result<(), StoreError> {
        self.set_scrubbed(object.number.saturating_add(1))
    }

    fn set_scrubbed(&self, next: u64) -> Result<(), StoreError> {
        let tx = self.index.begin_write()?;
        tx.open_table(COUNTERS)?.insert(SCRUBBED, next)?;
        tx.commit()?;
        Ok(())
    }
}
