//! One supervisor a folder: a file lock that ends with the process that holds it, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use anyhow::Context as _;

const FILE: &str = "network.lock";

/// Held while a network runs.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

/// Whether a network of this folder runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Nobody,
    /// Process id of the supervisor.
    Process(u32),
}

impl Lock {
    /// Refuses when another process holds the folder.
    pub fn take(dir: &Path) -> anyhow::Result<Self> {
        let mut file = open(dir)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "the network in {dir} runs already (process {pid}); see `yilian network status --dir {dir}` or stop it \
                 with `yilian network down --dir {dir}`",
                dir = dir.display(),
                pid = pid(&mut file)?
            ),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the network's folder"),
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        write!(file, "{}", std::process::id())?;
        Ok(Self(file))
    }
}

/// Who holds the folder.
pub fn holder(dir: &Path) -> anyhow::Result<Holder> {
    if !dir.join(FILE).exists() {
        return Ok(Holder::Nobody);
    }
    let mut file = open(dir)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(Holder::Nobody),
        Err(TryLockError::WouldBlock) => Ok(Holder::Process(pid(&mut file)?)),
        Err(TryLockError::Error(error)) => Err(error).context("cannot look at the network's lock"),
    }
}

fn open(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join(FILE);
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    open.with_context(|| format!("cannot open {}", path.display()))
}

fn pid(file: &mut File) -> anyhow::Result<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(32).read_to_string(&mut text)?;
    text.trim().parse().context("the network's lock names no process; it may be starting: try again")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_has_one_supervisor() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder(dir.path()).unwrap(), Holder::Nobody);
        let lock = Lock::take(dir.path()).unwrap();
        assert_eq!(holder(dir.path()).unwrap(), Holder::Process(std::process::id()));
        let refusal = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(refusal.contains("runs already") && refusal.contains("network down"), "{refusal}");
        drop(lock);
        assert_eq!(holder(dir.path()).unwrap(), Holder::Nobody);
        Lock::take(dir.path()).unwrap();
    }
}
