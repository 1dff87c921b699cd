//! One consensus engine an epoch (spec B-60 to B-64).
//!
//! The next epoch begins when the last block of this one is final and on disk: then its committee is known. The engine
//! before is stopped and its journal removed: nothing of its epoch will be voted on again. Who is connected to follows the
//! committees and the settings. A node that hears of a later epoch asks who told it for the certificate of its own last
//! block; whatever comes back is verified under the own epoch's committee.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use commonware_consensus::{
    CertifiableAutomaton, Relay, Reporter,
    marshal::{core::Mailbox as Marshal, standard::Standard},
    simplex::{self, elector::RoundRobin, scheme::ed25519::Scheme, types::Activity},
    types,
};
use commonware_cryptography::{Sha256, ed25519::PublicKey, sha256};
use commonware_p2p::{
    Address, AddressableManager, AddressableTrackedPeers, Blocker, Message, Receiver, Sender,
    utils::mux::{Builder as _, MuxHandle, Muxer},
};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_utils::{channel::mpsc, ordered::Map, vec::NonEmptyVec};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};
use yilian_crypto::Digest;
use yilian_ledger::{Epoch, ValidatorKey};

use super::consensus;
use crate::{
    application::Consensus,
    block::{Block, engine_digest},
    network::Directory,
    runtime::Runtime,
    shared::Shared,
};

/// What a consensus engine is told of one application.
pub type Config<B, A> = simplex::Config<Scheme, RoundRobin<Sha256>, B, sha256::Digest, A, A, A, Sequential>;

/// What consensus speaks over: votes, certificates, requests.
pub type Lanes<S, R> = [(S, R); 3];

/// Everything that an epoch's engine is made of.
pub struct Rotation<E, P, B, A> {
    pub context: E,
    pub shared: Arc<Shared>,
    pub genesis: sha256::Digest,
    pub marshal: Marshal<Scheme, Standard<Block>>,
    pub peers: P,
    pub blocker: B,
    pub application: A,
    pub cache: CacheRef,
    pub directory: watch::Receiver<Directory>,
    /// Most peers that the network was made for, the node itself included.
    pub capacity: usize,
}

/// A message for an epoch that is not entered.
type Early = (u64, Message<PublicKey>);

/// The three channels, each with a lane an epoch.
struct Muxes<S: Sender<PublicKey = PublicKey>> {
    votes: MuxHandle<S>,
    certificates: MuxHandle<S>,
    resolver: MuxHandle<S>,
    early_votes: mpsc::Receiver<Early>,
    early_certificates: mpsc::Receiver<Early>,
}

struct Active {
    epoch: Epoch,
    engine: Handle<()>,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

/// Why consensus cannot go on.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error("{needed} peers are more than the {capacity} that this process was started for: start it again")]
    Capacity { needed: usize, capacity: usize },
    #[error("the last block of the epoch before is not in the store")]
    Root,
    #[error("the network has closed")]
    Closed,
    #[error("the consensus engine of epoch {} ended", .0.0)]
    Engine(Epoch),
}

