//! The transaction pool (spec B-20 to B-23): checked transactions that wait for a block, in order of arrival.
//!
//! Bounded in number and bytes, in all and per source, so that no peer can crowd out the others; a transaction stands in
//! it once. Pure: no clock, no lock.

use std::collections::{BTreeMap, HashMap, HashSet};

use yilian_crypto::Digest;
use yilian_ledger::Checked;

use crate::{
    block::{MAX_BYTES, MAX_TRANSACTIONS},
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

/// The limits leave no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pool is full")]
pub struct Full;

#[derive(Debug)]
struct Pooled {
    checked: Checked,
    source: Source,
    arrival: u64,
    /// Chain time at which it was pooled, ms.
    since: u64,
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
    pub fn insert(&mut self, checked: Checked, source: Source, now: u64) -> Result<bool, Full> {
        let digest = checked.digest();
        if self.contains(&digest) {
            return Ok(false);
        }
        let bytes = checked.encoded().len();
        let PoolLimits { count, bytes: limit, share_percent } = self.limits;
        let share = |of: usize| of.saturating_mul(usize::from(share_percent)) / 100;
        let own = self.by_source.entry(source).or_default();
        if self.all.exceeds(bytes, count, limit) || own.exceeds(bytes, share(count), share(limit)) {
            return Err(Full);
        }
        for load in [&mut self.all, own] {
            load.count += 1;
            load.bytes += bytes;
        }
        self.arrivals += 1;
        self.order.insert(self.arrivals, digest);
        self.transactions.insert(digest, Pooled { checked, source, arrival: self.arrivals, since: now });
        Ok(true)
    }

    pub fn remove(&mut self, digest: &Digest) -> bool {
        let Some(pooled) = self.transactions.remove(digest) else { return false };
        self.order.remove(&pooled.arrival);
        let bytes = pooled.checked.encoded().len();
        let own = self.by_source.entry(pooled.source).or_default();
        for load in [&mut self.all, own] {
            load.count -= 1;
            load.bytes -= bytes;
        }
        if own.count == 0 {
            self.by_source.remove(&pooled.source);
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

    /// This node's own clients' transactions pooled before `before`, for repeating them to the peers.
    pub fn own_since(&self, before: u64) -> Vec<Checked> {
        let own = |p: &&Pooled| p.source == Source::Own && p.since <= before;
        self.transactions.values().filter(own).map(|p| p.checked.clone()).collect()
    }

    /// Drops what was pooled before `before`.
    pub fn expire(&mut self, before: u64) -> Vec<Digest> {
        let old: Vec<Digest> =
            self.transactions.iter().filter(|(_, p)| p.since < before).map(|(digest, _)| *digest).collect();
        for digest in &old {
            self.remove(digest);
        }
        old
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
        assert_eq!(pool.insert(b.clone(), Source::Own, 0), Ok(true));
        assert_eq!(pool.insert(a.clone(), Source::Peer([1; 32]), 0), Ok(true));
        assert_eq!(pool.insert(b.clone(), Source::Peer([1; 32]), 0), Ok(false));
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
        assert_eq!(pool.insert(transactions.next().unwrap(), peer, 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), peer, 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), peer, 0), Err(Full));
        assert_eq!(pool.insert(transactions.next().unwrap(), Source::Own, 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), Source::Peer([2; 32]), 0), Ok(true));
        assert_eq!(pool.insert(transactions.next().unwrap(), Source::Peer([3; 32]), 0), Err(Full));
        assert_eq!(pool.len(), 4);
    }

    #[test]
    fn is_bounded_in_bytes_and_room_comes_back() {
        let [a, b] = some(2).try_into().unwrap();
        let bytes = a.encoded().len();
        let mut pool = Pool::new(PoolLimits { count: 100, bytes, share_percent: 100 });
        assert_eq!(pool.insert(a.clone(), Source::Own, 0), Ok(true));
        assert_eq!(pool.insert(b.clone(), Source::Own, 0), Err(Full));
        assert!(pool.remove(&a.digest()));
        assert!(!pool.remove(&a.digest()));
        assert_eq!(pool.insert(b, Source::Own, 0), Ok(true));
    }

    #[test]
    fn forgets_what_waited_too_long() {
        let [a, b] = some(2).try_into().unwrap();
        let mut pool = Pool::new(LIMITS);
        pool.insert(a.clone(), Source::Own, 10).unwrap();
        pool.insert(b, Source::Own, 20).unwrap();
        assert_eq!(pool.own_since(10).len(), 1);
        assert_eq!(pool.expire(20), [a.digest()]);
        assert_eq!(pool.len(), 1);
    }
}
