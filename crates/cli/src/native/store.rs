//! A wallet's state in a file: the old one or the new one is there after a crash, never half of one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use yilian_client::{Store, StoreError};

#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What was saved last.
    pub fn load(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.path)
    }
}

impl Store for FileStore {
    async fn save(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        write_durably(&self.path, sealed)
            .map_err(|error| StoreError(format!("{}: {error}", self.path.display())))
    }
}

/// Temporary file, fsync, rename, fsync of the folder; readable by its owner only.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(".tmp");
    let temporary = folder.join(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn keeps_the_last_state_and_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = FileStore::new(dir.path().join("deep/wallet"));
        store.save(b"one").await.unwrap();
        store.save(b"two").await.unwrap();
        assert_eq!(store.load().unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        write_durably(&path, b"x").unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
