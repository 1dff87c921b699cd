//! A validator apart from the runtime and network it runs on: what it knows, and the loop that serves its handle.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::{AddressableManager, Blocker, Receiver, Sender};
use commonware_runtime::Handle as Task;
use commonware_utils::ordered::Quorum as _;
use futures::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tracing::{error, info};
use yilian_crypto::{Secret, sign::SigningKey};
use yilian_finality::Committee;
use yilian_ledger::Genesis;

use crate::{
    application::genesis_entries,
    block::Block,
    config::{PoolLimits, StartError},
    engine::{self, Running, Setup},
    gossip,
    handle::{Handle, Inner, Request},
    network::{Members, Network},
    platform::Platform,
    query::Query,
    runtime::Runtime,
    shared::{Seat, Shared},
    store::Store,
};

/// Questions and transactions that wait for the engine.
const QUEUE: usize = 1024;
/// How long actors may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What a validator is, wherever it runs.
pub struct Identity<'a> {
    pub genesis: &'a Genesis,
    /// Seed of its Ed25519 key.
    pub signer: &'a Secret<[u8; 32]>,
    pub committee: Committee,
    /// All members' addresses, its own included.
    pub members: Members,
    pub pool: PoolLimits,
}

/// Ready to run.
pub struct Validator {
    shared: Arc<Shared>,
    genesis: Arc<Block>,
    signer: PrivateKey,
    members: Members,
    requested: mpsc::Receiver<Request>,
    to_send: mpsc::Receiver<Bytes>,
    stopping: watch::Receiver<bool>,
}

impl Validator {
    /// With the handle, which works once the validator runs, and what tells the handle that all has ended.
    pub fn new(
        identity: Identity<'_>,
        store: Store,
        platform: Arc<dyn Platform>,
    ) -> Result<(Self, Handle, Ended), StartError> {
        let Identity { genesis, signer, committee, members, pool } = identity;
        let key = private_key(signer);
        let index = committee.keys().index(&key.public_key()).ok_or(StartError::NotAMember)?;
        let entries: BTreeMap<_, _> = genesis_entries(genesis)?;
        let initial = engine::initial_state();
        let block = Block::genesis(genesis, &committee, initial.root, initial.range);
        let signer = SigningKey::from_seed(signer.clone());
        let seat = Seat { committee, index: index.get() as u16, signer };
        let shared = Arc::new(Shared::new(genesis, seat, entries, store, pool, platform)?);

        let (requests, requested) = mpsc::channel(QUEUE);
        let (outgoing, to_send) = mpsc::channel(QUEUE);
        let (stop, stopping) = watch::channel(false);
        let (has_stopped, stopped) = watch::channel(false);
        let handle = Handle(Arc::new(Inner { shared: shared.clone(), requests, outgoing, stop, stopped }));
        let validator =
            Self { shared, genesis: Arc::new(block), signer: key, members, requested, to_send, stopping };
        Ok((validator, handle, Ended(has_stopped)))
    }

    /// Number of members.
    pub fn members(&self) -> u32 {
        self.members.len() as u32
    }

    /// Runs until the handle says stop, all handles are gone, or a part of the engine fails. `started` is called when the
    /// stores are open and consensus runs. `others` are tasks that it cannot do without, those of the network.
    pub async fn run<E, S, R, P, B>(
        self,
        context: E,
        network: Network<S, R, P, B>,
        others: Vec<Task<()>>,
        started: impl FnOnce(),
    ) where
        E: Runtime,
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
        P: AddressableManager<PublicKey = PublicKey> + Sync,
        B: Blocker<PublicKey = PublicKey> + Sync,
    {
        let Self { shared, genesis, signer, members, mut requested, to_send, mut stopping } = self;
        let setup = Setup { shared, genesis, signer, members, outgoing: to_send };
        let Running { query, tasks } = engine::start(&context, setup, network).await;
        started();
        info!(height = query.shared.tip().borrow().height.0, "chain is up");
        let failed = Task::select(others.into_iter().chain(tasks)).fuse();
        let stop = stopping.wait_for(|stop| *stop).fuse();
        futures::pin_mut!(failed, stop);
        loop {
            futures::select_biased! {
                _ = stop => break,
                result = failed => {
                    error!(failed = result.is_err(), "a part of the engine ended");
                    break;
                }
                request = requested.recv().fuse() => match request {
                    Some(request) => {
                        let query = query.clone();
                        context.child("query").spawn(move |clock| serve(clock, query, request));
                    }
                    None => break,
                },
            }
        }
        // Whoever does not stop in time loses nothing: what was acknowledged is on disk.
        let _ = context.child("stop").stop(0, Some(STOP_TIMEOUT)).await;
    }
}

/// To be kept until the validator's runtime is down, its stores closed: dropped, it tells the handle so.
#[derive(Debug)]
pub struct Ended(watch::Sender<bool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

async fn serve<E: Runtime>(clock: E, query: Query<E>, request: Request) {
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

/// The engine's form of a validator's key.
pub fn private_key(seed: &Secret<[u8; 32]>) -> PrivateKey {
    PrivateKey::decode(Copying(seed.expose())).expect("every 32 bytes are an Ed25519 seed")
}
