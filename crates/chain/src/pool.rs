//! The transaction pool (spec B-20 to B-23, B-27): checked transactions that wait for a block, in order of arrival.
//!
//! Bounded in number and bytes, in all and per source, so that no peer can crowd out the others; a transaction stands in
//! it once, and a ticket in one transaction only. What costs nothing and cannot be in a block over the newest final state
//! gets a small share of its own. Pure: no clock, no lock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use yilian_crypto::Digest;
use yilian_ledger::{Checked, Height, Kind, Name};

use crate::{
    block::{MAX_BYTES, MAX_TRANSACTIONS},
    claims::{claims, writes},
    config::PoolLimits,
};

/// Who a transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A client of this node.
    Own,
    /// Another validator, by its raw key.
    Peer([u8; 32]),
}

/// How a transaction stands over the newest final state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It pays, or it would be applied.
    Good,
    /// It pays nothing and could not be in a block yet: what it needs may be on its way, or never come.
    Doubtful,
}

/// Part of the limits that doubtful transactions of one source may take.
const DOUBTFUL_PART: usize = 16;

/// Why a transaction is not pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPooled {
    #[error("the pool is full")]
    Full,
    #[error("another transaction in the pool is paid with the same ticket")]
    Ticket,
    #[error("another withdrawal of the same grant is in the pool")]
    Withdrawal,
}

#[derive(Debug)]
struct Pooled {
    checked: Checked,
    source: Source,
    prospect: Prospect,
    arrival: u64,
    /// When it was pooled, ms.
    since: u64,
    /// Of the newest final state over which it was tried again and did.
    passed: Option<Height>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    count: usize,
    bytes: usize,
}

impl Load {
    fn exceeds(&self, more: usize, count: usize, bytes: usize) -> bool {
        self.count + 1 > count || self.bytes + more > bytes
    }
}

#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    transactions: HashMap<Digest, Pooled>,
    order: BTreeMap<u64, Digest>,
    arrivals: u64,
    all: Load,
    by_source: HashMap<Source, Load>,
    doubtful: HashMap<Source, Load>,
    /// By name, the arrivals of what writes it.
    written: HashMap<Name, BTreeSet<u64>>,
    /// Of what peers sent, together.
    peers: Load,
    /// What only one transaction here may use.
    claimed: HashSet<Name>,
}

impl Pool {
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            transactions: HashMap::new(),
            order: BTreeMap::new(),
            arrivals: 0,
            all: Load::default(),
            by_source: HashMap::new(),
            doubtful: HashMap::new(),
            written: HashMap::new(),
            peers: Load::default(),
            claimed: HashSet::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    pub fn contains(&self, digest: &Digest) -> bool {
        self.transactions.contains_key(digest)
    }

    pub fn get(&self, digest: &Digest) -> Option<&Checked> {
        self.transactions.get(digest).map(|p| &p.checked)
    }

    /// `Ok(false)`: stands in the pool already.
    pub fn insert(
        &mut self,
        checked: Checked,
        source: Source,
        prospect: Prospect,
        now: u64,
    ) -> Result<bool, NotPooled> {
        let digest = checked.digest();
        if self.contains(&digest) {
            return Ok(false);
        }
        // One ticket, or one grant, would otherwise buy room for any number of transactions.
        if let Some(claim) = claims(&checked).find(|claim| self.claimed.contains(claim)) {
            let is_ticket = claim.kind() == Some(Kind::SpentTicket);
            return Err(if is_ticket { NotPooled::Ticket } else { NotPooled::Withdrawal });
        }
        let bytes = checked.encoded().len();
        if !self.has_room(bytes, source, prospect) {
            return Err(NotPooled::Full);
        }
        for load in self.loads(source, prospect) {
            load.count += 1;
            load.bytes += bytes;
        }
        self.claimed.extend(claims(&checked));
        self.arrivals += 1;
        for name in writes(&checked) {
            self.written.entry(name).or_default().insert(self.arrivals);
        }
        self.order.insert(self.arrivals, digest);
        let pooled = Pooled { checked, source, prospect, arrival: self.arrivals, since: now, passed: None };
        self.transactions.insert(digest, pooled);
        Ok(true)
    }

