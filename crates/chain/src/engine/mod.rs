//! The wiring of the engine: consensus, marshal, state, gossip over a network (spec B-50 to B-53). The same on every
//! runtime and network.

mod storage;

use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::tokio::sync::mpsc;
use bytes::Bytes;
use commonware_broadcast::buffered;
use commonware_consensus::{
    CertifiableAutomaton, Relay, Reporter,
    marshal::{
        self,
        core::Actor as MarshalActor,
        resolver::p2p as marshal_resolver,
        standard::{Deferred, Standard},
    },
    simplex::{
        self,
        config::{ForwardPolicy, SkipBudget, SkipPolicy},
        elector::RoundRobin,
        scheme::ed25519::Scheme,
        types::Activity,
    },
    types::{Epoch, FixedEpocher, ViewDelta},
};
use commonware_cryptography::{
    Digested, Digestible as _, Sha256, Signer as _,
    certificate::ConstantProvider,
    ed25519::{PrivateKey, PublicKey},
    sha256,
};
use commonware_glue::stateful::{
    Config as StatefulConfig, Stateful, SyncPlan,
    db::{DatabaseSet, SyncEngineConfig},
};
use commonware_p2p::{AddressableManager, Blocker, Receiver, Sender};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef, tokio};
use commonware_storage::{archive::prunable, mmr, qmdb::sync::Target};
use commonware_utils::{NZDuration, NZU64, NZUsize};
use yilian_finality::certificate::namespace;

use crate::{
    application::{Consensus, Machine},
    block::Block,
    gossip,
    network::{Members, Network},
    pacing::{self, Paced},
    query::Query,
    runtime::Runtime,
    shared::Shared,
    state::Databases,
};
use storage::{BUFFER, BlocksOnly, ITEMS_PER_SECTION};

/// The one epoch of a fixed committee never ends.
const EPOCH_LENGTH: NonZeroU64 = NZU64!(u64::MAX);
const MAILBOX: NonZeroUsize = NZUsize!(256);

/// What the engine is started with.
pub struct Setup {
    pub shared: Arc<Shared>,
    pub genesis: Arc<Block>,
    pub signer: PrivateKey,
    pub members: Members,
    pub outgoing: mpsc::Receiver<Bytes>,
}

/// Running.
pub struct Running<E: Runtime> {
    pub query: Query<E>,
    pub tasks: Vec<Handle<()>>,
}

/// Root and range of the empty state database, which the genesis block commits to.
pub fn initial_state() -> Target<mmr::Family, sha256::Digest> {
    <Databases<tokio::Context> as DatabaseSet<tokio::Context>>::initial_sync_targets()
}

