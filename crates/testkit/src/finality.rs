//! For the light client's tests: states with proofs, certified headers, and a client that skips a check.

use std::collections::{BTreeMap, BTreeSet};

use commonware_codec::Encode as _;
use commonware_consensus::{
    simplex::{
        scheme::ed25519::Scheme,
        types::{Context, Finalization, Finalize, Proposal},
    },
    types::{Epoch as EngineEpoch, Round, View},
};
use commonware_cryptography::{Sha256, ed25519, sha256};
use commonware_parallel::Sequential;
use commonware_runtime::{Runner as _, Supervisor as _, buffer::paged::CacheRef, deterministic};
use commonware_storage::{
    journal::contiguous::fixed::Config as LogConfig,
    mmr::{self, Location, full::Config as MmrConfig},
    qmdb::{
        current::{FixedConfig, ordered::fixed},
        floor::Proportional,
    },
    translator::EightCap,
};
use commonware_utils::{NZU16, NZU64, NZUsize, iter::NonEmpty, range::NonEmptyRange};
use yilian_crypto::{Digest, Label, hash::tagged, sign::SigningKey};
use yilian_finality::{
    Answer, Bucket, Committee, Engine, FinalityError, Header, Link, Linked, Prefix, Snapshot, VerifiedHeader,
    bucket::{Member, Walk},
    certificate::namespace,
    link::CHUNK,
};
use yilian_ledger::{ChainId, Counts, Entry, Genesis, Height, Name, Time};

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

/// An authenticated state with the proof of every name.
#[derive(Clone, Debug)]
pub struct State {
    pub root: Digest,
    pub entries: BTreeMap<Name, Entry>,
    pub links: BTreeMap<Name, Linked>,
}

impl State {
    /// Entries written in batches of seven, as blocks would.
    ///
    /// # Panics
    /// On an empty state.
    pub fn of(entries: BTreeMap<Name, Entry>) -> Self {
        let values = entries.iter().map(|(name, entry)| (*name, entry.digest())).collect();
        Self::proving(entries, values)
    }

    /// The same, but under `name` it proves these very bytes: a committee that certifies what is no entry.
    ///
    /// # Panics
    /// If there is no entry of this name to be put aside.
    pub fn with_forged(entries: BTreeMap<Name, Entry>, name: Name, bytes: &[u8]) -> Self {
        assert!(entries.contains_key(&name), "nothing stands under this name");
        let digest = |(at, entry): (&Name, &Entry)| match *at == name {
            true => (*at, tagged(Label::Entry, &[bytes])),
            false => (*at, entry.digest()),
        };
        let values = entries.iter().map(digest).collect();
        Self::proving(entries, values)
    }

    fn proving(entries: BTreeMap<Name, Entry>, values: Vec<(Name, Digest)>) -> Self {
        assert!(!entries.is_empty(), "a certified state is not empty");
        let all: Vec<Name> = values.iter().map(|(name, _)| *name).collect();
        let (root, links) = prove(values, 7, |_| all);
        Self { root, entries, links }
    }

    /// The link that covers a name.
    pub fn covering(&self, name: &Name) -> &Linked {
        let before = self.links.range(..=*name).next_back();
        let (_, linked) = before.or_else(|| self.links.last_key_value()).expect("not empty");
        linked
    }

    pub fn answer(&self, name: &Name) -> Answer {
        let entry = self.entries.get(name).map(|e| e.encode().to_vec());
        Answer { entry, link: self.covering(name).clone() }
    }

    pub fn member(&self, name: &Name) -> Member {
        Member { link: self.links[name].clone(), entry: Some(self.entries[name].encode().to_vec()) }
    }

    pub fn bucket(&self, prefix: &Prefix) -> Bucket {
        let first = self.covering(&prefix.first()).clone();
        let mut walk = Walk::start(prefix, &first).expect("it covers the first name");
        let entry = walk.first_belongs().then(|| self.entries[&first.link.name].encode().to_vec());
        let mut members = vec![Member { link: first, entry }];
        while let Some(name) = walk.next() {
            walk.step(&self.links[&name]);
            members.push(self.member(&name));
        }
        Bucket::new(members).expect("all of one state")
    }
}

/// The root of a state of these values, written so many at a time, and the links of the names that `wanted` chooses among
/// all names in order.
///
/// # Panics
/// When `wanted` chooses a name that is not there.
pub fn prove(
    values: Vec<(Name, Digest)>,
    at_a_time: usize,
    wanted: impl FnOnce(&[Name]) -> Vec<Name>,
) -> (Digest, BTreeMap<Name, Linked>) {
    let mut names: Vec<Name> = values.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let wanted: BTreeSet<Name> = wanted(&names).into_iter().collect();
    deterministic::Runner::default().start(|context| build(context, values, at_a_time, wanted))
}

async fn build(
    context: deterministic::Context,
    values: Vec<(Name, Digest)>,
    at_a_time: usize,
    wanted: BTreeSet<Name>,
) -> (Digest, BTreeMap<Name, Linked>) {
    let cache = CacheRef::new(NZU16!(1024), NZUsize!(64));
    let mut db = Db::init(context.child("state"), config(cache), None).await.expect("opens");
    let key = |digest: &[u8; 32]| sha256::Digest::from(*digest);
    for block in values.chunks(at_a_time) {
        let mut batch = db.new_batch();
        for (name, value) in block {
            batch = batch.write(key(&name.0), Some(key(&value.0)));
        }
        let merkleized = batch.merkleize(&db, None, &mut Proportional).await.expect("merkleizes");
        db = db.apply_batch(merkleized).await.expect("applies");
    }
    let mut links = BTreeMap::new();
    for (name, value) in values.into_iter().filter(|(name, _)| wanted.contains(name)) {
        let proved = db.key_value_proof(key(&name.0)).await.expect("present");
        let link = Link { name, value, next: Name(proved.next_key.0) };
        links.insert(name, Linked { link, proof: proved.proof });
    }
    (Digest(db.root().0), links)
}

