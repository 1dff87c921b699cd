//! Names and durable motions of the store's files (spec CS-2).
//!
//! `objects/<xx>/<cid>` are complete objects, `uploads/<id>.part` their bytes while they come and `<id>.leaves` the
//! digests of the leaves received. A file counts as an object only when the index says so.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use yilian_dag::Cid;

/// Points at which a crash must lose nothing acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    LeafWritten,
    LeafNoted,
    DataSynced,
    Renamed,
    FolderSynced,
    Indexed,
    Cleaned,
    Unindexed,
    Deleted,
}

/// The store's folder.
#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
    /// What the test lets happen, and when.
    #[cfg(test)]
    pub(crate) fault: std::sync::Mutex<Option<(Step, crate::crash::Fault)>>,
    /// What the test lets be free on the device.
    #[cfg(test)]
    pub(crate) free: std::sync::Mutex<Option<u64>>,
}

impl Files {
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("objects"))?;
        fs::create_dir_all(root.join("uploads"))?;
        sync_folder(root)?;
        Ok(Self::at(root))
    }

    /// A folder that is only looked into.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            #[cfg(test)]
            fault: Default::default(),
            #[cfg(test)]
            free: Default::default(),
        }
    }

    #[cfg(test)]
    pub fn reached(&self, step: Step) -> io::Result<()> {
        let fault = *crate::store::lock(&self.fault);
        fault.filter(|(at, _)| *at == step).map_or(Ok(()), |(_, fault)| fault.strike())
    }

    #[cfg(not(test))]
    pub fn reached(&self, _: Step) -> io::Result<()> {
        Ok(())
    }

    /// Bytes that the device has for this process.
    pub fn free_bytes(&self) -> io::Result<u64> {
        #[cfg(test)]
        if let Some(free) = *crate::store::lock(&self.free) {
            return Ok(free);
        }
        let device = rustix::fs::statvfs(&self.root)?;
        Ok(device.f_bavail.saturating_mul(device.f_frsize))
    }

    pub fn index(&self) -> PathBuf {
        self.root.join("index.redb")
    }

    /// What tells the index from a copy of it: inode, and time of creation where the file system knows it, ns.
    pub fn index_identity(&self) -> io::Result<(u64, u64)> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(self.index())?;
        let born = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Ok((metadata.ino(), born.map_or(0, |born| born.as_nanos() as u64)))
    }

    pub fn object(&self, cid: &Cid) -> PathBuf {
        self.shard(cid).join(cid.to_string())
    }

    fn shard(&self, cid: &Cid) -> PathBuf {
        self.root.join("objects").join(hex::encode(&cid.digest()[..1]))
    }

    pub fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub fn part(&self, name: &str) -> PathBuf {
        self.uploads().join(format!("{name}.part"))
    }

    pub fn leaves(&self, name: &str) -> PathBuf {
        self.uploads().join(format!("{name}.leaves"))
    }

    /// Bytes of a part that are here; 0 without one.
    pub fn part_bytes(&self, name: &str) -> io::Result<u64> {
        length(&self.part(name)).map(Option::unwrap_or_default)
    }

    /// Length of an object's file, if there is one.
    pub fn object_bytes(&self, cid: &Cid) -> io::Result<Option<u64>> {
        length(&self.object(cid))
    }

    /// Opens a part and its list of leaves for reading and writing, creating what is missing.
    pub fn open_part(&self, name: &str) -> io::Result<(File, File)> {
        let open = |path| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Ok((open(self.part(name))?, open(self.leaves(name))?))
    }

    /// Makes a part whose data were synced the object's file; durable on return.
    pub fn promote(&self, name: &str, cid: &Cid) -> io::Result<()> {
        let shard = self.shard(cid);
        if !shard.exists() {
            fs::create_dir_all(&shard)?;
            sync_folder(&self.root.join("objects"))?;
        }
        fs::rename(self.part(name), self.object(cid))?;
        self.reached(Step::Renamed)?;
        sync_folder(&shard)?;
        sync_folder(&self.uploads())
    }

    /// Undoes `promote` for an upload that a crash kept from the index.
    pub fn demote(&self, cid: &Cid, name: &str) -> io::Result<()> {
        fs::rename(self.object(cid), self.part(name))?;
        sync_folder(&self.uploads())
    }

    pub fn delete_object(&self, cid: &Cid) -> io::Result<()> {
        remove(&self.object(cid))?;
        sync_folder(&self.shard(cid))
    }

    pub fn delete_part(&self, name: &str) -> io::Result<()> {
        remove(&self.part(name))?;
        remove(&self.leaves(name))
    }

    /// Every object file, as its CID, or the path if its name is none.
    pub fn objects(&self) -> io::Result<Vec<Result<Cid, PathBuf>>> {
        let mut found = Vec::new();
        for shard in fs::read_dir(self.root.join("objects"))? {
            for entry in fs::read_dir(shard?.path())? {
                let entry = entry?;
                let cid = entry.file_name().to_str().and_then(|name| name.parse().ok());
                found.push(cid.ok_or_else(|| entry.path()));
            }
        }
        Ok(found)
    }

    /// Names of all parts and leaf lists, each once.
    pub fn parts(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.uploads())? {
            if let Some(name) = entry?.path().file_stem().and_then(|name| name.to_str()) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }
}

fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
