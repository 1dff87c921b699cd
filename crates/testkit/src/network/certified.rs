//! The authenticated state and its certificates: the engine's database in the deterministic runtime, headers signed by
//! the world's validators.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_consensus::{
    simplex::{
        scheme::ed25519::Scheme,
        types::{Context, Finalization, Finalize, Proposal},
    },
    types::{Epoch as EngineEpoch, Round, View},
};
use commonware_cryptography::{Sha256, ed25519, sha256};
use commonware_parallel::Sequential;
use commonware_runtime::{Supervisor as _, buffer::paged::CacheRef, deterministic};
use commonware_storage::{
    journal::contiguous::fixed::Config as JournalConfig,
    merkle::full::Config as MerkleConfig,
    mmr,
    qmdb::{
        current::{FixedConfig, ordered::fixed},
        floor::Proportional,
    },
    translator::EightCap,
};
use commonware_utils::{NZU16, NZU64, NZUsize, non_empty, range::NonEmptyRange};
use yilian_crypto::{Digest, sign::SigningKey};
use yilian_finality::{
    Answer, Bucket, Committee, Engine, Header, Link, Linked, Prefix, Snapshot, Step,
    bucket::{Member, Walk},
    certificate::namespace,
    link::CHUNK,
};
use yilian_ledger::{ChainId, Counts, Entry, Epoch, Height, Name, Time};

use crate::ledger::World;

type Db = fixed::Db<
    mmr::Family,
    deterministic::Context,
    sha256::Digest,
    sha256::Digest,
    Sha256,
    EightCap,
    CHUNK,
    Sequential,
>;

/// State and newest certificate.
pub(super) struct Certified {
    /// Taken out while a block is applied.
    db: RefCell<Option<Db>>,
    entries: RefCell<HashMap<[u8; 32], Vec<u8>>>,
    snapshot: RefCell<Option<Snapshot>>,
    steps: RefCell<Vec<Step>>,
    view: RefCell<u64>,
}

fn config() -> FixedConfig<EightCap, Sequential> {
    let cache = CacheRef::new(NZU16!(4096), NZUsize!(64));
    FixedConfig {
        merkle_config: MerkleConfig {
            journal_partition: "merkle-journal".into(),
            metadata_partition: "merkle-metadata".into(),
            items_per_blob: NZU64!(4096),
            write_buffer: NZUsize!(4096),
            replay_buffer: NZUsize!(4096),
            strategy: Sequential,
            page_cache: cache.clone(),
        },
        journal_config: JournalConfig {
            partition: "log".into(),
            items_per_blob: NZU64!(4096),
            page_cache: cache,
            write_buffer: NZUsize!(4096),
            replay_buffer: NZUsize!(4096),
        },
        grafted_metadata_partition: "grafted".into(),
        translator: EightCap,
        init_cache: None,
        init_buffer: NZUsize!(4096),
        init_concurrency: (),
    }
}

impl Certified {
    /// With the genesis entries, certified.
    pub async fn new(context: deterministic::Context, world: &World) -> Self {
        let db = Db::init(context.child("state"), config(), None).await.expect("an empty database opens");
        let certified = Self {
            db: RefCell::new(Some(db)),
            entries: RefCell::default(),
            snapshot: RefCell::default(),
            steps: RefCell::default(),
            view: RefCell::new(0),
        };
        certified.apply(world, &world.state).await;
        certified
    }

    pub async fn certify(&self, world: &RefCell<World>, writes: &BTreeMap<Name, Entry>) {
        // The world is not touched while the database is: one thread, and tests await one thing at a time.
        let view = Frozen::of(&world.borrow());
        self.apply_frozen(&view, writes).await;
    }

    async fn apply(&self, world: &World, writes: &BTreeMap<Name, Entry>) {
        self.apply_frozen(&Frozen::of(world), writes).await;
    }

