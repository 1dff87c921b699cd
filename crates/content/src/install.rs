//! From bytes to an object, in the order that survives crashes (spec CS-4): data synced, renamed, folders synced,
//! indexed in one transaction. Before the last step the object does not exist, after it the object is complete.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    sync::{atomic::Ordering, mpsc},
    thread,
};

use redb::{ReadableDatabase, WriteTransaction};
use yilian_dag::{Builder, Built, Cid, Codec, LEAF, Layout};

use crate::{
    PinKey, Store, StoreError,
    files::Step,
    holds::{self, Payer},
    index::{self, COUNTERS, LEAVES, NEXT, ObjectEntry, ROOTS, STORED, UPLOADS},
    pins::{self, NewPin},
    store::lock,
    upload::UploadId,
};

/// Leaves between two syncs of a stream, 32 MiB.
const SYNC_EVERY: u64 = 128;

/// A complete part, ready to become an object.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    pub name: &'a str,
    pub data: &'a File,
    pub root: Cid,
    pub bytes: u64,
    /// None for a copy, which others' pins hold.
    pub pin: Option<NewPin>,
    pub upload: Option<UploadId>,
    pub now: u64,
}

impl Store {
    /// Stores a stream and pins it, for the disk's owner. Memory: one leaf, whatever the length.
    pub fn put(&self, mut from: impl Read, pin: &PinKey, now: u64) -> Result<Cid, StoreError> {
        let name = format!("put-{}", self.puts.fetch_add(1, Ordering::Relaxed));
        self.files.delete_part(&name)?;
        let stored = self.put_part(&name, &mut from, pin, now);
        self.files.delete_part(&name)?;
        stored
    }

    fn put_part(&self, name: &str, from: &mut impl Read, pin: &PinKey, now: u64) -> Result<Cid, StoreError> {
        let free = self.free_bytes()?;
        self.keep_reserve(0)?;
        let (data, leaves) = self.files.open_part(name)?;
        let (sync, due) = mpsc::sync_channel(1);
        let Built { root, bytes, .. } = thread::scope(|scope| {
            // Early syncs leave little for the one that counts, and none of their errors may be lost.
            let file = &data;
            let syncing = scope.spawn(move || due.iter().try_for_each(|()| file.sync_data()));
            let built = self.receive(from, &data, leaves, free, sync);
            syncing.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
            built
        })?;
        let pin = Some(NewPin { key: *pin, until: None, payer: Payer::Operator });
        self.install(&Ready { name, data: &data, root, bytes, pin, upload: None, now })?;
        Ok(root)
    }

    /// Writes a stream and its leaves' digests; asks for a sync now and then.
    fn receive(
        &self,
        from: &mut impl Read,
        mut data: &File,
        leaves: File,
        free: u64,
        sync: mpsc::SyncSender<()>,
    ) -> Result<Built, StoreError> {
        let mut leaves = BufWriter::new(leaves);
        let mut builder = Builder::new();
        let mut leaf = vec![0; LEAF];
        loop {
            let len = fill(from, &mut leaf)?;
            if len == 0 {
                break;
            }
            let bytes = builder.bytes() + len as u64;
            if bytes > self.limits.object {
                return Err(StoreError::ObjectTooLarge { bytes, limit: self.limits.object });
            }
            if bytes > free {
                return Err(StoreError::Quota { wanted: bytes, free });
            }
            let pushed = builder.push(&leaf[..len])?;
            data.write_all(&leaf[..len])?;
            self.files.reached(Step::LeafWritten)?;
            leaves.write_all(pushed.cid.digest())?;
            if builder.leaves().is_multiple_of(SYNC_EVERY) {
                self.keep_reserve(0)?;
                // One is under way or due already: that is enough.
                let _ = sync.try_send(());
            }
        }
        leaves.flush()?;
        Ok(builder.finish())
    }