impl<E, P, B, A> Rotation<E, P, B, A>
where
    E: Runtime,
    P: AddressableManager<PublicKey = PublicKey> + Sync,
    B: Blocker<PublicKey = PublicKey> + Sync,
    A: CertifiableAutomaton<Context = Consensus, Digest = sha256::Digest>
        + Relay<Digest = sha256::Digest, PublicKey = PublicKey, Plan = simplex::Plan<PublicKey>>
        + Reporter<Activity = Activity<Scheme, sha256::Digest>>
        + Clone
        + Sync,
{
    /// Enters the epoch after the newest block and goes on from there.
    pub fn start<S, R>(self, lanes: Lanes<S, R>) -> Handle<()>
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let context = self.context.child("rotation");
        context.spawn(move |_| async move {
            if let Err(halt) = self.run(lanes).await {
                error!(%halt, "consensus stops");
            }
        })
    }

    async fn run<S, R>(mut self, lanes: Lanes<S, R>) -> Result<(), Halt>
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let mut muxes = self.muxes(lanes);
        let mut tip = self.shared.tip();
        let mut peers = Peers::default();
        self.connect(&mut peers)?;
        let mut active = self.enter(&mut muxes).await?;
        // Who is in which later epoch.
        let mut ahead: BTreeMap<PublicKey, Epoch> = BTreeMap::new();
        let mut stopped = self.context.stopped();
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => return Ok(()),
                () = tip.changed() => {
                    self.connect(&mut peers)?;
                    if self.shared.committees.epoch() > active.epoch {
                        // The engine before is stopped first: a node votes in one epoch at a time.
                        let left = active.epoch;
                        drop(active);
                        active = self.enter(&mut muxes).await?;
                        self.forget(left).await;
                        ahead.retain(|_, epoch| *epoch > active.epoch);
                        self.ask(active.epoch, ahead.keys().cloned().collect());
                    }
                }
                changed = self.directory.changed() => {
                    // Without a handle nobody changes it any more, and the chain is about to stop.
                    changed.map_err(|_| Halt::Closed)?;
                    self.connect(&mut peers)?;
                }
                _ = &mut active.engine => return Err(Halt::Engine(active.epoch)),
                early = muxes.early_votes.recv() => self.hear(&active, &mut ahead, early.ok_or(Halt::Closed)?),
                early = muxes.early_certificates.recv() => {
                    self.hear(&active, &mut ahead, early.ok_or(Halt::Closed)?);
                }
            }
        }
    }

    fn muxes<S, R>(&self, [votes, certificates, resolver]: Lanes<S, R>) -> Muxes<S>
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let (mux, votes, early_votes) =
            Muxer::builder(self.context.child("vote_mux"), votes.0, votes.1).with_backup().build();
        mux.start();
        let (mux, certificates, early_certificates) =
            Muxer::builder(self.context.child("certificate_mux"), certificates.0, certificates.1)
                .with_backup()
                .build();
        mux.start();
        let (mux, resolver) = Muxer::new(self.context.child("resolver_mux"), resolver.0, resolver.1);
        mux.start();
        Muxes { votes, certificates, resolver, early_votes, early_certificates }
    }

    /// The engine of the newest epoch whose committee is known.
    async fn enter<S: Sender<PublicKey = PublicKey>>(&self, muxes: &mut Muxes<S>) -> Result<Active, Halt> {
        let committees = &self.shared.committees;
        let epoch = committees.epoch();
        let scheme = committees.scheme(epoch).expect("the newest epoch's committee is known");
        let config = consensus(
            Scheme::clone(&scheme),
            self.blocker.clone(),
            self.application.clone(),
            types::Epoch::new(epoch.0),
            partition(epoch),
            self.root(epoch)?,
            self.cache.clone(),
        );
        let engine = simplex::Engine::new(self.context.child("consensus"), config);
        let votes = muxes.votes.register(epoch.0).await.map_err(|_| Halt::Closed)?;
        let certificates = muxes.certificates.register(epoch.0).await.map_err(|_| Halt::Closed)?;
        let resolver = muxes.resolver.register(epoch.0).await.map_err(|_| Halt::Closed)?;
        info!(epoch = epoch.0, votes = committees.index().is_some(), "epoch entered");
        Ok(Active { epoch, engine: engine.start(votes, certificates, resolver) })
    }

    /// What the epoch is built on.
    fn root(&self, epoch: Epoch) -> Result<sha256::Digest, Halt> {
        let Some(before) = epoch.0.checked_sub(1) else { return Ok(self.genesis) };
        let last = self.shared.committees.epochs().last(Epoch(before));
        match self.shared.store.block(last) {
            Ok(Some(row)) => Ok(engine_digest(&row.header.digest())),
            _ => Err(Halt::Root),
        }
    }

    /// Removes the journal of an epoch that has ended: what it says was voted on is final or void.
    async fn forget(&self, epoch: Epoch) {
        if let Err(error) = self.context.remove(&partition(epoch), None).await {
            debug!(epoch = epoch.0, %error, "no journal to remove");
        }
    }

    fn hear(&self, active: &Active, ahead: &mut BTreeMap<PublicKey, Epoch>, (epoch, (from, _)): Early) {
        let epoch = Epoch(epoch);
        if epoch > active.epoch {
            self.ask(active.epoch, vec![from.clone()]);
            ahead.insert(from, epoch);
        }
    }

    /// Asks for the certificate of an epoch's last block.
    fn ask(&self, epoch: Epoch, of: Vec<PublicKey>) {
        if let Ok(of) = NonEmptyVec::try_from(of) {
            let last = self.shared.committees.epochs().last(epoch);
            self.marshal.hint_finalized(types::Height::new(last.0), of);
        }
    }

    /// Tells the network whom to connect to, if that has changed.
    fn connect(&mut self, present: &mut Peers) -> Result<(), Halt> {
        let wanted = self.wanted();
        if *present == wanted && present.revision > 0 {
            return Ok(());
        }
        let needed = wanted.voters.len() + wanted.others.len() + 1;
        if needed > self.capacity {
            return Err(Halt::Capacity { needed, capacity: self.capacity });
        }
        for validator in &wanted.missing {
            warn!(validator = %Digest(*validator), "no address in the settings for a member of the committee");
        }
        let revision = present.revision + 1;
        let (voters, others) = (map(&wanted.voters), map(&wanted.others));
        self.peers.track(revision, AddressableTrackedPeers::new(voters, others));
        *present = Peers { revision, ..wanted };
        Ok(())
    }

    /// Rule B-64.
    fn wanted(&self) -> Peers {
        let directory = self.directory.borrow();
        let known: BTreeMap<ValidatorKey, (PublicKey, Address)> = directory
            .followers
            .iter_pairs()
            .chain(directory.members.iter_pairs())
            .filter_map(|(key, address)| Some((raw(key)?, (key.clone(), address.clone()))))
            .collect();
        let voters = self.shared.voters();
        let missing = voters.iter().filter(|key| !known.contains_key(*key)).copied().collect();
        let of =
            |keys: BTreeSet<ValidatorKey>| keys.iter().filter_map(|key| known.get(key).cloned()).collect();
        let voters: BTreeMap<PublicKey, Address> = of(voters);
        let mut others: BTreeMap<PublicKey, Address> = of(self.shared.leavers());
        others.extend(directory.followers.iter_pairs().map(|(key, address)| (key.clone(), address.clone())));
        others.retain(|key, _| !voters.contains_key(key));
        Peers { revision: 0, voters, others, missing }
    }
}

/// Whom the network was told to connect to, and how often it was told.
#[derive(Default)]
struct Peers {
    revision: u64,
    voters: BTreeMap<PublicKey, Address>,
    others: BTreeMap<PublicKey, Address>,
    /// Members without an address.
    missing: BTreeSet<ValidatorKey>,
}

impl PartialEq for Peers {
    fn eq(&self, other: &Self) -> bool {
        self.voters == other.voters && self.others == other.others && self.missing == other.missing
    }
}

fn map(peers: &BTreeMap<PublicKey, Address>) -> Map<PublicKey, Address> {
    Map::from_iter_dedup(peers.iter().map(|(key, address)| (key.clone(), address.clone())))
}

fn raw(key: &PublicKey) -> Option<ValidatorKey> {
    <ValidatorKey>::try_from(key.as_ref()).ok()
}

/// Where an epoch's votes are kept.
fn partition(epoch: Epoch) -> String {
    format!("consensus-{}", epoch.0)
}