fn config(cache: CacheRef) -> FixedConfig<EightCap, Sequential> {
    let buffer = NZUsize!(1024);
    FixedConfig {
        merkle_config: MmrConfig {
            journal_partition: "nodes".into(),
            metadata_partition: "pins".into(),
            items_per_blob: NZU64!(4096),
            write_buffer: buffer,
            replay_buffer: buffer,
            strategy: Sequential,
            page_cache: cache.clone(),
        },
        journal_config: LogConfig {
            partition: "log".into(),
            items_per_blob: NZU64!(4096),
            page_cache: cache,
            write_buffer: buffer,
            replay_buffer: buffer,
        },
        grafted_metadata_partition: "bitmap".into(),
        translator: EightCap,
        init_cache: None,
        init_buffer: buffer,
        init_concurrency: (),
    }
}

/// A header over a state, as a block at this height would have it.
///
/// # Panics
/// On a genesis without a committee.
pub fn header(genesis: &Genesis, state_root: Digest, counts: Counts, height: u64, time: Time) -> Header {
    let committee = Committee::genesis(genesis).expect("a committee");
    let parent = Digest([height as u8; 32]);
    let epoch = genesis.epochs().of(Height(height));
    Header {
        parent,
        height: Height(height),
        epoch,
        time,
        transaction_root: Digest([1; 32]),
        transactions: 0,
        state_root,
        counts,
        next_committee: committee.digest(),
        engine: Engine {
            context: Context {
                round: Round::new(EngineEpoch::new(epoch.0), View::new(height)),
                leader: committee.keys().iter().next().expect("a member").clone(),
                parent: (View::new(height - 1), sha256::Digest::from(parent.0)),
            },
            operations_root: Digest([2; 32]),
            operations: NonEmptyRange::new(Location::new(0)..Location::new(height)).expect("height is not 0"),
        },
    }
}

/// A certificate of a header by these validators on the genesis's chain.
///
/// # Panics
/// If they are too few or not of the committee.
pub fn certify(genesis: &Genesis, header: Header, validators: &[SigningKey]) -> Snapshot {
    let committee = Committee::genesis(genesis).expect("a committee");
    certify_as(genesis.chain_id(), &committee, header, validators)
}

/// A certificate of a header by these validators, in its round, as this committee.
///
/// # Panics
/// If they are too few or not of the committee.
pub fn certify_as(
    chain: ChainId,
    committee: &Committee,
    header: Header,
    validators: &[SigningKey],
) -> Snapshot {
    let round = header.engine.context.round;
    certify_in(chain, committee, header, round, validators)
}

/// The same, in any round: the last block of an epoch is proposed again until it is final.
///
/// # Panics
/// If they are too few or not of the committee.
pub fn certify_in(
    chain: ChainId,
    committee: &Committee,
    header: Header,
    round: Round,
    validators: &[SigningKey],
) -> Snapshot {
    let namespace = namespace(chain, committee);
    let scheme = |key: &SigningKey| {
        let private = private_key(key);
        Scheme::signer(namespace.as_ref(), committee.keys().clone(), private).expect("a member")
    };
    let schemes: Vec<Scheme> = validators.iter().map(scheme).collect();
    let context = &header.engine.context;
    let payload = sha256::Digest::from(header.digest().0);
    let proposal = Proposal::new(round, context.parent.0, payload);
    let votes: Vec<_> =
        schemes.iter().map(|s| Finalize::sign(s, proposal.clone()).expect("a signer")).collect();
    let votes = NonEmpty::try_new(votes.iter()).expect("a vote");
    let finalization = Finalization::from_finalizes(&schemes[0], votes, &Sequential).expect("a quorum");
    Snapshot { header, finalization: finalization.encode().to_vec() }
}

fn private_key(key: &SigningKey) -> ed25519::PrivateKey {
    use commonware_codec::{Copying, DecodeExt as _};
    ed25519::PrivateKey::decode(Copying(key.seed().expose())).expect("32 bytes")
}

/// A weakened client: every entry of a bucket is proved present, but nobody looks whether one is missing.
pub fn verify_presence_only(
    header: &VerifiedHeader,
    prefix: &Prefix,
    bucket: &Bucket,
) -> Result<Vec<Name>, FinalityError> {
    let mut names = Vec::new();
    for member in bucket.members() {
        member.link.verify(&header.header().state_root)?;
        if prefix.contains(&member.link.link.name) {
            names.push(member.link.link.name);
        }
    }
    Ok(names)
}

/// A weakened client: an absent name is believed absent when some link of the state is shown, wherever it lies.
pub fn verify_absence_by_any_link(header: &VerifiedHeader, answer: &Answer) -> Result<(), FinalityError> {
    answer.link.verify(&header.header().state_root)
}

/// A weakened client: what is proved it takes, whether or not its points are in their groups.
pub fn verify_without_parsing(header: &VerifiedHeader, answer: &Answer) -> Result<Vec<u8>, FinalityError> {
    answer.link.verify(&header.header().state_root)?;
    let bytes = answer.entry.clone().ok_or(FinalityError::Entry)?;
    if tagged(Label::Entry, &[&bytes]) == answer.link.link.value {
        Ok(bytes)
    } else {
        Err(FinalityError::Entry)
    }
}
