//! Starting and stopping: a thread with the engine's runtime, fed by the handle.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc as ready},
    thread,
    time::Duration,
};

use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_runtime::{
    Handle as Task, Metrics as _, Runner as _, Spawner as _, Supervisor as _, tokio as runtime,
};
use commonware_utils::ordered::Quorum as _;
use futures::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tracing::{error, info};
use yilian_crypto::sign::SigningKey;
use yilian_finality::Committee;

use crate::{
    application::genesis_entries,
    block::Block,
    config::{ChainConfig, StartError},
    engine::{self, Running, Setup},
    gossip,
    handle::{Handle, Inner, Request},
    query::Query,
    shared::Shared,
    store::{Store, StoreError},
};

/// Questions and transactions that wait for the engine.
const QUEUE: usize = 1024;
/// How long actors may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Threads of the engine's runtime.
const WORKERS: usize = 2;

/// Starts validators.
pub struct Chain;

impl Chain {
    /// Starts a validator in threads of its own; returns when its stores are open and its network listens. Blocks the
    /// caller meanwhile (a replay after a crash takes its time).
    pub fn start(config: ChainConfig) -> Result<Handle, StartError> {
        let committee = Committee::genesis(&config.genesis)?;
        let key = private_key(&config);
        let index = committee.keys().index(&key.public_key()).ok_or(StartError::NotAMember)?;
        let members = members(&committee, &key.public_key(), &config)?;
        drop(TcpListener::bind(config.listen).map_err(StartError::Listen)?);
        std::fs::create_dir_all(&config.data_dir).map_err(StartError::Directory)?;
        let store = Store::open(&config.data_dir.join("entries.redb"), config.genesis.chain_id())?;
        let entries: BTreeMap<_, _> = genesis_entries(&config.genesis)?;
        let signer = SigningKey::from_seed(config.signer.clone());
        let index = index.get() as u16;
        let shared = Arc::new(Shared::new(
            &config.genesis,
            committee.clone(),
            index,
            signer,
            entries,
            store,
            config.pool,
        )?);
        let initial = engine::initial_state();
        let genesis = Block::genesis(&config.genesis, &committee, initial.root, initial.range);

        let (requests, requested) = mpsc::channel(QUEUE);
        let (outgoing, to_send) = mpsc::channel(QUEUE);
        let (stop, stopping) = watch::channel(false);
        let (has_stopped, stopped) = watch::channel(false);
        let setup = Setup {
            shared: shared.clone(),
            genesis: Arc::new(genesis),
            signer: key,
            listen: config.listen,
            members,
            outgoing: to_send,
        };
        let (started, is_up) = ready::sync_channel(1);
        let directory = config.data_dir.join("engine");
        let run = move || {
            // Told on every way out, a panic of the engine included.
            let _guard = Told(has_stopped);
            let config =
                runtime::Config::new().with_storage_directory(directory).with_worker_threads(WORKERS);
            runtime::Runner::new(config).start(|context| run(context, setup, requested, stopping, started));
        };
        thread::Builder::new().name("chain".into()).spawn(run).map_err(StartError::Directory)?;
        is_up.recv().map_err(|_| StartError::Engine)?;
        Ok(Handle(Arc::new(Inner { shared, requests, outgoing, stop, stopped })))
    }
}

struct Told(watch::Sender<bool>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

async fn run(
    context: runtime::Context,
    setup: Setup,
    mut requested: mpsc::Receiver<Request>,
    mut stopping: watch::Receiver<bool>,
    started: ready::SyncSender<()>,
) {
    let Running { query, tasks } = engine::start(&context, setup).await;
    let _ = started.send(());
    info!(height = query.shared.tip().borrow().height.0, "chain is up");
    let failed = Task::select(tasks).fuse();
    let stop = stopping.wait_for(|stop| *stop).fuse();
    futures::pin_mut!(failed, stop);
    loop {
        futures::select! {
            request = requested.recv().fuse() => match request {
                Some(request) => {
                    let query = query.clone();
                    context.child("query").spawn(move |clock| serve(clock, query, request));
                }
                None => break,
            },
            _ = stop => break,
            result = failed => {
                error!(failed = result.is_err(), "a part of the engine ended");
                break;
            }
        }
    }
    // Whoever does not stop in time loses nothing: what was acknowledged is on disk.
    let _ = context.child("stop").stop(0, Some(STOP_TIMEOUT)).await;
}

async fn serve(clock: runtime::Context, query: Query<runtime::Context>, request: Request) {
    // Who asked may have gone.
    match request {
        Request::Answer(name, reply) => drop(reply.send(query.answer(&clock, name).await)),
        Request::Bucket(prefix, reply) => drop(reply.send(query.bucket(&clock, prefix).await)),
        Request::Entry(name, reply) => drop(reply.send(query.entry(name).await)),
        Request::Admit(checked, reply) => drop(reply.send(query.admit(&clock, &checked).await)),
        Request::Metrics(reply) => drop(reply.send(Ok(clock.encode()))),
        Request::Prepare(checked) => gossip::prepare(&query, checked).await,
    }
}

fn private_key(config: &ChainConfig) -> ed25519::PrivateKey {
    ed25519::PrivateKey::decode(Copying(config.signer.expose())).expect("every 32 bytes are an Ed25519 seed")
}

/// Every member's address; one's own is where one listens.
fn members(
    committee: &Committee,
    own: &ed25519::PublicKey,
    config: &ChainConfig,
) -> Result<Vec<(ed25519::PublicKey, SocketAddr)>, StartError> {
    let raw: BTreeMap<&[u8], SocketAddr> =
        config.peers.iter().map(|(key, address)| (key.as_slice(), *address)).collect();
    let known = |key: &&[u8]| committee.keys().iter().any(|member| member.as_ref() == *key);
    if !raw.keys().all(known) {
        return Err(StartError::PeerUnknown);
    }
    committee
        .keys()
        .iter()
        .map(|key| {
            let address = if key == own { Some(config.listen) } else { raw.get(key.as_ref()).copied() };
            address.map(|address| (key.clone(), address)).ok_or(StartError::PeerMissing)
        })
        .collect()
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
