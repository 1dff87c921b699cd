//! Copies of content at several nodes (spec CC-*): who is to hold what, telling and fetching, healing, looking up.
//!
//! What a node is to hold follows from two things every node can check: the committee's keys (`placement`) and the origins'
//! signed words on what was paid for (`word`). Both are read from the other nodes again and again (`follow`), what is
//! missing is fetched block by block and verified (`pull`), what lies on disk is read through slowly (`scrub`). A node that
//! lost all of it starts from nothing and hears of everything again. Traffic is paced, requests are signed by the nodes'
//! keys (`link`, `guard`), and no request carries anything of a client.

mod follow;
mod guard;
mod link;
mod lookup;
mod pace;
mod peers;
pub mod placement;
mod pull;
mod scrub;
mod settings;
pub mod status;
pub mod word;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use yilian_api::{
    link::LinkAuth,
    signing::{Audience, LinkVerb},
};
use yilian_content::{Store, StoreError};
use yilian_crypto::sign::SigningKey;
use yilian_dag::Cid;

use self::{
    guard::Guard, link::Link, lookup::Lookups, pace::Pace, peers::Peer, pull::Attempts, scrub::ScrubState,
};
pub use self::{
    guard::{Asker, LinkRefusal},
    lookup::TooMany,
    peers::Remark,
    placement::{NodeKey, Placement},
    settings::CopySettings,
};
use crate::{app::now_ms, http::error::ApiError};

/// Blocks read for other nodes at a time.
const SERVED: usize = 16;
/// Errors kept for the operator.
const REMARKS: usize = 16;

/// The committee of now.
pub type Committee = Arc<dyn Fn() -> Vec<NodeKey> + Send + Sync>;

/// What it takes to take part.
pub struct Participant {
    pub audience: Audience,
    pub signer: SigningKey,
    /// Other nodes and the base addresses of their HTTP interfaces.
    pub peers: Vec<(NodeKey, String)>,
    pub committee: Committee,
    /// Certificates (DER) below which other nodes' TLS certificates stand.
    pub roots: Vec<Vec<u8>>,
    pub settings: CopySettings,
}

#[derive(Debug, thiserror::Error)]
pub enum CopiesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot set up TLS to other nodes: {0}")]
    Tls(String),
    #[error("cannot set up the client for other nodes: {0}")]
    Client(#[from] reqwest::Error),
    #[error("no randomness")]
    Randomness,
}

/// This node's part in keeping copies.
pub struct Copies {
    store: Arc<Store>,
    audience: Audience,
    link: Link,
    peers: Vec<Peer>,
    committee: Committee,
    settings: CopySettings,
    guard: Guard,
    /// Names this store's journal.
    journal: [u8; 16],
    serving: Semaphore,
    pace: Pace,
    attempts: Attempts,
    /// Objects under way: leaves here, leaves in all.
    healing: Mutex<BTreeMap<[u8; 33], (u64, u64)>>,
    healed: Mutex<Healed>,
    lookups: Lookups,
    scrub: ScrubState,
    remarks: Mutex<VecDeque<Remark>>,
    /// By peer: not asked for holds before, since its share is used up. Unix ms.
    resting: Mutex<HashMap<NodeKey, u64>>,
    /// Something may be wanted.
    wake: Notify,
}

/// Since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Healed {
    pub objects: u64,
    pub bytes: u64,
}

impl Copies {
    /// Blocks: reads the store's index.
    pub fn open(store: Arc<Store>, participant: Participant) -> Result<Arc<Self>, CopiesError> {
        let Participant { audience, signer, peers, committee, roots, settings } = participant;
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(|_| CopiesError::Randomness)?;
        let journal = store.journal(fresh)?;
        let peers = peers.iter().filter(|(key, _)| *key != audience.node);
        Ok(Arc::new(Self {
            link: Link::new(audience.chain, signer, Link::client(&roots)?),
            peers: peers.map(|(key, url)| Peer::new(*key, url)).collect(),
            guard: Guard::new(now_ms()),
            serving: Semaphore::new(SERVED),
            pace: Pace::new(settings.bytes_per_second),
            lookups: Lookups::new(settings.bytes_per_second),
            scrub: ScrubState::new(settings.scrub_bytes_per_second),
            attempts: Attempts::default(),
            healing: Mutex::default(),
            healed: Mutex::default(),
            remarks: Mutex::default(),
            resting: Mutex::default(),
            wake: Notify::new(),
            store,
            audience,
            committee,
            settings,
            journal,
        }))
    }

    /// Everything that runs beside requests.
    pub fn spawn(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let (follows, heals, scrubs) = (self.clone(), self.clone(), self.clone());
        tasks.spawn(async move { follows.follow().await });
        tasks.spawn(async move { heals.heal().await });
        tasks.spawn(async move { scrubs.scrub().await });
    }

    pub fn placement(&self) -> Placement {
        Placement::new((self.committee)(), self.settings.count)
    }

    fn peer(&self, key: &NodeKey) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.key == *key)
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.poll_seconds.max(1)))
    }

    /// The answering end of `POST /v1/link/blocks`.
    pub(crate) async fn answer_block(
        &self,
        by: &LinkAuth,
        cid: Cid,
    ) -> Result<Result<Option<Bytes>, StoreError>, ApiError> {
        let asked = (LinkVerb::Block, &cid.to_compact()[..]);
        self.guard.admit(&self.audience, &self.placement(), by, asked, now_ms())?;
        let _turn = self.serving.acquire().await.map_err(ApiError::internal)?;
        Ok(self.ask(move |store| store.block(&cid)).await)
    }

    /// For the operator's eyes.
    fn remark(&self, text: impl Into<String>) {
        let mut remarks = lock(&self.remarks);
        if remarks.len() == REMARKS {
            remarks.pop_front();
        }
        remarks.push_back(Remark::now(text));
    }

    /// Runs a call of the store where it may wait for the disk.
    async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Arc<Store>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.store.clone();
        crate::blocking(move || call(&store)).await
    }
}

/// A lock whose holders cannot leave the data inconsistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
