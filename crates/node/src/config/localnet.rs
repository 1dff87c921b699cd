//! Networks whose validators are all written from one place: on one machine, for trying out and for tests.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use commonware_codec::Encode as _;
use rand_core::CryptoRng;
use yilian_api::encoding;
use yilian_crypto::{Secret, sign::SigningKey};
use yilian_files::durable;
use yilian_ledger::{Genesis, genesis::MAX_COMMITTEE};

use super::{CONFIG_FILE, ConfigError, GENESIS_FILE, KEY_FILE, Limits, Peer, Pool, Settings, keyfile};
use crate::{backup::BackupLimits, copies::CopySettings, http::content::ContentSettings, mailbox::Quota};

/// Where one validator listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoints {
    pub http: SocketAddr,
    pub p2p: SocketAddr,
}

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

    /// Writes a directory for each validator, as `dir` names them: key, genesis, settings. Returns the directories.
    pub fn write(
        &self,
        genesis: &Genesis,
        endpoints: &[Endpoints],
        authorities: &[String],
        dir: impl Fn(usize) -> PathBuf,
    ) -> Result<Vec<PathBuf>, ConfigError> {
        let write = |index: usize| {
            let dir = dir(index);
            let settings = self.settings(index, endpoints, authorities);
            write_node(&dir, self.signers[index].seed(), genesis, &settings)?;
            Ok(dir)
        };
        (0..self.signers.len()).map(write).collect()
    }

    /// Settings of one node of the network.
    pub fn settings(&self, index: usize, endpoints: &[Endpoints], authorities: &[String]) -> Settings {
        let all = self.signers.iter().zip(endpoints).enumerate();
        let others = all.filter(|(other, _)| *other != index);
        let peer = |signer: &SigningKey, endpoints: &Endpoints| Peer {
            key: encoding::to_hex(signer.verifying_key().as_bytes()),
            address: endpoints.p2p,
            api: Some(format!("http://{}", endpoints.http)),
        };
        Settings {
            http: endpoints[index].http,
            p2p: endpoints[index].p2p,
            peers: others.map(|(_, (signer, endpoints))| peer(signer, endpoints)).collect(),
            authorities: authorities.to_vec(),
            metrics: None,
            tls: None,
            serve: Default::default(),
            limits: Limits::default(),
            pool: Pool::default(),
            mailbox: Quota::default(),
            backup: BackupLimits::default(),
            content: ContentSettings::default(),
            copies: CopySettings::default(),
        }
    }

    /// Seed of one validator.
    pub fn signer(&self, index: usize) -> Option<&Secret<[u8; 32]>> {
        self.signers.get(index).map(SigningKey::seed)
    }
}

impl Endpoints {
    /// For `nodes` validators on loopback: HTTP at `base + i`, validators among themselves at `base + nodes + i`.
    pub fn loopback(base: u16, nodes: usize) -> Result<Vec<Self>, ConfigError> {
        let at = |offset: usize| {
            let port = u16::try_from(usize::from(base) + offset);
            let port = port.map_err(|_| ConfigError::Localnet { most: MAX_COMMITTEE })?;
            Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        (0..nodes).map(|index| Ok(Self { http: at(index)?, p2p: at(nodes + index)? })).collect()
    }
}

fn write_node(
    dir: &Path,
    seed: &Secret<[u8; 32]>,
    genesis: &Genesis,
    settings: &Settings,
) -> Result<(), ConfigError> {
    let publish = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        durable::publish(&path, bytes).map_err(|error| ConfigError::Write { path, error })
    };
    publish(GENESIS_FILE, &genesis.encode())?;
    let text = toml::to_string(settings)
        .map_err(|error| ConfigError::Toml { path: dir.join(CONFIG_FILE), message: error.to_string() })?;
    publish(CONFIG_FILE, text.as_bytes())?;
    keyfile::write(&dir.join(KEY_FILE), seed)
}