    fn has_room(&self, more: usize, source: Source, prospect: Prospect) -> bool {
        let PoolLimits { count, bytes, share_percent } = self.limits;
        let share = |of: usize| of.saturating_mul(usize::from(share_percent)) / 100;
        let of = |loads: &HashMap<Source, Load>| loads.get(&source).copied().unwrap_or_default();
        let doubtful = prospect == Prospect::Doubtful
            && of(&self.doubtful).exceeds(more, count / DOUBTFUL_PART, bytes / DOUBTFUL_PART);
        // However many peers conspire, the share of this node's clients stays free for them.
        let rest = |of: usize| of - share(of).min(of - share(of).min(of));
        let crowded = source != Source::Own && self.peers.exceeds(more, rest(count), rest(bytes));
        !doubtful
            && !crowded
            && !self.all.exceeds(more, count, bytes)
            && !of(&self.by_source).exceeds(more, share(count), share(bytes))
    }

    /// What a transaction counts for.
    fn loads(&mut self, source: Source, prospect: Prospect) -> impl Iterator<Item = &mut Load> {
        let doubtful = (prospect == Prospect::Doubtful).then(|| self.doubtful.entry(source).or_default());
        let peers = (source != Source::Own).then_some(&mut self.peers);
        let these = [&mut self.all, self.by_source.entry(source).or_default()];
        these.into_iter().chain(peers).chain(doubtful)
    }

    pub fn remove(&mut self, digest: &Digest) -> bool {
        let Some(pooled) = self.transactions.remove(digest) else { return false };
        self.order.remove(&pooled.arrival);
        for name in writes(&pooled.checked) {
            if let Some(arrivals) = self.written.get_mut(&name) {
                arrivals.remove(&pooled.arrival);
                if arrivals.is_empty() {
                    self.written.remove(&name);
                }
            }
        }
        for claim in claims(&pooled.checked) {
            self.claimed.remove(&claim);
        }
        let bytes = pooled.checked.encoded().len();
        for load in self.loads(pooled.source, pooled.prospect) {
            load.count -= 1;
            load.bytes -= bytes;
        }
        for loads in [&mut self.by_source, &mut self.doubtful] {
            loads.retain(|source, load| *source != pooled.source || load.count > 0);
        }
        true
    }

    /// What a block may hold, oldest first, without those in `except`.
    pub fn candidates(&self, except: &HashSet<Digest>) -> Vec<Checked> {
        let mut bytes = 0;
        let fits = |checked: &&Checked| {
            bytes += checked.encoded().len();
            bytes <= MAX_BYTES
        };
        self.order
            .values()
            .filter(|digest| !except.contains(digest))
            .filter_map(|digest| self.get(digest))
            .take(MAX_TRANSACTIONS)
            .take_while(fits)
            .cloned()
            .collect()
    }

    /// This node's own clients' transactions pooled before `before`, oldest first, for repeating them to the peers.
    pub fn own_since(&self, before: u64) -> Vec<Checked> {
        let own = |p: &&Pooled| p.source == Source::Own && p.since <= before;
        self.in_order().filter(own).map(|p| p.checked.clone()).collect()
    }

    /// Oldest first.
    fn in_order(&self) -> impl Iterator<Item = &Pooled> {
        self.order.values().filter_map(|digest| self.transactions.get(digest))
    }

    /// What pays nothing, was pooled up to `before` and not tried over the state of `height`, oldest first.
    pub fn free_since(&self, before: u64, height: Height, limit: usize) -> Vec<Checked> {
        let is_due = |p: &&Pooled| {
            p.since <= before && p.passed != Some(height) && p.checked.transaction().body.payment().is_none()
        };
        self.in_order().filter(is_due).take(limit).map(|p| p.checked.clone()).collect()
    }