    /// Makes a part whose digests give its root an object.
    pub(crate) fn install(&self, ready: &Ready<'_>) -> Result<(), StoreError> {
        ready.data.sync_all()?;
        self.files.reached(Step::DataSynced)?;
        let _installing = lock(&self.installing);
        let tx = self.index.begin_read()?;
        let known = index::object(&tx.open_table(ROOTS)?, &tx.open_table(index::OBJECTS)?, &ready.root)?;
        drop(tx);
        if known.is_none_or(|entry| entry.damaged) {
            self.files.promote(ready.name, &ready.root)?;
        }
        if let Err(error) = self.enter(ready) {
            // The bytes stay a part, so that finishing can be tried again.
            if self.files.object(&ready.root).exists() && !self.files.part(ready.name).exists() {
                self.files.demote(&ready.root, ready.name)?;
            }
            return Err(error);
        }
        self.files.reached(Step::Indexed)?;
        self.files.delete_part(ready.name)?;
        self.files.reached(Step::Cleaned)?;
        Ok(())
    }

    fn enter(&self, ready: &Ready<'_>) -> Result<(), StoreError> {
        self.files.reached(Step::FolderSynced)?;
        let tx = self.index.begin_write()?;
        self.index_object(&tx, ready)?;
        if let Some(pin) = &ready.pin {
            pins::add(&tx, &ready.root, pin, ready.now)?;
        }
        holds::adopt(&tx, &ready.root)?;
        holds::settle(&tx, &ready.root, ready.now)?;
        if let Some(id) = ready.upload {
            tx.open_table(UPLOADS)?.remove(id.0)?;
        }
        tx.commit()?;
        Ok(())
    }

    fn index_object(&self, tx: &WriteTransaction, ready: &Ready<'_>) -> Result<(), StoreError> {
        if let Some(mut entry) = index::object_in(tx, &ready.root)? {
            return if entry.damaged { self.renew_object(tx, ready, &mut entry) } else { Ok(()) };
        }
        let number = {
            let mut counters = tx.open_table(COUNTERS)?;
            let number = index::counter(&counters, NEXT)?;
            let stored = index::counter(&counters, STORED)?;
            counters.insert(NEXT, number + 1)?;
            counters.insert(STORED, stored.saturating_add(ready.bytes))?;
            number
        };
        tx.open_table(ROOTS)?.insert(ready.root.to_compact(), number)?;
        let entry = ObjectEntry {
            number,
            root: ready.root,
            bytes: ready.bytes,
            pins: 0,
            idle_since: ready.now,
            damaged: false,
        };
        index::set_object(tx, &entry)?;
        let mut places = tx.open_multimap_table(LEAVES)?;
        let built = self.replay(ready.name, ready.bytes, |leaf, digest| {
            places.insert(digest, (number, leaf))?;
            Ok(())
        })?;
        for node in built.1 {
            index::add_node(tx, node.cid.digest(), &node.bytes)?;
        }
        Ok(())
    }

    /// The same content again, over damaged bytes: every reference stays, nodes are written anew.
    fn renew_object(
        &self,
        tx: &WriteTransaction,
        ready: &Ready<'_>,
        entry: &mut ObjectEntry,
    ) -> Result<(), StoreError> {
        for node in self.replay(ready.name, ready.bytes, |_, _| Ok(()))?.1 {
            index::renew_node(tx, node.cid.digest(), &node.bytes)?;
        }
        entry.damaged = false;
        index::set_object(tx, entry)
    }

    /// Builds the tree from a part's digests alone; gives the root and all interior nodes.
    pub(crate) fn replay(
        &self,
        name: &str,
        bytes: u64,
        mut each: impl FnMut(u64, &[u8; 32]) -> Result<(), StoreError>,
    ) -> Result<(Cid, Vec<yilian_dag::Block>), StoreError> {
        let layout = Layout::new(bytes)?;
        if bytes == 0 {
            let empty = Cid::of(Codec::Raw, b"");
            each(0, empty.digest())?;
            return Ok((empty, Vec::new()));
        }
        let mut digests = BufReader::new(File::open(self.files.leaves(name))?);
        let mut builder = Builder::new();
        let mut nodes = Vec::new();
        for leaf in 0..layout.leaves() {
            let mut digest = [0; 32];
            digests.read_exact(&mut digest)?;
            let pushed = builder.push_hashed(Cid::new(Codec::Raw, digest), layout.leaf_len(leaf))?;
            nodes.extend(pushed.nodes);
            each(leaf, &digest)?;
        }
        let built = builder.finish();
        nodes.extend(built.nodes);
        Ok((built.root, nodes))
    }
}

/// Reads until the buffer is full or the stream ends.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, StoreError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}
