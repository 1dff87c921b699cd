//! Starting a validator in earnest: a thread with the engine's runtime, fed by the handle.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread,
};

use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::Address;
use commonware_runtime::{Runner as _, Supervisor as _, tokio};
use commonware_utils::ordered::Map;
use yilian_crypto::sign::VerifyingKey;
use yilian_ledger::ChainId;

use crate::{
    config::{ChainConfig, Peer, PeerError, StartError},
    handle::Handle,
    network::{self, Directory},
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
        let key = private_key(&config.signer);
        let directory =
            Directory::of((&key.public_key(), config.listen.into()), &config.peers, &config.followers)?;
        drop(TcpListener::bind(config.listen).map_err(StartError::Listen)?);
        std::fs::create_dir_all(&config.data_dir).map_err(StartError::Directory)?;
        let chain = config.genesis.chain_id();
        let store = Store::open(&config.data_dir.join("entries.redb"), chain)?;
        let identity =
            Identity { genesis: &config.genesis, signer: &config.signer, directory, pool: config.pool };
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
    let (network, task) = network::authenticated(connect, chain, &key, listen, validator.capacity());
    let up = || {
        // Whoever started it waits, or has gone.
        let _ = started.send(());
    };
    validator.run(context, network, vec![task], up).await;
}

impl Directory {
    /// What settings say; one's own address is where one listens.
    pub fn of(
        (own, at): (&PublicKey, Address),
        peers: &[Peer],
        followers: &[Peer],
    ) -> Result<Self, PeerError> {
        // The engine's own decoding takes keys that no committee takes.
        let decode = |(key, address): &Peer| {
            let sound = VerifyingKey::from_bytes(key).ok().and_then(|_| PublicKey::decode(Copying(key)).ok());
            sound.map(|key| (key, Address::from(*address))).ok_or(PeerError(*key))
        };
        let others = |list: &[Peer]| -> Result<Vec<_>, PeerError> {
            list.iter().map(decode).filter(|peer| !matches!(peer, Ok((key, _)) if key == own)).collect()
        };
        let mut members = others(peers)?;
        members.push((own.clone(), at));
        Ok(Self {
            members: Map::from_iter_dedup(members),
            followers: Map::from_iter_dedup(others(followers)?),
        })
    }
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
