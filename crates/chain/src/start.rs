//! Starting a validator in earnest: a thread with the engine's runtime, fed by the handle.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread,
};

use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::Address;
use commonware_runtime::{Runner as _, Supervisor as _, tokio};
use commonware_utils::ordered::Map;
use yilian_finality::Committee;
use yilian_ledger::ChainId;

use crate::{
    config::{ChainConfig, StartError},
    handle::Handle,
    network::{self, Members},
    platform::Native,
    store::{Store, StoreError},
    validator::{Identity, Validator, private_key},
};

/// Threads of the engine's runtime.
const WORKERS: usize = 2;

/// Starts validators.
pub struct Chain;

impl Chain {
    /// Starts a validator in threads of its own; returns when its stores are open and its network listens. Blocks the
    /// caller meanwhile (a replay after a crash takes its time).
    pub fn start(config: ChainConfig) -> Result<Handle, StartError> {
        let committee = Committee::genesis(&config.genesis)?;
        let key = private_key(&config.signer);
        let public = key.public_key();
        if committee.keys().position(&public).is_none() {
            return Err(StartError::NotAMember);
        }
        let members = members(&committee, &public, &config)?;
        drop(TcpListener::bind(config.listen).map_err(StartError::Listen)?);
        std::fs::create_dir_all(&config.data_dir).map_err(StartError::Directory)?;
        let chain = config.genesis.chain_id();
        let store = Store::open(&config.data_dir.join("entries.redb"), chain)?;
        let identity = Identity {
            genesis: &config.genesis,
            signer: &config.signer,
            committee,
            members,
            pool: config.pool,
        };
        let (validator, handle, ended) = Validator::new(identity, store, Arc::new(Native))?;
        let (started, is_up) = mpsc::sync_channel(1);
        let runtime = tokio::Config::new()
            .with_storage_directory(config.data_dir.join("engine"))
            .with_worker_threads(WORKERS);
        let listen = config.listen;
        let run = move || {
            // Told on every way out, a panic of the engine included.
            let _ended = ended;
            tokio::Runner::new(runtime).start(|context| run(context, validator, chain, key, listen, started));
        };
        thread::Builder::new().name("chain".into()).spawn(run).map_err(StartError::Directory)?;
        is_up.recv().map_err(|_| StartError::Engine)?;
        Ok(handle)
    }
}

async fn run(
    context: tokio::Context,
    validator: Validator,
    chain: ChainId,
    key: PrivateKey,
    listen: SocketAddr,
    started: mpsc::SyncSender<()>,
) {
    let connect = context.child("network");
    let (network, task) = network::authenticated(connect, chain, &key, listen, validator.members());
    let up = || {
        // Whoever started it waits, or has gone.
        let _ = started.send(());
    };
    validator.run(context, network, vec![task], up).await;
}

/// Every member's address; one's own is where one listens.
fn members(committee: &Committee, own: &PublicKey, config: &ChainConfig) -> Result<Members, StartError> {
    let raw: BTreeMap<&[u8], SocketAddr> =
        config.peers.iter().map(|(key, address)| (key.as_slice(), *address)).collect();
    let known = |key: &&[u8]| committee.keys().iter().any(|member| member.as_ref() == *key);
    if !raw.keys().all(known) {
        return Err(StartError::PeerUnknown);
    }
    let addresses: Result<Vec<_>, StartError> = committee
        .keys()
        .iter()
        .map(|key| {
            let address = if key == own { Some(config.listen) } else { raw.get(key.as_ref()).copied() };
            address.map(|address| (key.clone(), Address::from(address))).ok_or(StartError::PeerMissing)
        })
        .collect();
    addresses.map(Map::from_iter_dedup)
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OtherChain => Self::OtherChain,
            other => Self::Store(other),
        }
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Directory(error)
    }
}
