//! A wallet's state in a file: the old one or the new one is there after a crash, never half of one.

use std::{fs, io, path::PathBuf};

use yilian_client::{Store, StoreError};
use yilian_files::durable;

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
        durable::write(&self.path, sealed)
            .map_err(|error| StoreError(format!("{}: {error}", self.path.display())))
    }
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
}
