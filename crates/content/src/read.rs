//! Reading: every block is hashed before it is handed out (spec CS-9). A damaged one is an error, never an answer.

use std::{
    fs::File,
    io::{self, Write},
    ops::{Deref, Range},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use redb::{ReadOnlyTable, ReadableDatabase};
use yilian_dag::{Accepted, Cid, Codec, LEAF, Layout, Position, Reader, Wanted};

use crate::{
    Store, StoreError,
    index::{self, LEAVES, NODES, OBJECTS, ObjectEntry, ROOTS},
};

/// A stored object being read; it stays readable while collections run.
pub struct Object<S: Deref<Target = Store>> {
    store: S,
    root: Cid,
    layout: Layout,
    reader: Reader,
    file: File,
    /// A snapshot, so that a collection does not take the nodes away under a reader.
    nodes: ReadOnlyTable<[u8; 32], &'static [u8]>,
    /// Reused by range reads: a fresh one a leaf costs as much as half the hashing.
    buffer: Vec<u8>,
}

impl Store {
    /// One block by its address, leaf or interior node, of any stored object.
    pub fn block(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        match cid.codec() {
            Codec::DagPb => self.node_block(cid),
            Codec::Raw => self.leaf_block(cid),
        }
    }

    fn node_block(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        let nodes = self.index.begin_read()?.open_table(NODES)?;
        match index::node(&nodes, cid.digest())? {
            Some(block) if cid.matches(&block) => Ok(Some(block.into())),
            Some(_) => Err(self.report_corrupt(cid, None)),
            None => Ok(None),
        }
    }

    /// A leaf may lie in several objects: the first whole copy serves.
    fn leaf_block(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        let tx = self.index.begin_read()?;
        let objects = tx.open_table(OBJECTS)?;
        let mut damaged = None;
        for place in tx.open_multimap_table(LEAVES)?.get(cid.digest())? {
            let (number, leaf) = place?.value();
            let row = objects.get(number)?.ok_or(StoreError::IndexDamaged("a leaf lies in no object"))?;
            let entry = ObjectEntry::from_row(number, row.value())?;
            let mut buffer = vec![0; Layout::new(entry.bytes)?.leaf_len(leaf)];
            let read = File::open(self.files.object(&entry.root))
                .and_then(|file| file.read_exact_at(&mut buffer, leaf * LEAF as u64));
            match read {
                Ok(()) if cid.matches(&buffer) => return Ok(Some(buffer.into())),
                Err(error) if !is_damage(&error) => return Err(error.into()),
                _ => match self.report_corrupt(cid, Some(&entry.root)) {
                    StoreError::UnknownObject => {}
                    error => damaged = Some(error),
                },
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    /// An object by its root.
    pub fn object(&self, root: &Cid) -> Result<Option<Object<&Self>>, StoreError> {
        self.open_object(root, self)
    }

    /// An object by its root, which holds on to the store by itself.
    pub fn shared_object(self: &Arc<Self>, root: &Cid) -> Result<Option<Object<Arc<Self>>>, StoreError> {
        self.open_object(root, self.clone())
    }

    fn open_object<S: Deref<Target = Self>>(
        &self,
        root: &Cid,
        store: S,
    ) -> Result<Option<Object<S>>, StoreError> {
        let tx = self.index.begin_read()?;
        let Some(entry) = index::object(&tx.open_table(ROOTS)?, &tx.open_table(OBJECTS)?, root)? else {
            return Ok(None);
        };
        let file = match File::open(self.files.object(root)) {
            Ok(file) => file,
            Err(error) if is_damage(&error) => {
                return match self.report_corrupt(root, Some(root)) {
                    StoreError::UnknownObject => Ok(None),
                    error => Err(error),
                };
            }
            Err(error) => return Err(error.into()),
        };
        let layout = Layout::new(entry.bytes)?;
        let reader = Reader::with_length(*root, entry.bytes)
            .map_err(|_| StoreError::IndexDamaged("an object's root does not fit its length"))?;
        Ok(Some(Object {
            store,
            root: *root,
            layout,
            reader,
            file,
            nodes: tx.open_table(NODES)?,
            buffer: Vec::new(),
        }))
    }
}

impl<S: Deref<Target = Store>> Object<S> {
    /// Shape of the object's tree.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn bytes(&self) -> u64 {
        self.layout.bytes()
    }

    /// A verified leaf.
    pub fn leaf(&mut self, index: u64) -> Result<Bytes, StoreError> {
        let mut leaf = Vec::new();
        self.leaf_into(index, &mut leaf)?;
        Ok(leaf.into())
    }

    fn leaf_into(&mut self, index: u64, block: &mut Vec<u8>) -> Result<(), StoreError> {
        let leaves = self.layout.leaves();
        if index >= leaves {
            return Err(StoreError::LeafOrder { got: index, expected: leaves });
        }
        loop {
            let want = self.due(index)?;
            self.fetch(&want, block)?;
            if let Accepted::Leaf { .. } = self.accept(&want, block)? {
                return Ok(());
            }
        }
    }

    /// The first block on the way to a leaf that was not accepted yet.
    fn due(&mut self, leaf: u64) -> Result<Wanted, StoreError> {
        self.reader.release(leaf);
        let wanted = self.reader.wanted(leaf..leaf + 1, 1);
        wanted.first().copied().ok_or(StoreError::IndexDamaged("a leaf has no path"))
    }

    /// The next verified block of a depth-first walk that stands before leaf `next`: interior nodes once, then the
    /// leaf; `None` behind the last. The walk goes on with the same `next` after a node, with the following after a leaf.
    pub fn next_block(&mut self, next: u64) -> Result<Option<(Wanted, Bytes)>, StoreError> {
        if next >= self.layout.leaves() {
            return Ok(None);
        }
        let want = self.due(next)?;
        let mut block = Vec::new();
        self.fetch(&want, &mut block)?;
        self.accept(&want, &block)?;
        Ok(Some((want, block.into())))
    }

    fn accept(&mut self, want: &Wanted, block: &[u8]) -> Result<Accepted, StoreError> {
        let accepted = self.reader.accept(want.at, block);
        accepted.map_err(|_| self.store.report_corrupt(&want.cid, Some(&self.root)))
    }

    fn fetch(&self, want: &Wanted, block: &mut Vec<u8>) -> Result<(), StoreError> {
        let damaged = || self.store.report_corrupt(&want.cid, Some(&self.root));
        let Position { level: 0, index } = want.at else {
            *block = index::node(&self.nodes, want.cid.digest())?.ok_or_else(damaged)?;
            return Ok(());
        };
        block.resize(self.layout.leaf_len(index), 0);
        match self.file.read_exact_at(block, self.layout.leaf_offset(index)) {
            Err(error) if is_damage(&error) => Err(damaged()),
            other => Ok(other?),
        }
    }

    /// Writes a verified byte range, cut to the object; returns the bytes written.
    pub fn read(&mut self, range: Range<u64>, to: &mut impl Write) -> Result<u64, StoreError> {
        let mut written = 0;
        for index in self.layout.leaves_of(range.clone()) {
            let mut leaf = std::mem::take(&mut self.buffer);
            self.leaf_into(index, &mut leaf)?;
            let offset = self.layout.leaf_offset(index);
            let start = range.start.saturating_sub(offset) as usize;
            let end = (range.end - offset).min(leaf.len() as u64) as usize;
            to.write_all(&leaf[start..end])?;
            written += (end - start) as u64;
            self.buffer = leaf;
        }
        Ok(written)
    }
}

/// Errors that mean the bytes are not there, as opposed to a device that fails to answer.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound)
}
