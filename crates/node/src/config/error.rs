//! What is wrong with a configuration, and where.

use std::{io, path::PathBuf};

use yilian_api::encoding::EncodingError;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("{} is longer than {max} bytes", path.display())]
    TooLong { path: PathBuf, max: u64 },
    #[error("{} is not UTF-8 text", path.display())]
    NotText { path: PathBuf },
    #[error("{}: {message}", path.display())]
    Toml { path: PathBuf, message: String },
    #[error("{} is not a genesis file: {message}", path.display())]
    Genesis { path: PathBuf, message: String },
    #[error("{} does not hold a key: 64 hex digits are expected", path.display())]
    Key { path: PathBuf },
    #[error("{} can be read by others than its owner: `chmod 600` it", path.display())]
    KeyMode { path: PathBuf },
    #[error("peers[{index}].key: {error}")]
    Peer { index: usize, error: EncodingError },
    #[error("peers[{index}].api must begin with `http://` or `https://`")]
    Api { index: usize },
    #[error("authorities[{index}]: {error}")]
    Authority { index: usize, error: EncodingError },
    #[error(transparent)]
    Serve(yilian_transport::OutOfBounds),
    #[error("{key} must be {least} to {most}")]
    OutOfBounds { key: &'static str, least: u64, most: u64 },
    #[error("a network has 1 to {most} nodes, and a port for each below 65536")]
    Localnet { most: usize },
}