    /// It would be applied over the state of `height`.
    pub fn passed(&mut self, digest: &Digest, height: Height) {
        if let Some(pooled) = self.transactions.get_mut(digest) {
            pooled.passed = Some(height);
        }
    }

    /// Whether anything else that stands here writes one of `names`. Doubtful ones do not vouch for those before them, or
    /// two of them would keep each other.
    pub fn brings(&self, names: &BTreeSet<Name>, whose: &Digest) -> bool {
        let own = self.transactions.get(whose).map_or(u64::MAX, |p| p.arrival);
        let is_good = |arrival: &u64| {
            let pooled = self.order.get(arrival).and_then(|digest| self.transactions.get(digest));
            pooled.is_some_and(|p| p.prospect == Prospect::Good || p.passed.is_some())
        };
        let vouches = |arrival: &u64| *arrival != own && (*arrival < own || is_good(arrival));
        names.iter().filter_map(|name| self.written.get(name)).flatten().any(vouches)
    }

    /// What is paid with the ticket that is spent under `name`.
    pub fn paid_with(&self, name: &Name) -> Option<Digest> {
        let arrival = self.written.get(name)?.first()?;
        self.order.get(arrival).copied()
    }

    /// Drops what was pooled before `before`.
    pub fn expire(&mut self, before: u64) -> Vec<Digest> {
        let old: Vec<Digest> =
            self.in_order().filter(|p| p.since < before).map(|p| p.checked.digest()).collect();
        for digest in &old {
            self.remove(digest);
        }
        old
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use yilian_ledger::{name::Bid, transaction::Withdraw};
    use yilian_testkit::ledger::{Chain as _, World};

    use super::*;

    fn some(count: usize) -> Vec<Checked> {
        let mut world = World::new(3);
        let mut make = || {
            let (owner, ticket) = (world.key(), world.ticket());
            let transaction = world.create(&owner, &[ticket]);
            world.check(&transaction).unwrap()
        };
        (0..count).map(|_| make()).collect()
    }

    const LIMITS: PoolLimits = PoolLimits { count: 4, bytes: 1 << 20, share_percent: 50 };

    #[test]
    fn keeps_arrival_order_and_each_once() {
        let [a, b] = some(2).try_into().unwrap();
        let mut pool = Pool::new(LIMITS);
        assert_eq!(pool.insert(b.clone(), Source::Own, Prospect::Good, 0), Ok(true));
        assert_eq!(pool.insert(a.clone(), Source::Peer([1; 32]), Prospect::Good, 0), Ok(true));
        assert_eq!(pool.insert(b.clone(), Source::Peer([1; 32]), Prospect::Good, 0), Ok(false));
        let order: Vec<_> = pool.candidates(&HashSet::new()).iter().map(Checked::digest).collect();
        assert_eq!(order, [b.digest(), a.digest()]);
        let rest: Vec<_> = pool.candidates(&[b.digest()].into()).iter().map(Checked::digest).collect();
        assert_eq!(rest, [a.digest()]);
    }

    #[test]
    fn one_source_cannot_crowd_out_the_others() {
        let mut transactions = some(6).into_iter();
        let mut pool = Pool::new(LIMITS);
        let peer = Source::Peer([1; 32]);
        assert_eq!(pool.insert(transactions.next().unwrap(), peer, Prospect::Good, 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), peer, Prospect::Good, 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), peer, Prospect::Good, 0), Err(NotPooled::Full));
        // Another does not help it.
        let accomplice = Source::Peer([2; 32]);
        let more = transactions.next().unwrap();
        assert_eq!(pool.insert(more, accomplice, Prospect::Good, 0), Err(NotPooled::Full));
        assert_eq!(pool.insert(transactions.next().unwrap(), Source::Own, Prospect::Good, 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), Source::Own, Prospect::Good, 0), Ok(true));
        assert_eq!(pool.len(), 4);
    }

    #[test]
    fn own_clients_leave_room_for_peers_and_room_comes_back() {
        let mut transactions = some(4).into_iter();
        let mut pool = Pool::new(LIMITS);
        let mut insert = |pool: &mut Pool, source| {
            let checked = transactions.next().unwrap();
            (checked.digest(), pool.insert(checked, source, Prospect::Good, 0))
        };
        let (first, inserted) = insert(&mut pool, Source::Peer([1; 32]));
        assert_eq!(inserted, Ok(true));
        assert_eq!(insert(&mut pool, Source::Peer([2; 32])).1, Ok(true));
        assert_eq!(insert(&mut pool, Source::Peer([3; 32])).1, Err(NotPooled::Full));
        assert!(pool.remove(&first));
        assert_eq!(insert(&mut pool, Source::Peer([3; 32])).1, Ok(true));
    }

    #[test]
    fn one_grant_is_withdrawn_by_one_transaction() {
        let mut world = World::new(4);
        let withdrawal = world.key();
        let withdraw = Withdraw::sign(world.chain, &withdrawal);
        let checked = world.check(&withdraw).unwrap();
        let mut pool = Pool::new(ROOM);
        // As if the same key had signed its withdrawal another way.
        pool.claimed.insert(Bid::of(&withdrawal.verifying_key()).name());
        assert_eq!(insert(&mut pool, &checked, Prospect::Good), Err(NotPooled::Withdrawal));
        pool.claimed.clear();
        assert_eq!(insert(&mut pool, &checked, Prospect::Good), Ok(true));
        assert_eq!(pool.claimed.len(), 1);
        assert!(pool.remove(&checked.digest()));
        assert!(pool.claimed.is_empty());
    }

    #[test]
    fn is_bounded_in_bytes_and_room_comes_back() {
        let [a, b] = some(2).try_into().unwrap();
        let bytes = a.encoded().len();
        let mut pool = Pool::new(PoolLimits { count: 100, bytes, share_percent: 100 });
        assert_eq!(pool.insert(a.clone(), Source::Own, Prospect::Good, 0), Ok(true));
        assert_eq!(pool.insert(b.clone(), Source::Own, Prospect::Good, 0), Err(NotPooled::Full));
        assert!(pool.remove(&a.digest()));
        assert!(!pool.remove(&a.digest()));
        assert_eq!(pool.insert(b, Source::Own, Prospect::Good, 0), Ok(true));
    }

    #[test]
    fn forgets_what_waited_too_long() {
        let [a, b] = some(2).try_into().unwrap();
        let mut pool = Pool::new(LIMITS);
        pool.insert(a.clone(), Source::Own, Prospect::Good, 10).unwrap();
        pool.insert(b, Source::Own, Prospect::Good, 20).unwrap();
        assert_eq!(pool.own_since(10).len(), 1);
        assert_eq!(pool.expire(20), [a.digest()]);
        assert_eq!(pool.len(), 1);
    }

    const ROOM: PoolLimits = PoolLimits { count: 64, bytes: 1 << 20, share_percent: 50 };

    fn insert(pool: &mut Pool, checked: &Checked, prospect: Prospect) -> Result<bool, NotPooled> {
        pool.insert(checked.clone(), Source::Own, prospect, 0)
    }

    #[test]
    fn one_ticket_buys_room_for_one_transaction() {
        let mut world = World::new(1);
        let (mut pool, ticket) = (Pool::new(ROOM), world.ticket());
        let mut create = |tickets: &[_]| {
            let owner = world.key();
            let transaction = world.create(&owner, tickets);
            world.check(&transaction).unwrap()
        };
        let (first, second) = (create(std::slice::from_ref(&ticket)), create(&[ticket]));
        assert_eq!(insert(&mut pool, &first, Prospect::Good), Ok(true));
        assert_eq!(insert(&mut pool, &first, Prospect::Good), Ok(false));
        assert_eq!(insert(&mut pool, &second, Prospect::Good), Err(NotPooled::Ticket));
        assert!(pool.remove(&first.digest()));
        assert_eq!(insert(&mut pool, &second, Prospect::Good), Ok(true));
    }

    #[test]
    fn what_another_transaction_brings_is_known_and_two_doubtful_ones_do_not_keep_each_other() {
        let mut world = World::new(4);
        let (owner, withdrawal, ticket) = (world.key(), world.key(), world.ticket());
        let grant = world.grant(&owner, &withdrawal, &[ticket]);
        let withdraw = Withdraw::sign(world.chain, &withdrawal);
        let [grant, withdraw] = [grant, withdraw].map(|t| world.check(&t).unwrap());
        let bid: BTreeSet<Name> = writes(&withdraw).into_iter().collect();
        let mut pool = Pool::new(ROOM);
        assert!(!pool.brings(&bid, &withdraw.digest()));
        insert(&mut pool, &withdraw, Prospect::Doubtful).unwrap();
        assert!(!pool.brings(&bid, &withdraw.digest()));
        insert(&mut pool, &grant, Prospect::Good).unwrap();
        assert!(pool.brings(&bid, &withdraw.digest()));
        pool.remove(&grant.digest());
        assert!(!pool.brings(&bid, &withdraw.digest()));
        insert(&mut pool, &grant, Prospect::Doubtful).unwrap();
        assert!(!pool.brings(&bid, &withdraw.digest()));
        assert!(pool.brings(&bid, &grant.digest()));
    }

    #[test]
    fn what_pays_nothing_is_reviewed_once_for_every_state() {
        let mut world = World::new(5);
        let (owner, withdrawal, ticket) = (world.key(), world.key(), world.ticket());
        let spent = Name::spent_ticket(&ticket.ticket.spent_id());
        let create = world.create(&owner, &[ticket]);
        let withdraw = Withdraw::sign(world.chain, &withdrawal);
        let [create, withdraw] = [create, withdraw].map(|t| world.check(&t).unwrap());
        let mut pool = Pool::new(ROOM);
        assert_eq!(pool.paid_with(&spent), None);
        pool.insert(create.clone(), Source::Own, Prospect::Good, 1).unwrap();
        pool.insert(withdraw.clone(), Source::Own, Prospect::Doubtful, 2).unwrap();
        assert_eq!(pool.paid_with(&spent), Some(create.digest()));
        let due = |pool: &Pool, before, height| {
            let waiting = pool.free_since(before, Height(height), 10);
            waiting.iter().map(Checked::digest).collect::<Vec<_>>()
        };
        assert_eq!(due(&pool, 1, 7), []);
        assert_eq!(due(&pool, 2, 7), [withdraw.digest()]);
        pool.passed(&withdraw.digest(), Height(7));
        assert_eq!(due(&pool, 2, 7), []);
        assert_eq!(due(&pool, 2, 8), [withdraw.digest()]);
    }

    #[test]
    fn free_transactions_that_nothing_is_known_of_crowd_nobody_out() {
        let mut world = World::new(2);
        let mut pool = Pool::new(ROOM);
        let mut withdraw = || {
            let transaction = Withdraw::sign(world.chain, &world.key());
            world.check(&transaction).unwrap()
        };
        let junk: Vec<Checked> = (0..5).map(|_| withdraw()).collect();
        let (last, room) = junk.split_last().unwrap();
        for checked in room {
            assert_eq!(insert(&mut pool, checked, Prospect::Doubtful), Ok(true));
        }
        assert_eq!(insert(&mut pool, last, Prospect::Doubtful), Err(NotPooled::Full));
        assert_eq!(pool.insert(last.clone(), Source::Peer([1; 32]), Prospect::Doubtful, 0), Ok(true));
        assert_eq!(insert(&mut pool, &withdraw(), Prospect::Good), Ok(true));
        assert!(pool.remove(&junk[0].digest()));
        assert_eq!(insert(&mut pool, &withdraw(), Prospect::Doubtful), Ok(true));
    }
}
