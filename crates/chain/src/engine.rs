//! The wiring of the engine: network, consensus, marshal, state, gossip (spec B-50 to B-53).
//!
//! Sizes follow the committee: mailboxes of the network are allocated in advance, one quota's burst per channel and peer.

use std::{
    net::SocketAddr,
    num::{NonZeroU64, NonZeroUsize},
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::tokio::sync::mpsc;
use bytes::Bytes;
use commonware_broadcast::buffered;
use commonware_consensus::{
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
    },
    types::{Epoch, FixedEpocher, ViewDelta},
};
use commonware_cryptography::{
    ChaCha20Poly1305, Digested, Digestible as _, Sha256, Signer as _, certificate::ConstantProvider, ed25519,
    sha256,
};
use commonware_glue::stateful::{
    Config as StatefulConfig, Mailbox as StatefulMailbox, Stateful, SyncPlan,
    db::{AttachableResolver, DatabaseSet, Shared as SharedDb, SyncEngineConfig},
};
use commonware_p2p::{Address, AddressableManager as _, authenticated::lookup, max_message_size};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, Quota, Spawner as _, Supervisor as _, buffer::paged::CacheRef, tokio};
use commonware_storage::{
    archive::prunable,
    journal::contiguous::fixed::Config as LogConfig,
    mmr::{self, full::Config as MmrConfig},
    qmdb::{
        any::ordered::fixed::Operation,
        current::FixedConfig,
        sync::{Request, Source as SyncSource, source},
    },
    translator::EightCap,
};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZDuration, NZU16, NZU32, NZU64, NZUsize, ordered::Map};
use yilian_crypto::{Label, hash::tagged};
use yilian_finality::certificate::namespace;

use crate::{
    application::Machine,
    block::Block,
    gossip,
    pacing::{self, Paced},
    query::Query,
    shared::Shared,
    state::{Databases, State},
};

type Context = tokio::Context;

/// The one epoch of a fixed committee never ends.
const EPOCH_LENGTH: NonZeroU64 = NZU64!(u64::MAX);
const BUFFER: NonZeroUsize = NZUsize!(16 << 10);
const MAILBOX: NonZeroUsize = NZUsize!(256);
const ITEMS_PER_SECTION: NonZeroU64 = NZU64!(1024);
/// Pages kept of all journals together: 4 MiB.
const PAGE: std::num::NonZeroU16 = NZU16!(4096);
const PAGES: NonZeroUsize = NZUsize!(1024);
/// Messages a second, and in a burst, from one peer on one channel.
const QUOTA: u32 = 128;

/// What the engine is started with.
pub struct Setup {
    pub shared: Arc<Shared>,
    pub genesis: Arc<Block>,
    pub signer: ed25519::PrivateKey,
    pub listen: SocketAddr,
    /// All members, this one included.
    pub members: Vec<(ed25519::PublicKey, SocketAddr)>,
    pub outgoing: mpsc::Receiver<Bytes>,
}

/// Running.
pub struct Running {
    pub query: Query<Context>,
    pub tasks: Vec<Handle<()>>,
}

/// Root and range of the empty state database, which the genesis block commits to.
pub fn initial_state() -> commonware_storage::qmdb::sync::Target<mmr::Family, sha256::Digest> {
    <Databases<Context> as DatabaseSet<Context>>::initial_sync_targets()
}

/// Starts everything; returns once the state database is open.
pub async fn start(context: &Context, setup: Setup) -> Running {
    let Setup { shared, genesis, signer, listen, members, outgoing } = setup;
    let validators = members.len() as u32;
    let public = signer.public_key();
    let (mut network, mut oracle) = network(context, &shared, &signer, listen, validators);
    oracle.track(0, peers(members));
    let quota = Quota::per_second(NZU32!(QUOTA));
    let [vote, certificate, resolver, backfill, broadcast, transactions] =
        [0, 1, 2, 3, 4, 5].map(|channel| network.register(channel, quota));
    let mut tasks = vec![network.start()];

    let cache = CacheRef::new(PAGE, PAGES);
    let backfill = marshal_resolver::init(
        context.child("backfill"),
        marshal_resolver::Config {
            public_key: public.clone(),
            peer_provider: oracle.clone(),
            blocker: oracle.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(100),
            priority_requests: false,
            priority_responses: false,
        },
        backfill,
    );
    let (buffer_engine, buffer) = buffered::Engine::new(
        context.child("broadcast"),
        buffered::Config {
            public_key: public.clone(),
            mailbox_size: MAILBOX,
            deque_size: 8,
            priority: false,
            codec_config: (),
            peer_provider: oracle.clone(),
            strategy: Sequential,
        },
    );
    tasks.push(buffer_engine.start(broadcast));

    let namespace = namespace(shared.chain);
    let scheme = Scheme::signer(namespace.as_ref(), shared.committee.keys().clone(), signer)
        .expect("the signer is in the committee");
    let certificates = prunable::Archive::init(
        context.child("certificates"),
        archive("certificates", &cache, shared.committee.len()),
    )
    .await
    .expect("the certificate archive opens");
    let blocks = prunable::Archive::init(context.child("blocks"), archive("blocks", &cache, ()))
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
            db_config: database(&cache),
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
    let engine = simplex::Engine::new(
        context.child("consensus"),
        simplex::Config {
            scheme,
            elector: RoundRobin::<Sha256>::default(),
            blocker: oracle.clone(),
            automaton: deferred.clone(),
            relay: deferred.clone(),
            reporter: deferred,
            strategy: Sequential,
            partition: "consensus".into(),
            mailbox_size: MAILBOX,
            epoch: Epoch::zero(),
            floor: simplex::config::Floor::Genesis(digest),
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
        },
    );
    tasks.push(engine.start(vote, certificate, resolver));
    let query = Query { shared, databases: subscribe(&state).await };
    tasks.extend(pool_tasks(context, &query, outgoing, transactions));
    Running { query, tasks }
}

