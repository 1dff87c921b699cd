//! Collection of what nobody keeps (spec CS-10): pins that have ended, objects without pins after a grace time, idle uploads, old
//! tickets and allowances.

use redb::{ReadableDatabase, ReadableTable, WriteTransaction};

use crate::{
    Store, StoreError,
    files::Step,
    index::{
        self, ALLOWANCES, COUNTERS, LEAVES, NODES, OBJECTS, ObjectEntry, PINS, ROOTS, SPENT, STORED, UPLOADS,
    },
    limits::DAY,
    store::lock,
    upload::UploadId,
};

/// What a collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub objects: u64,
    /// Bytes of those objects.
    pub bytes: u64,
    pub uploads: u64,
    /// Pins that came to their end.
    pub pins: u64,
}

impl Store {
    /// Ends pins whose time is over; removes objects that had no pin for `grace` ms, and uploads idle for longer than the
    /// limit.
    pub fn collect(&self, now: u64, grace: u64) -> Result<Collected, StoreError> {
        let mut collected = Collected { pins: self.end_pins(now)?, ..Collected::default() };
        self.end_holds(now)?;
        for entry in self.unpinned(now, grace)? {
            if self.remove_object(&entry, now, grace)? {
                collected.objects += 1;
                collected.bytes += entry.bytes;
            }
        }
        for id in self.idle_uploads(now)? {
            self.drop_upload(&id)?;
            collected.uploads += 1;
        }
        let tx = self.index.begin_write()?;
        tx.open_table(SPENT)?.retain(|_, until| until >= now)?;
        tx.open_table(ALLOWANCES)?.retain(|_, (day, _)| day >= now / DAY)?;
        tx.commit()?;
        Ok(collected)
    }

    fn unpinned(&self, now: u64, grace: u64) -> Result<Vec<ObjectEntry>, StoreError> {
        let objects = self.index.begin_read()?.open_table(OBJECTS)?;
        let mut found = Vec::new();
        for row in objects.iter()? {
            let (number, row) = row?;
            let entry = ObjectEntry::from_row(number.value(), row.value())?;
            if is_due(&entry, now, grace) {
                found.push(entry);
            }
        }
        Ok(found)
    }

    /// First out of the index, then off the disk: a crash between leaves a file that the next start removes.
    fn remove_object(&self, entry: &ObjectEntry, now: u64, grace: u64) -> Result<bool, StoreError> {
        let _installing = lock(&self.installing);
        let tx = self.index.begin_write()?;
        let Some(entry) = index::object_in(&tx, &entry.root)?.filter(|entry| is_due(entry, now, grace))
        else {
            return Ok(false);
        };
        unindex(&tx, &entry)?;
        tx.commit()?;
        self.files.reached(Step::Unindexed)?;
        self.files.delete_object(&entry.root)?;
        self.files.reached(Step::Deleted)?;
        Ok(true)
    }

    fn idle_uploads(&self, now: u64) -> Result<Vec<UploadId>, StoreError> {
        let uploads = self.index.begin_read()?.open_table(UPLOADS)?;
        let mut idle = Vec::new();
        for row in uploads.iter()? {
            let (id, row) = row?;
            let id = UploadId(id.value());
            let active = self.last_active(&id, row.value().3);
            if active.is_some_and(|active| now > active.saturating_add(self.limits.upload_idle)) {
                idle.push(id);
            }
        }
        Ok(idle)
    }
}

fn is_due(entry: &ObjectEntry, now: u64, grace: u64) -> bool {
    entry.pins == 0 && now >= entry.idle_since.saturating_add(grace)
}

fn unindex(tx: &WriteTransaction, entry: &ObjectEntry) -> Result<(), StoreError> {
    let (nodes, leaves) = index::blocks_of(&tx.open_table(NODES)?, entry.root, entry.bytes)?;
    for digest in &nodes {
        index::drop_node(tx, digest)?;
    }
    let mut places = tx.open_multimap_table(LEAVES)?;
    for (leaf, digest) in leaves.iter().enumerate() {
        places.remove(digest, (entry.number, leaf as u64))?;
    }
    let root = entry.root.to_compact();
    tx.open_table(ROOTS)?.remove(root)?;
    tx.open_table(OBJECTS)?.remove(entry.number)?;
    tx.open_table(PINS)?.retain_in((root, [0; 33])..=(root, [0xff; 33]), |_, _| false)?;
    let mut counters = tx.open_table(COUNTERS)?;
    let stored = index::counter(&counters, STORED)?;
    counters.insert(STORED, stored.saturating_sub(entry.bytes))?;
    Ok(())
}