    async fn apply_frozen(&self, world: &Frozen, writes: &BTreeMap<Name, Entry>) {
        let db = self.db.borrow_mut().take().expect("one block at a time");
        let mut batch = db.new_batch();
        for (name, entry) in writes {
            let digest = entry.digest();
            self.entries.borrow_mut().insert(digest.0, entry.encode().to_vec());
            batch = batch.write(name.0.into(), Some(digest.0.into()));
        }
        let batch =
            batch.merkleize(&db, None, &mut Proportional).await.expect("the batch is of this database");
        let operations = NonEmptyRange::new(batch.sync_boundary()..batch.bounds().tip.size)
            .expect("a commit is an operation");
        let (root, operations_root) = (Digest(batch.root().0), Digest(batch.ops_root().0));
        let db = db.apply_batch(batch).await.expect("the batch is of this state");
        let db = db.commit().await.expect("the runtime's storage works");
        *self.db.borrow_mut() = Some(db);
        *self.view.borrow_mut() += 1;
        let engine = Engine {
            context: Context {
                round: Round::new(EngineEpoch::new(world.epoch.0), View::new(*self.view.borrow())),
                leader: world.committee.keys().iter().next().expect("somebody leads").clone(),
                parent: (View::zero(), sha256::Digest::from([0; 32])),
            },
            operations_root,
            operations,
        };
        let header = Header {
            parent: Digest::default(),
            height: world.height,
            epoch: world.epoch,
            time: world.time,
            transaction_root: Digest::default(),
            transactions: 0,
            state_root: root,
            counts: world.counts,
            next_committee: world.next.digest(),
            engine,
        };
        let finalization = world.sign(&header);
        let snapshot = Snapshot { header, finalization };
        if world.next != world.committee {
            let step = Step { last: snapshot.clone(), members: world.next.raw() };
            self.steps.borrow_mut().push(step);
        }
        *self.snapshot.borrow_mut() = Some(snapshot);
    }

    /// How committees followed each other, oldest first.
    pub fn steps(&self) -> Vec<Step> {
        self.steps.borrow().clone()
    }

    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone().expect("genesis is certified")
    }

    pub async fn answer(&self, name: &Name) -> Answer {
        let link = self.span(name).await;
        let entry = (link.link.name == *name).then(|| self.entry(&link.link));
        Answer { entry, link }
    }

    pub async fn bucket(&self, prefix: &Prefix) -> Bucket {
        let first = self.span(&prefix.first()).await;
        let mut walk = Walk::start(prefix, &first).expect("the span covers the first name");
        let entry = walk.first_belongs().then(|| self.entry(&first.link));
        let mut members = vec![Member { link: first, entry }];
        while let Some(name) = walk.next() {
            let link = self.span(&name).await;
            walk.step(&link);
            let entry = Some(self.entry(&link.link));
            members.push(Member { link, entry });
        }
        Bucket::new(members).expect("all links are of one state")
    }

    fn entry(&self, link: &Link) -> Vec<u8> {
        self.entries.borrow()[&link.value.0].clone()
    }

    /// The link that covers a name, with its proof.
    async fn span(&self, name: &Name) -> Linked {
        let db = self.db.borrow_mut().take().expect("one question at a time");
        let (_, update) =
            db.get_span(&name.0.into()).await.expect("readable").expect("genesis wrote something");
        let proof = db.key_value_proof(update.key).await.expect("the span's key exists").proof;
        *self.db.borrow_mut() = Some(db);
        let link =
            Link { name: Name(update.key.0), value: Digest(update.value.0), next: Name(update.next_key.0) };
        Linked { link, proof }
    }
}

/// What a block takes from the world, so that the world is free while the block is written.
struct Frozen {
    chain: ChainId,
    height: Height,
    time: Time,
    counts: Counts,
    epoch: Epoch,
    committee: Committee,
    /// Of the next block.
    next: Committee,
    validators: Vec<SigningKey>,
}

impl Frozen {
    fn of(world: &World) -> Self {
        let epoch = world.genesis.epochs().of(world.height);
        let committee = |epoch| {
            Committee::new(world.committee_entry().at(epoch)).expect("the world's committee is sound")
        };
        Self {
            chain: world.chain,
            height: world.height,
            time: world.time,
            counts: world.counts,
            epoch,
            committee: committee(epoch),
            next: committee(world.epoch()),
            validators: world.signers(epoch),
        }
    }

    fn sign(&self, header: &Header) -> Vec<u8> {
        certificate(self.chain, &self.committee, &self.validators, header)
    }
}

/// Finalization of a header by all of a committee.
pub(super) fn certificate(
    chain: ChainId,
    committee: &Committee,
    keys: &[SigningKey],
    header: &Header,
) -> Vec<u8> {
    let namespace = namespace(chain, committee);
    let payload = sha256::Digest::from(header.digest().0);
    let proposal = Proposal::new(header.engine.context.round, View::zero(), payload);
    let scheme = |key: &SigningKey| {
        let key = ed25519::PrivateKey::decode(Copying(key.seed().expose())).expect("32 bytes are a key");
        Scheme::signer(namespace.as_ref(), committee.keys().clone(), key).expect("a member of the committee")
    };
    let schemes: Vec<_> = keys.iter().map(scheme).collect();
    let votes: Vec<_> = schemes
        .iter()
        .map(|scheme| Finalize::sign(scheme, proposal.clone()).expect("members sign"))
        .collect();
    let finalization = Finalization::from_finalizes(&schemes[0], non_empty![@votes.iter()], &Sequential)
        .expect("all votes are a quorum");
    finalization.encode().to_vec()
}
