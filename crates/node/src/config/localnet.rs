//! Networks of several nodes on one machine: for trying out and for tests.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use commonware_codec::Encode as _;
use rand_core::CryptoRng;
use yilian_api::encoding;
use yilian_crypto::{Secret, sign::SigningKey};
use yilian_ledger::{Genesis, genesis::MAX_COMMITTEE};

use super::{CONFIG_FILE, ConfigError, GENESIS_FILE, KEY_FILE, Limits, Peer, Pool, Settings, keyfile};
use crate::{backup::BackupLimits, copies::CopySettings, http::content::ContentSettings, mailbox::Quota};

/// Validators of a network that is about to be written, in the order of their keys.
#[derive(Clone, Debug)]
pub struct Localnet {
    signers: Vec<SigningKey>,
}

impl Localnet {
    /// Draws `nodes` validator keys.
    pub fn generate(nodes: usize, rng: &mut impl CryptoRng) -> Result<Self, ConfigError> {
        if !(1..=MAX_COMMITTEE).contains(&nodes) {
            return Err(ConfigError::Localnet { most: MAX_COMMITTEE });
        }
        let mut signers: Vec<_> = (0..nodes).map(|_| SigningKey::generate(rng)).collect();
        signers.sort_by_key(|signer| *signer.verifying_key().as_bytes());
        Ok(Self { signers })
    }

    /// Committee for the genesis: raw keys, ascending.
    pub fn committee(&self) -> Vec<[u8; 32]> {
        self.signers.iter().map(|signer| *signer.verifying_key().as_bytes()).collect()
    }

    /// Writes a directory `node-0`, `node-1`, ... for each validator below `dir`, on loopback: HTTP at `base_port + i`,
    /// validators among themselves at `base_port + nodes + i`. Returns the directories.
    pub fn write(&self, genesis: &Genesis, base_port: u16, dir: &Path) -> Result<Vec<PathBuf>, ConfigError> {
        (0..self.signers.len()).map(|index| self.write_node(index, genesis, base_port, dir)).collect()
    }

    fn write_node(
        &self,
        index: usize,
        genesis: &Genesis,
        base_port: u16,
        dir: &Path,
    ) -> Result<PathBuf, ConfigError> {
        let dir = dir.join(format!("node-{index}"));
        let settings = self.settings(index, base_port)?;
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.join(name);
            fs::write(&path, bytes).map_err(|error| ConfigError::Write { path, error })
        };
        fs::create_dir_all(&dir).map_err(|error| ConfigError::Write { path: dir.clone(), error })?;
        keyfile::write(&dir.join(KEY_FILE), self.signers[index].seed())?;
        write(GENESIS_FILE, &genesis.encode())?;
        let text = toml::to_string(&settings)
            .map_err(|error| ConfigError::Toml { path: dir.join(CONFIG_FILE), message: error.to_string() })?;
        write(CONFIG_FILE, text.as_bytes())?;
        Ok(dir)
    }

    /// Settings of one node of the network.
    pub fn settings(&self, index: usize, base_port: u16) -> Result<Settings, ConfigError> {
        let nodes = self.signers.len();
        let others = (0..nodes).filter(|other| *other != index);
        let peers = others.map(|other| {
            let key = encoding::to_hex(self.signers[other].verifying_key().as_bytes());
            let api = Some(format!("http://{}", loopback(base_port, other)?));
            Ok(Peer { key, address: loopback(base_port, nodes + other)?, api })
        });
        Ok(Settings {
            http: loopback(base_port, index)?,
            p2p: loopback(base_port, nodes + index)?,
            peers: peers.collect::<Result<_, ConfigError>>()?,
            authorities: Vec::new(),
            limits: Limits::default(),
            pool: Pool::default(),
            mailbox: Quota::default(),
            backup: BackupLimits::default(),
            content: ContentSettings::default(),
            copies: CopySettings::default(),
        })
    }

    /// Seed of one validator.
    pub fn signer(&self, index: usize) -> Option<&Secret<[u8; 32]>> {
        self.signers.get(index).map(SigningKey::seed)
    }
}

fn loopback(base: u16, offset: usize) -> Result<SocketAddr, ConfigError> {
    let port = u16::try_from(usize::from(base) + offset);
    let port = port.map_err(|_| ConfigError::Localnet { most: MAX_COMMITTEE })?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}
