//! Disks that go wrong: one that is full, one that lost or changed what was written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use yilian_node::config::{CONFIG_FILE, GENESIS_FILE, KEY_FILE};

/// Room on the small disk, MiB: a validator's files with some to spare.
const SMALL_MIB: u64 = 192;
const FILLER: &str = "filler";

/// A file system in memory in place of a validator's folder. Gone when dropped.
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts it over a folder and moves the folder's files in. Needs the right to mount.
    pub fn over(folder: &Path) -> anyhow::Result<Self> {
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).context("cannot move the validator's folder")?;
        fs::create_dir(folder)?;
        let options = format!("size={SMALL_MIB}m,mode=0700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder).output();
        let problem = match mounted {
            Ok(out) if out.status.success() => None,
            Ok(out) => Some(String::from_utf8_lossy(&out.stderr).trim().to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            fs::remove_dir(folder)?;
            fs::rename(&aside, folder)?;
            anyhow::bail!("cannot mount a small disk: {problem}");
        }
        let disk = Self { at: folder.to_owned() };
        copy(&aside, folder)?;
        fs::remove_dir_all(&aside)?;
        Ok(disk)
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::create(self.at.join(FILLER))?;
        let block = vec![0x5a; 64 << 10];
        for size in [block.len(), 4096, 1] {
            loop {
                match file.write(&block[..size]) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("cannot fill the small disk"),
                }
            }
        }
        Ok(())
    }

    pub fn free(&self) -> anyhow::Result<()> {
        fs::remove_file(self.at.join(FILLER)).context("cannot empty the small disk")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that still has files open keeps them until it ends.
        let _ = Command::new("umount").arg("-l").arg(&self.at).output();
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Changes a byte in every 4 KiB of the latter half of a file.
pub fn corrupt(path: &Path) -> anyhow::Result<usize> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut changed = 0;
    let mut at = length / 2;
    while at < length {
        let mut byte = [0];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut byte)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&[byte[0] ^ 0xff])?;
        changed += 1;
        at += 4096;
    }
    file.sync_all()?;
    Ok(changed)
}

/// The largest file below a folder whose name ends in `end`.
pub fn largest(folder: &Path, end: &str) -> anyhow::Result<PathBuf> {
    let mut found: Option<(u64, PathBuf)> = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, about) = (entry.path(), entry.metadata()?);
            if about.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end)
                && found.as_ref().is_none_or(|(bytes, _)| about.len() > *bytes)
            {
                found = Some((about.len(), path));
            }
        }
    }
    found.map(|(_, path)| path).with_context(|| format!("no file *{end} below {}", folder.display()))
}

/// Removes everything of a stopped validator but what makes it that validator: settings, genesis, key.
pub fn wipe(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if [CONFIG_FILE, GENESIS_FILE, KEY_FILE].iter().any(|kept| name == *kept) {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wiped_validator_keeps_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for name in [CONFIG_FILE, GENESIS_FILE, KEY_FILE, "entries.redb"] {
            fs::write(dir.path().join(name), b"x").unwrap();
        }
        fs::create_dir_all(dir.path().join("engine/blocks")).unwrap();
        wipe(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_corrupted_file_keeps_its_length_and_its_first_half() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.redb");
        fs::write(&path, vec![0; 20_000]).unwrap();
        fs::write(dir.path().join("b.redb"), b"small").unwrap();
        let path = largest(dir.path(), ".redb").unwrap();
        assert_eq!(corrupt(&path).unwrap(), 3);
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 20_000);
        assert!(bytes[..10_000].iter().all(|byte| *byte == 0));
        assert_eq!(bytes.iter().filter(|byte| **byte == 0xff).count(), 3);
    }
}