async fn subscribe(state: &StatefulMailbox<Context, Machine>) -> Databases<Context> {
    state.subscribe_databases().await
}

fn pool_tasks(
    context: &Context,
    query: &Query<Context>,
    outgoing: mpsc::Receiver<Bytes>,
    (sender, receiver): (
        impl commonware_p2p::Sender<PublicKey = ed25519::PublicKey>,
        impl commonware_p2p::Receiver<PublicKey = ed25519::PublicKey>,
    ),
) -> [Handle<()>; 3] {
    let (shared, query, reviewed) = (query.shared.clone(), query.clone(), query.clone());
    [
        context.child("gossip_out").spawn(move |clock| gossip::send(clock, shared, outgoing, sender)),
        context.child("gossip_in").spawn(move |clock| gossip::receive(clock, query, receiver)),
        context.child("review").spawn(move |clock| reviewed.review(clock)),
    ]
}

type Handshake = Cups<Sake<ed25519::PrivateKey>, ChaCha20Poly1305>;

fn network(
    context: &Context,
    shared: &Shared,
    signer: &ed25519::PrivateKey,
    listen: SocketAddr,
    validators: u32,
) -> (lookup::Network<Context, Handshake>, lookup::Oracle<ed25519::PublicKey>) {
    let largest = max_message_size(&[
        simplex::max_payload_size::<Scheme, sha256::Digest>(validators),
        marshal::max_payload_size::<Standard<Block>, Scheme>(validators, &()),
        gossip::MAX_PAYLOAD,
    ]);
    let handshake = Cups::new(
        Sake {
            signer: signer.clone(),
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let namespace = tagged(Label::Network, &[shared.chain.0.as_ref()]);
    let size = NonZeroUsize::new(validators as usize).unwrap_or(NonZeroUsize::MIN);
    let mut config = lookup::Config::local(handshake, namespace.as_ref(), listen, size, largest, MAILBOX);
    config.tracked_peer_sets = NZUsize!(1);
    lookup::Network::new(context.child("network"), config)
}

fn peers(members: Vec<(ed25519::PublicKey, SocketAddr)>) -> Map<ed25519::PublicKey, Address> {
    Map::from_iter_dedup(members.into_iter().map(|(key, address)| (key, Address::from(address))))
}

fn archive<C>(name: &str, cache: &CacheRef, codec_config: C) -> prunable::Config<EightCap, C> {
    prunable::Config {
        translator: EightCap,
        metadata_partition: format!("{name}-metadata"),
        key_partition: format!("{name}-key"),
        key_page_cache: cache.clone(),
        value_partition: format!("{name}-value"),
        compression: None,
        codec_config,
        items_per_section: ITEMS_PER_SECTION,
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
        replay_buffer: BUFFER,
    }
}

fn database(cache: &CacheRef) -> FixedConfig<EightCap, Sequential> {
    FixedConfig {
        merkle_config: MmrConfig {
            journal_partition: "state-nodes".into(),
            metadata_partition: "state-pins".into(),
            items_per_blob: NZU64!(65536),
            write_buffer: BUFFER,
            replay_buffer: BUFFER,
            strategy: Sequential,
            page_cache: cache.clone(),
        },
        journal_config: LogConfig {
            partition: "state-log".into(),
            items_per_blob: NZU64!(65536),
            page_cache: cache.clone(),
            write_buffer: BUFFER,
            replay_buffer: BUFFER,
        },
        grafted_metadata_partition: "state-bitmap".into(),
        translator: EightCap,
        init_cache: Some(NZUsize!(1024)),
        init_buffer: NZUsize!(1 << 20),
        init_concurrency: (),
    }
}

/// State comes from executing blocks only; none is fetched from peers or served to them.
#[derive(Clone)]
struct BlocksOnly;

impl SyncSource for BlocksOnly {
    type Family = mmr::Family;
    type Digest = sha256::Digest;
    type Op = Operation<mmr::Family, sha256::Digest, sha256::Digest>;
    type Error = std::convert::Infallible;

    async fn serve(&self, _: Request<mmr::Family>) -> source::Result<Self> {
        std::future::pending().await
    }
}

impl AttachableResolver<State<Context>> for BlocksOnly {
    async fn attach_database(&self, _: SharedDb<State<Context>>) {}
}
