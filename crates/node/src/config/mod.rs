//! What a node is started with: `node.toml` in its directory (spec H-10). Unknown keys are refused, so that a typo is no
//! silent default.

mod error;
pub mod keyfile;
mod localnet;

use std::{
    fs,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use commonware_codec::DecodeExt as _;
use serde::{Deserialize, Serialize};
use yilian_api::encoding;
use yilian_chain::{ChainConfig, PoolLimits};
use yilian_crypto::{Secret, sign::VerifyingKey};
use yilian_ledger::Genesis;
use yilian_transport::{ServeSettings, tls::TlsSettings};

pub use self::{
    error::ConfigError,
    localnet::{Endpoints, Localnet},
};
use crate::{backup::BackupLimits, copies::CopySettings, http::content::ContentSettings, mailbox::Quota};

/// File names in a node's directory.
pub const CONFIG_FILE: &str = "node.toml";
pub const GENESIS_FILE: &str = "genesis.bin";
pub const KEY_FILE: &str = "validator.key";

/// Longest configuration and genesis files that are read, bytes.
const MAX_CONFIG: u64 = 256 << 10;
const MAX_GENESIS: u64 = 1 << 20;

/// `node.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where clients connect to; TLS if there is a section `[tls]`.
    pub http: SocketAddr,
    /// Where the other validators connect to.
    pub p2p: SocketAddr,
    /// The other validators.
    pub peers: Vec<Peer>,
    /// Signing keys (hex, with suite byte) of authorities whose ticket keys this node co-signs. If none is named, the
    /// operator co-signs each by hand.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Where metrics are served, at `/metrics`; nowhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    #[serde(default)]
    pub serve: ServeSettings,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub pool: Pool,
    #[serde(default)]
    pub mailbox: Quota,
    #[serde(default)]
    pub backup: BackupLimits,
    #[serde(default)]
    pub content: ContentSettings,
    #[serde(default)]
    pub copies: CopySettings,
}

/// Another validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Raw Ed25519 key, 64 hex digits.
    pub key: String,
    pub address: SocketAddr,
    /// Base address of its HTTP interface, `http://HOST:PORT`: for copies of content. Without, none are exchanged with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
}

/// Bounds of a node's other services; those of its listener are in `[serve]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Subscribers of events at a time.
    pub subscribers: usize,
    /// Memory for the database's cache, bytes.
    pub cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { subscribers: 256, cache_bytes: 32 << 20 }
    }
}

/// Bounds of the transaction pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    pub count: usize,
    pub bytes: usize,
    /// Of one source, percent.
    pub share_percent: u8,
}

impl Default for Pool {
    fn default() -> Self {
        let PoolLimits { count, bytes, share_percent } = PoolLimits::default();
        Self { count, bytes, share_percent }
    }
}

/// Settings with what they point to, all of it checked.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The node's directory; everything durable lies below.
    pub dir: PathBuf,
    pub http: SocketAddr,
    pub metrics: Option<SocketAddr>,
    /// With paths that do not depend on where the process runs.
    pub tls: Option<TlsSettings>,
    pub serve: ServeSettings,
    pub authorities: Vec<VerifyingKey>,
    pub limits: Limits,
    pub mailbox: Quota,
    pub backup: BackupLimits,
    pub content: ContentSettings,
    pub copies: CopySettings,
    /// Raw keys of the other nodes that name an HTTP interface, and its base address.
    pub apis: Vec<([u8; 32], String)>,
    pub chain: ChainConfig,
}

impl NodeConfig {
    /// Reads `node.toml`, `genesis.bin` and `validator.key` of a node's directory.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let path = dir.join(CONFIG_FILE);
        let text = String::from_utf8(read_bounded(&path, MAX_CONFIG)?)
            .map_err(|_| ConfigError::NotText { path: path.clone() })?;
        let settings =
            toml::from_str(&text).map_err(|error| ConfigError::Toml { path, message: error.to_string() })?;
        let genesis = read_genesis(&dir.join(GENESIS_FILE))?;
        let signer = keyfile::read(&dir.join(KEY_FILE))?;
        Self::new(dir, settings, genesis, signer)
    }

    /// Checks settings and puts them together.
    pub fn new(
        dir: &Path,
        settings: Settings,
        genesis: Genesis,
        signer: Secret<[u8; 32]>,
    ) -> Result<Self, ConfigError> {
        settings.validate()?;
        let peers = settings.peers.iter().enumerate().map(|(index, peer)| {
            let key = encoding::from_hex(&peer.key).map_err(|error| ConfigError::Peer { index, error })?;
            Ok((key, peer.address))
        });
        let apis = settings.peers.iter().enumerate().filter_map(|(index, peer)| {
            let api = peer.api.as_deref()?;
            let key = encoding::from_hex(&peer.key).map_err(|error| ConfigError::Peer { index, error });
            let is_url = api.starts_with("http://") || api.starts_with("https://");
            Some(if is_url { key.map(|key| (key, api.to_owned())) } else { Err(ConfigError::Api { index }) })
        });
        let authorities = settings.authorities.iter().enumerate().map(|(index, key)| {
            encoding::key_from_hex(key).map_err(|error| ConfigError::Authority { index, error })
        });
        let Pool { count, bytes, share_percent } = settings.pool;
        Ok(Self {
            dir: dir.to_owned(),
            http: settings.http,
            metrics: settings.metrics,
            tls: settings.tls.map(|tls| tls.below(dir)),
            serve: settings.serve,
            authorities: authorities.collect::<Result<_, _>>()?,
            limits: settings.limits,
            mailbox: settings.mailbox,
            backup: settings.backup,
            content: settings.content,
            copies: settings.copies,
            apis: apis.collect::<Result<_, ConfigError>>()?,
            chain: ChainConfig {
                genesis,
                signer,
                listen: settings.p2p,
                peers: peers.collect::<Result<_, ConfigError>>()?,
                data_dir: dir.join("chain"),
                pool: PoolLimits { count, bytes, share_percent },
            },
        })
    }
}

