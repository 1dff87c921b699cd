//! What consensus, gossip, queries and the handle have in common: the view of one node on the chain.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use tokio::sync::{Semaphore, broadcast};
use yilian_crypto::{
    Digest,
    sign::SigningKey,
    ticket::{Class, Period, TicketKey},
};
use yilian_finality::Snapshot;
use yilian_ledger::{
    ChainId, Checked, CommitteeEntry, Entry, Epoch, Genesis, Height, Kind, Name, Parameters, Refusal,
    TicketKeys, Time, ValidatorKey, transition::Counts,
};

use crate::{
    committees::Committees,
    config::PoolLimits,
    handle::ChainError,
    pending::Pending,
    platform::{Platform, millis},
    pool::{NotPooled, Pool, Prospect, Source},
    refusals::Refusals,
    store::{Row, Store, StoreError},
    summary::BlockSummary,
    waiters::Waiters,
    watched::{Watched, Watcher},
    work,
};

/// Certified headers kept for answers that begin while the next block is applied.
const RECENT: usize = 16;
/// Most transactions of own clients at a time that wait at the door for what they need.
const DOUBTS: usize = 256;
/// Buckets proved at a time: each holds the state locked meanwhile, and a block that is to be applied waits for them.
const BUCKETS: usize = 4;
/// Clients' transactions checked at a time: blocks are checked by the same threads, and must not queue behind a crowd.
const CHECKS: usize = 8;
/// When a peer that is not heard from counts as away.
const AWAY: Duration = Duration::from_secs(60);
/// Block summaries a slow subscriber may lag behind.
const SUBSCRIBER_LAG: usize = 256;

/// The newest finalized block.
#[derive(Clone, Debug, Default)]
pub struct Tip {
    pub height: Height,
    pub time: Time,
    pub counts: Counts,
    /// Newest block with a certificate of its own.
    pub snapshot: Option<Snapshot>,
}

/// A node's key and the committees that it knows.
pub struct Seat {
    pub committees: Arc<Committees>,
    pub signer: SigningKey,
}

pub struct Shared {
    pub chain: ChainId,
    pub committees: Arc<Committees>,
    /// What the newest finalized state says about validators.
    committee: RwLock<CommitteeEntry>,
    pub signer: SigningKey,
    pub genesis_entries: BTreeMap<Name, Entry>,
    pub store: Store,
    pool: Mutex<Pool>,
    refusals: Mutex<Refusals>,
    /// Places for waiting at the door.
    pub doubts: Semaphore,
    /// Counts arrivals; proposers wait on it.
    arrivals: Watched<u64>,
    pending: Mutex<Pending>,
    /// Candidates refused on top of this block, which is not final.
    declined: Mutex<(Digest, HashSet<Digest>)>,
    tip: Watched<Tip>,
    recent: Mutex<VecDeque<Snapshot>>,
    parameters: RwLock<Parameters>,
    ticket_keys: RwLock<BTreeMap<(Period, Class), TicketKey>>,
    pub blocks: broadcast::Sender<BlockSummary>,
    pub buckets: Semaphore,
    pub checks: Semaphore,
    waiters: Mutex<Waiters>,
    heard: Mutex<HashMap<[u8; 32], SystemTime>>,
    platform: Arc<dyn Platform>,
}

