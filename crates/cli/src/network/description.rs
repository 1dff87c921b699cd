//! `network.json`: what a client must know of a network. It names the chain; everything else is checked against that.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use commonware_codec::DecodeExt as _;
use serde::{Deserialize, Serialize};
use yilian_files::durable;
use yilian_ledger::Genesis;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Chain id, hex: the digest of the genesis.
    pub chain: String,
    /// Name for people.
    pub name: String,
    /// Genesis file; relative to this file's folder unless absolute.
    pub genesis: PathBuf,
    pub nodes: Vec<NodeDescription>,
    pub authority: AuthorityDescription,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDescription {
    pub url: String,
    /// The validator's key, 64 hex digits.
    pub validator: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityDescription {
    pub url: String,
    /// Member id of the issuer, hex.
    pub member: String,
}

/// A description with its genesis, which is the one it names.
#[derive(Clone, Debug)]
pub struct Known {
    pub description: Description,
    pub genesis: Genesis,
}

/// Longest files read, bytes.
const MAX_DESCRIPTION: u64 = 1 << 20;
const MAX_GENESIS: u64 = 1 << 20;

impl Description {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = read_bounded(path, MAX_DESCRIPTION).with_context(|| missing(path))?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{} does not describe a network", path.display()))
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url.clone()).collect()
    }

    /// Replaces the file at once or not at all.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        durable::publish(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Known {
    /// Reads description and genesis; refuses a genesis of another chain.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let description = Description::read(path)?;
        let file = path.parent().unwrap_or(Path::new(".")).join(&description.genesis);
        let bytes = read_bounded(&file, MAX_GENESIS)
            .with_context(|| format!("cannot read the genesis {}", file.display()))?;
        let genesis =
            Genesis::decode(bytes).with_context(|| format!("{} is not a genesis", file.display()))?;
        let found = genesis.chain_id().0.to_string();
        anyhow::ensure!(
            found == description.chain,
            "{} is the genesis of chain {found}, but {} names chain {}",
            file.display(),
            path.display(),
            description.chain
        );
        Ok(Self { description, genesis })
    }
}

fn missing(path: &Path) -> String {
    format!(
        "cannot read {}; start a network with `yilian network up`, or name another one with --network FILE or YILIAN_NETWORK",
        path.display()
    )
}

fn read_bounded(path: &Path, max: u64) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 <= max, "the file is longer than {max} bytes");
    Ok(bytes)
}