impl Settings {
    fn validate(&self) -> Result<(), ConfigError> {
        let bounded = |key: &'static str, value: u64, least: u64, most: u64| match value {
            value if (least..=most).contains(&value) => Ok(()),
            _ => Err(ConfigError::OutOfBounds { key, least, most }),
        };
        self.serve.validate().map_err(ConfigError::Serve)?;
        bounded("limits.subscribers", self.limits.subscribers as u64, 0, 65_536)?;
        bounded("limits.cache_bytes", self.limits.cache_bytes as u64, 1 << 20, 64 << 30)?;
        bounded("pool.count", self.pool.count as u64, 1, 1 << 20)?;
        bounded("pool.bytes", self.pool.bytes as u64, 1 << 20, 4 << 30)?;
        bounded("pool.share_percent", u64::from(self.pool.share_percent), 1, 100)?;
        bounded("mailbox.life_hours", u64::from(self.mailbox.life_hours), 1, 24 * 3650)?;
        bounded("mailbox.free_life_hours", u64::from(self.mailbox.free_life_hours), 1, 24 * 3650)?;
        bounded("mailbox.messages", u64::from(self.mailbox.messages), 1, 1 << 20)?;
        bounded("mailbox.bytes", self.mailbox.bytes, 64 << 10, 1 << 40)?;
        bounded("mailbox.free_messages", u64::from(self.mailbox.free_messages), 0, 1 << 16)?;
        bounded("content.object_bytes", self.content.object_bytes, 1 << 20, 1 << 40)?;
        bounded("content.total_bytes", self.content.total_bytes, 1 << 20, 1 << 50)?;
        bounded("content.uploads", self.content.uploads as u64, 1, 65_536)?;
        bounded("content.upload_bytes", self.content.upload_bytes, 1 << 20, 1 << 50)?;
        bounded("content.upload_idle_hours", u64::from(self.content.upload_idle_hours), 1, 24 * 365)?;
        bounded("content.grace_hours", u64::from(self.content.grace_hours), 1, 24 * 3650)?;
        bounded("content.member_pin_days", u64::from(self.content.member_pin_days), 1, 3650)?;
        bounded("content.member_bytes_per_day", self.content.member_bytes_per_day, 1 << 20, 1 << 50)?;
        bounded("content.reserve_bytes", self.content.reserve_bytes, 0, 1 << 50)?;
        bounded("copies.count", self.copies.count as u64, 1, 1024)?;
        bounded("copies.poll_seconds", u64::from(self.copies.poll_seconds), 1, 3600)?;
        bounded("copies.bytes_per_second", self.copies.bytes_per_second, 64 << 10, 1 << 40)?;
        bounded("copies.peer_bytes", self.copies.peer_bytes, 0, 1 << 50)?;
        bounded("copies.scrub_bytes_per_second", self.copies.scrub_bytes_per_second, 64 << 10, 1 << 40)?;
        bounded("backup.life_days", u64::from(self.backup.life_days), 1, 3650)?;
        bounded("backup.keep_days", u64::from(self.backup.keep_days), 1, 3650)?;
        bounded("mailbox.receipts", u64::from(self.mailbox.receipts), 1, 1 << 20)?;
        Ok(())
    }
}

/// A genesis file holds the codec's encoding.
pub fn read_genesis(path: &Path) -> Result<Genesis, ConfigError> {
    let bytes = read_bounded(path, MAX_GENESIS)?;
    Genesis::decode(bytes)
        .map_err(|error| ConfigError::Genesis { path: path.to_owned(), message: error.to_string() })
}

fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, ConfigError> {
    let failed = |error| ConfigError::Read { path: path.to_owned(), error };
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(ConfigError::TooLong { path: path.to_owned(), max });
    }
    Ok(bytes)
}