/// A panicking thread stops the chain anyway; what it held is a cache or a counter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(
        genesis: &Genesis,
        seat: Seat,
        genesis_entries: BTreeMap<Name, Entry>,
        store: Store,
        limits: PoolLimits,
        platform: Arc<dyn Platform>,
    ) -> Result<Self, StoreError> {
        let Seat { committees, signer } = seat;
        let shared = Self {
            chain: genesis.chain_id(),
            committees,
            committee: RwLock::default(),
            signer,
            genesis_entries,
            store,
            pool: Mutex::new(Pool::new(limits)),
            refusals: Mutex::default(),
            doubts: Semaphore::new(DOUBTS),
            arrivals: Watched::new(0),
            pending: Mutex::default(),
            declined: Mutex::default(),
            tip: Watched::new(Tip { time: Time(genesis.time), ..Tip::default() }),
            recent: Mutex::default(),
            parameters: RwLock::new(genesis.parameters.clone()),
            ticket_keys: RwLock::default(),
            blocks: broadcast::Sender::new(SUBSCRIBER_LAG),
            buckets: Semaphore::new(BUCKETS),
            checks: Semaphore::new(CHECKS),
            waiters: Mutex::default(),
            heard: Mutex::default(),
            platform,
        };
        for (name, entry) in shared.genesis_entries.iter().map(|(n, e)| (*n, e.clone())) {
            shared.learn(&name, &entry);
        }
        for (name, entry) in shared.store.pinned()? {
            shared.learn(&name, &entry);
        }
        for row in shared.store.blocks(None, RECENT)?.iter().rev() {
            shared.advance(row);
        }
        Ok(shared)
    }

    /// Wall clock, for what no other node depends on.
    fn now_ms(&self) -> u64 {
        millis(self.platform.now())
    }

    /// Does `work` where this node does such work; see [`work::compute`].
    pub fn compute<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
        &self,
        work: W,
    ) -> impl Future<Output = Option<T>> + Send + 'static + use<T, W> {
        work::compute(&*self.platform, work)
    }

    pub fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.pool)
    }

    /// Pools a transaction and tells proposers. `Ok(false)`: stands in the pool already.
    pub fn take_in(&self, checked: Checked, source: Source, prospect: Prospect) -> Result<bool, NotPooled> {
        let digest = checked.digest();
        let is_new = self.pool().insert(checked, source, prospect, self.now_ms())?;
        if is_new {
            lock(&self.refusals).forget(&digest);
            self.arrivals.modify(|n| *n = n.wrapping_add(1));
        }
        Ok(is_new)
    }

    /// Why a transaction was dropped from the pool.
    pub fn refusal(&self, digest: &Digest) -> Option<Refusal> {
        lock(&self.refusals).get(digest, self.now_ms())
    }

    pub fn pending(&self) -> MutexGuard<'_, Pending> {
        lock(&self.pending)
    }

    pub fn arrivals(&self) -> Watcher<u64> {
        self.arrivals.watch()
    }

    pub fn tip(&self) -> Watcher<Tip> {
        self.tip.watch()
    }

    pub fn parameters(&self) -> Parameters {
        self.parameters.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn committee(&self) -> CommitteeEntry {
        self.committee.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keys that validate now or from the next change on.
    pub fn voters(&self) -> BTreeSet<ValidatorKey> {
        let (_, present) = self.committees.newest();
        let next = self.committee().next.map(|change| change.members);
        present.raw().into_iter().chain(next.into_iter().flatten()).collect()
    }

    /// Keys of the committee of the epoch before.
    pub fn leavers(&self) -> BTreeSet<ValidatorKey> {
        let before = self.committees.epoch().0.checked_sub(1);
        let committee = before.and_then(|epoch| self.committees.at(Epoch(epoch)));
        committee.map(|committee| committee.raw()).into_iter().flatten().collect()
    }

    pub fn ticket_keys(&self) -> Vec<(Class, Period, TicketKey)> {
        let keys = self.ticket_keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|((period, class), key)| (*class, *period, key.clone())).collect()
    }

    /// The certified header of a state, if it is one of the newest.
    pub fn certified(&self, state_root: &Digest) -> Option<Snapshot> {
        lock(&self.recent).iter().rev().find(|s| s.header.state_root == *state_root).cloned()
    }

    /// An entry the state commits to, whether its block is final or not.
    pub fn entry(&self, name: &Name, digest: &Digest) -> Result<Option<Entry>, StoreError> {
        if let Some(entry) = self.pending().entry(name, digest) {
            return Ok(Some(entry));
        }
        self.store.entry(name, digest)
    }

    /// Remembers parameters, committee and ticket keys of the newest finalized state.
    pub fn learn(&self, name: &Name, entry: &Entry) {
        match entry {
            Entry::Parameters(parameters) => {
                *self.parameters.write().unwrap_or_else(PoisonError::into_inner) = parameters.clone();
            }
            Entry::Committee(committee) => {
                *self.committee.write().unwrap_or_else(PoisonError::into_inner) = committee.clone();
            }
            Entry::TicketKey(key) => {
                if let Some(slot) = ticket_slot(name) {
                    let mut keys = self.ticket_keys.write().unwrap_or_else(PoisonError::into_inner);
                    keys.insert(slot, key.clone());
                }
            }
            _ => {}
        }
    }

    /// Moves on to a finalized block.
    pub fn advance(&self, row: &Row) {
        let snapshot = row.snapshot();
        if let Some(snapshot) = snapshot.clone() {
            let mut recent = lock(&self.recent);
            recent.push_back(snapshot);
            while recent.len() > RECENT {
                recent.pop_front();
            }
        }
        self.tip.modify(|tip| {
            tip.height = row.header.height;
            tip.time = row.header.time;
            tip.counts = row.header.counts;
            tip.snapshot = snapshot.or(tip.snapshot.take());
        });
    }

    /// Whoever waits for a transaction.
    pub fn waiters(&self) -> MutexGuard<'_, Waiters> {
        lock(&self.waiters)
    }

    /// What a block on top of `parent` may hold: neither in an ancestor that is not final nor refused there.
    pub fn candidates(&self, parent: &Digest) -> Vec<Checked> {
        let mut except = self.pending().transactions_up_to(parent);
        {
            let declined = lock(&self.declined);
            if declined.0 == *parent {
                except.extend(&declined.1);
            }
        }
        self.pool().candidates(&except)
    }

    /// Keeps a refused candidate out of blocks on top of `parent`.
    pub fn decline(&self, parent: Digest, digest: Digest) {
        let mut declined = lock(&self.declined);
        if declined.0 != parent {
            *declined = (parent, HashSet::new());
        }
        declined.1.insert(digest);
    }

    /// Once `parent` is final, what it refused can be refused for good: looks at it again.
    pub fn reconsider(&self, parent: &Digest) {
        if self.pending().block(parent).is_some() {
            return;
        }
        let mut declined = lock(&self.declined);
        if declined.0 == *parent {
            declined.1.clear();
        }
    }

    /// Drops a transaction from the pool for good, and remembers why.
    pub fn drop_pooled(&self, digest: &Digest, refusal: Refusal) {
        if self.pool().remove(digest) {
            lock(&self.refusals).remember(*digest, refusal, self.now_ms());
            self.waiters().settle(digest, Err(ChainError::Refused(refusal)));
        }
    }

    pub fn hear(&self, peer: [u8; 32]) {
        lock(&self.heard).insert(peer, self.platform.now());
    }

    /// Peers heard from within the last minute.
    pub fn peers(&self) -> usize {
        let now = self.platform.now();
        // A clock that was set back makes nobody older.
        let is_recent = |at: &&SystemTime| now.duration_since(**at).unwrap_or_default() < AWAY;
        lock(&self.heard).values().filter(is_recent).count()
    }
}

/// Period and class of a ticket key's name.
fn ticket_slot(name: &Name) -> Option<(Period, Class)> {
    let [kind, class, a, b, c, d, ..] = name.0;
    let class = Class::ALL.into_iter().find(|known| *known as u8 == class)?;
    (kind == Kind::TicketKey as u8).then_some((Period(u32::from_be_bytes([a, b, c, d])), class))
}

impl TicketKeys for Shared {
    fn ticket_key(&self, class: Class, period: Period) -> Option<TicketKey> {
        self.ticket_keys.read().unwrap_or_else(PoisonError::into_inner).get(&(period, class)).cloned()
    }
}
