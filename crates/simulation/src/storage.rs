//! The disk as the engine's storage, and as the file of the entry store.

use std::{io, ops::RangeInclusive};

use bytes::Buf as _;
use commonware_runtime::{
    Blob, BlobVersion, Error, Handle, IoBufMut, IoBufs, IoBufsMut, ReadOptions, WriteOptions,
};

use crate::disk::{Disk, Open};

/// Folder of the entry store; the engine has none of this name.
pub const ENTRIES: &str = "entries";

/// A file of the engine's.
#[derive(Debug)]
pub struct EngineFile(Open);

/// Opens or makes a file for the engine.
pub fn open(
    disk: &Disk,
    partition: &str,
    name: &[u8],
    versions: RangeInclusive<BlobVersion>,
) -> Result<(EngineFile, u64, BlobVersion), Error> {
    let (file, is_new) = disk.open(&(partition.to_owned(), name.to_vec()));
    if is_new {
        file.set_version(versions.end().get());
    }
    let found = BlobVersion::new(file.version());
    if !versions.contains(&found) {
        return Err(Error::BlobVersionMismatch { expected: versions, found });
    }
    let length = file.len() as u64;
    Ok((EngineFile(file), length, found))
}

fn position(offset: u64) -> Result<usize, Error> {
    usize::try_from(offset).map_err(|_| Error::OffsetOverflow)
}

impl Blob for EngineFile {
    async fn read_at(&self, offset: u64, len: usize, _: ReadOptions) -> Result<IoBufsMut, Error> {
        let found = self.0.read(position(offset)?, len, |bytes| IoBufMut::from(bytes));
        found.map(IoBufsMut::from).ok_or(Error::BlobInsufficientLength)
    }

    async fn read_at_buf(
        &self,
        offset: u64,
        len: usize,
        bufs: impl Into<IoBufsMut> + Send,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        // Whether the bytes come in the caller's buffers or in others makes no difference but speed.
        drop(bufs.into());
        self.read_at(offset, len, options).await
    }

    async fn write_at(
        &self,
        offset: u64,
        bufs: impl Into<IoBufs> + Send,
        options: WriteOptions,
    ) -> Result<(), Error> {
        let bytes = bufs.into().coalesce();
        if bytes.has_remaining() {
            self.0.write(position(offset)?, bytes.as_ref(), options.contains(WriteOptions::SYNC));
        }
        Ok(())
    }

    async fn resize(&self, len: u64) -> Result<(), Error> {
        self.0.resize(position(len)?);
        Ok(())
    }

    async fn sync(&self) -> Result<(), Error> {
        self.0.sync();
        Ok(())
    }

    async fn start_sync(&self) -> Handle<()> {
        self.0.sync();
        Handle::ready(Ok(()))
    }
}

/// The file of the entry store.
#[derive(Debug)]
pub struct EntryFile(Open);

impl EntryFile {
    pub fn on(disk: &Disk) -> Self {
        Self(disk.open(&(ENTRIES.to_owned(), b"redb".to_vec())).0)
    }
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

impl redb::StorageBackend for EntryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let copied = self.0.read(index(offset)?, out.len(), |bytes| out.copy_from_slice(bytes));
        copied.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.resize(index(len)?);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(index(offset)?, data, false);
        Ok(())
    }
}
