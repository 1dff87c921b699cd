//! Writing that a crash cannot halve (spec ST-1): aside, synchronized, renamed, folder synchronized. What is not meant for
//! others is readable by its owner only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The folder a file lies in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Replaces a file, or makes it with the folders it lies in; readable by its owner only. After a crash the old bytes or the
/// new ones are there.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, private(&mut OpenOptions::new()))
}

/// As `write`, for what others may read, as far as the process's mask lets them.
pub fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, &mut OpenOptions::new())
}

fn replace(path: &Path, bytes: &[u8], options: &mut OpenOptions) -> io::Result<()> {
    fs::create_dir_all(folder(path))?;
    let aside = beside(path, "tmp");
    let written = fill(&aside, options.create(true).truncate(true), bytes)
        .and_then(|()| fs::rename(&aside, path))
        .and_then(|()| sync_folder(folder(path)));
    if written.is_err() {
        // What is left aside is nobody's; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Makes a file that must not exist yet, readable by its owner only; one that cannot be filled does not stay.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = fill(path, private(OpenOptions::new().create_new(true)), bytes);
    match &written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(path);
            written
        }
        Err(_) => written,
        Ok(()) => sync_folder(folder(path)),
    }
}

/// Gives a file or folder another name in the same file system, durably.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder(from))?;
    sync_folder(folder(to))
}

/// Makes the names in a folder durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A file for writing that only its owner can read.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Whether somebody else than its owner can read a file.
pub fn is_open_to_others(file: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.permissions().mode() & 0o077 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// `path` with something behind its name.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

fn fill(path: &Path, options: &mut OpenOptions, bytes: &[u8]) -> io::Result<()> {
    let mut file = options.write(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keeps_the_last_bytes_and_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/file.toml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_stays_and_leaves_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(write(&path, b"x").is_err());
        assert!(path.join("inside").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_never_replaces_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_new(&path, b"first").unwrap();
        assert_eq!(write_new(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[cfg(unix)]
    #[test]
    fn is_readable_by_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        for (name, make) in [("a", write as fn(&Path, &[u8]) -> io::Result<()>), ("b", write_new)] {
            let path = dir.path().join(name);
            make(&path, b"x").unwrap();
            assert!(!is_open_to_others(&fs::metadata(path).unwrap()));
        }
    }
}