/// Starts everything; returns once the state database is open.
pub async fn start<E, S, R, P, B>(context: &E, setup: Setup, network: Network<S, R, P, B>) -> Running<E>
where
    E: Runtime,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
    P: AddressableManager<PublicKey = PublicKey> + Sync,
    B: Blocker<PublicKey = PublicKey> + Sync,
{
    let Setup { shared, genesis, signer, members, outgoing } = setup;
    let Network { channels, mut peers, blocker } = network;
    let public = signer.public_key();
    peers.track(0, members);

    let cache = storage::cache();
    let backfill = marshal_resolver::init(
        context.child("backfill"),
        marshal_resolver::Config {
            public_key: public.clone(),
            peer_provider: peers.clone(),
            blocker: blocker.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(100),
            priority_requests: false,
            priority_responses: false,
        },
        channels.backfill,
    );
    let (buffer_engine, buffer) = buffered::Engine::new(
        context.child("broadcast"),
        buffered::Config {
            public_key: public,
            mailbox_size: MAILBOX,
            deque_size: 8,
            priority: false,
            codec_config: (),
            peer_provider: peers,
            strategy: Sequential,
        },
    );
    let mut tasks = vec![buffer_engine.start(channels.blocks)];

    let namespace = namespace(shared.chain);
    let scheme = Scheme::signer(namespace.as_ref(), shared.committee.keys().clone(), signer)
        .expect("the signer is in the committee");
    let certificates = prunable::Archive::init(
        context.child("certificates"),
        storage::archive("certificates", &cache, shared.committee.len()),
    )
    .await
    .expect("the certificate archive opens");
    let blocks = prunable::Archive::init(context.child("blocks"), storage::archive("blocks", &cache, ()))
        .await
        .expect("the block archive opens");
    let plan = SyncPlan::init(context.child("plan"), "plan").await;
    let digest = genesis.digest();
    let epocher = FixedEpocher::new(EPOCH_LENGTH);
    let (marshal_actor, marshal, floor) = MarshalActor::<_, Standard<Block>, _, _, _, _, _>::init(
        context.child("marshal"),
        certificates,
        blocks,
        marshal::Config {
            provider: ConstantProvider::new(scheme.clone()),
            epocher: epocher.clone(),
            start: plan.marshal_start(Digested::precomputed(genesis.clone(), digest)),
            partition_prefix: "marshal".into(),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(10),
            prunable_items_per_section: ITEMS_PER_SECTION,
            page_cache: cache.clone(),
            replay_buffer: BUFFER,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            block_codec_config: (),
            max_repair: NZUsize!(16),
            max_pending_acks: NZUsize!(8),
            strategy: Sequential,
        },
    )
    .await;
    let slot = Arc::new(OnceLock::new());
    let _ = slot.set(marshal.clone());
    let machine = Machine { genesis, shared: shared.clone(), marshal: slot };
    let (stateful, state) = Stateful::new(
        context.child("state"),
        StatefulConfig {
            application: machine,
            db_config: storage::database(&cache),
            provider: (),
            marshal: (marshal.clone(), floor),
            mailbox_size: MAILBOX,
            plan,
            resolvers: BlocksOnly,
            sync_config: SyncEngineConfig {
                fetch_batch_size: NZU64!(64),
                apply_batch_size: NZU64!(64),
                max_outstanding_requests: NZUsize!(8),
            },
            prune_config: None,
            strategy: Sequential,
        },
    );
    let paced = Paced { inner: state.clone(), shared: shared.clone() };
    let deferred = Deferred::new(context.child("deferred"), paced, marshal, epocher);
    tasks.push(marshal_actor.start(state.clone(), buffer, backfill));
    tasks.push(stateful.start());
    let engine =
        simplex::Engine::new(context.child("consensus"), consensus(scheme, blocker, deferred, digest, cache));
    tasks.push(engine.start(channels.votes, channels.certificates, channels.resolver));
    let query = Query { shared, databases: state.subscribe_databases().await };
    tasks.extend(pool_tasks(context, &query, outgoing, channels.transactions));
    Running { query, tasks }
}

/// Consensus with one application as automaton, relay and reporter.
fn consensus<B, A>(
    scheme: Scheme,
    blocker: B,
    application: A,
    genesis: sha256::Digest,
    cache: CacheRef,
) -> simplex::Config<Scheme, RoundRobin<Sha256>, B, sha256::Digest, A, A, A, Sequential>
where
    B: Blocker<PublicKey = PublicKey>,
    A: CertifiableAutomaton<Context = Consensus>
        + Relay
        + Reporter<Activity = Activity<Scheme, sha256::Digest>>
        + Clone,
{
    simplex::Config {
        scheme,
        elector: RoundRobin::<Sha256>::default(),
        blocker,
        automaton: application.clone(),
        relay: application.clone(),
        reporter: application,
        strategy: Sequential,
        partition: "consensus".into(),
        mailbox_size: MAILBOX,
        epoch: Epoch::zero(),
        floor: simplex::config::Floor::Genesis(genesis),
        replay_buffer: BUFFER,
        write_buffer: BUFFER,
        page_cache: cache,
        leader_timeout: pacing::LEADER_TIMEOUT,
        certification_timeout: pacing::CERTIFICATION_TIMEOUT,
        timeout_retry: pacing::TIMEOUT_RETRY,
        view_retention: ViewDelta::new(10),
        skip: SkipPolicy::Enabled { timeout: pacing::SKIP_TIMEOUT, budget: SkipBudget::Participants },
        fetch_timeout: NZDuration!(Duration::from_secs(2)),
        fetch_retry_delay: Duration::from_millis(500),
        forward: ForwardPolicy::SilentVoters,
        track_historical_votes: false,
    }
}

fn pool_tasks<E: Runtime>(
    context: &E,
    query: &Query<E>,
    outgoing: mpsc::Receiver<Bytes>,
    (sender, receiver): (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
) -> [Handle<()>; 3] {
    let (shared, query, reviewed) = (query.shared.clone(), query.clone(), query.clone());
    [
        context.child("gossip_out").spawn(move |clock| gossip::send(clock, shared, outgoing, sender)),
        context.child("gossip_in").spawn(move |clock| gossip::receive(clock, query, receiver)),
        context.child("review").spawn(move |clock| reviewed.review(clock)),
    ]
}
