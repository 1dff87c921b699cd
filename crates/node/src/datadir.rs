//! The node's directory: which version and chain it belongs to (spec H-11).
//!
//! ```text
//! node.toml  genesis.bin  validator.key   configuration, written by the operator
//! version                                 format and chain id, written at the first start
//! node.redb                               messages, used tickets, backups, approvals
//! chain/  content/                        owned by those parts
//! operator/                               the operator's socket while the node runs
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use yilian_files::{Format, FormatError, durable};
use yilian_ledger::ChainId;

/// Format of the directory (spec ST-4).
pub const FORMAT: Format = Format::new("a node's directory", 2);
const STAMP: &str = "version";
const DATABASE: &str = "node.redb";

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} is not a version stamp of a node", path.display())]
    Stamp { path: PathBuf },
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("the directory belongs to chain {found}, the genesis file is of chain {expected}")]
    OtherChain { found: String, expected: String },
    #[error(
        "the directory has data but no version stamp: restore `{STAMP}` from a backup or start in an empty one"
    )]
    Unstamped,
}

/// Evidence that the directory is this version's and this chain's.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes and stamps a new directory, or checks the stamp of an old one.
    pub fn open(dir: &Path, chain: ChainId) -> Result<Self, DataDirError> {
        let failed = |error| DataDirError::Io { path: dir.to_owned(), error };
        fs::create_dir_all(dir).map_err(failed)?;
        let path = dir.join(STAMP);
        match fs::read(&path) {
            Ok(bytes) => check(&bytes, chain, &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if dir.join(DATABASE).exists() || dir.join("chain").exists() {
                    return Err(DataDirError::Unstamped);
                }
                stamp(dir, chain).map_err(failed)?;
            }
            Err(error) => return Err(DataDirError::Io { path, error }),
        }
        Ok(Self(dir.to_owned()))
    }

    pub fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    /// Of a node's directory: the operator's socket.
    pub fn operator(dir: &Path) -> PathBuf {
        dir.join("operator").join("socket")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn content(&self) -> PathBuf {
        self.0.join("content")
    }
}

fn check(bytes: &[u8], chain: ChainId, path: &Path) -> Result<(), DataDirError> {
    let malformed = || DataDirError::Stamp { path: path.to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    let (format, found) = text.trim_end().split_once(' ').ok_or_else(malformed)?;
    let format: u32 = format.parse().map_err(|_| malformed())?;
    FORMAT.check(path, format)?;
    let expected = chain.0.to_string();
    if found != expected {
        let found = found.chars().take(64).collect();
        return Err(DataDirError::OtherChain { found, expected });
    }
    Ok(())
}

fn stamp(dir: &Path, chain: ChainId) -> io::Result<()> {
    durable::write(&dir.join(STAMP), format!("{} {}\n", FORMAT.number, chain.0).as_bytes())
}
