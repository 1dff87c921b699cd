//! Looking a block up elsewhere for a client (spec CC-8): a patient's own institution serves what lies at another one.
//!
//! The nodes asked learn that this one asks for a CID, and nothing of for whom. Lookups are bounded in number, in the
//! nodes asked and in bytes per second; what nobody had is not asked for again for a while, so that a stranger's made-up
//! addresses cost the network little. Nothing is stored.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::Semaphore;
use yilian_dag::{Cid, Codec, LEAF, Node};

use super::{Copies, lock, pace::Pace};
use crate::app::now_ms;

/// At a time.
const LOOKUPS: usize = 16;
/// For one, whatever the number of nodes asked.
const LIMIT: Duration = Duration::from_secs(20);
/// How long nobody's having a block is believed.
const ABSENT: Duration = Duration::from_secs(10);
/// Absent blocks remembered, and blocks whose giver is remembered.
const REMEMBERED: usize = 1 << 14;
const HINTS: usize = 1 << 16;

/// So much is looked up that this block was not; nothing is said of whether somebody has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is looked up at other nodes; try again later")]
pub struct TooMany;

#[derive(Debug)]
pub struct Lookups {
    permits: Semaphore,
    pace: Pace,
    absent: Mutex<Recent<Instant>>,
    /// Who gave a block's parent: it has the block, too. Addresses inside of an object name no nodes by themselves.
    hints: Mutex<Recent<usize>>,
}

/// The latest entries, the oldest forgotten first.
#[derive(Debug)]
struct Recent<T> {
    most: usize,
    entries: HashMap<[u8; 33], T>,
    order: VecDeque<[u8; 33]>,
}

impl<T: Copy> Recent<T> {
    fn new(most: usize) -> Self {
        Self { most, entries: HashMap::new(), order: VecDeque::new() }
    }

    fn insert(&mut self, cid: &Cid, value: T) {
        let key = cid.to_compact();
        if self.entries.insert(key, value).is_some() {
            return;
        }
        self.order.push_back(key);
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
    }

    fn get(&self, cid: &Cid) -> Option<T> {
        self.entries.get(&cid.to_compact()).copied()
    }
}

impl Lookups {
    pub fn new(bytes_per_second: u64) -> Self {
        Self {
            permits: Semaphore::new(LOOKUPS),
            pace: Pace::new(bytes_per_second),
            absent: Mutex::new(Recent::new(REMEMBERED)),
            hints: Mutex::new(Recent::new(HINTS)),
        }
    }

    fn is_absent(&self, cid: &Cid) -> bool {
        lock(&self.absent).get(cid).is_some_and(|since| since.elapsed() < ABSENT)
    }
}

impl Copies {
    /// A block from another node, its bytes checked. `None`: nobody has it.
    pub async fn lookup(&self, cid: &Cid) -> Result<Option<Bytes>, TooMany> {
        if self.peers.is_empty() || self.lookups.is_absent(cid) {
            return Ok(None);
        }
        let _permit = self.lookups.permits.try_acquire().map_err(|_| TooMany)?;
        tokio::time::timeout(LIMIT, self.look(cid)).await.map_err(|_| TooMany)
    }

    async fn look(&self, cid: &Cid) -> Option<Bytes> {
        let hint = lock(&self.lookups.hints).get(cid);
        let order = self.placement().order(cid);
        let assigned = order.iter().filter_map(|key| self.peers.iter().position(|peer| peer.key == *key));
        let mut asked = Vec::new();
        for at in hint.into_iter().chain(assigned) {
            let peer = &self.peers[at];
            if asked.contains(&at) || !peer.is_due(now_ms()) {
                continue;
            }
            asked.push(at);
            self.lookups.pace.take(LEAF as u64).await;
            match self.link.block(peer, cid).await {
                Ok(Some(block)) => {
                    peer.answered(block.len() as u64);
                    self.note_children(cid, &block, at);
                    return Some(block);
                }
                Ok(None) => peer.answered(0),
                Err(error) => peer.failed(&error),
            }
        }
        lock(&self.lookups.absent).insert(cid, Instant::now());
        None
    }

    fn note_children(&self, cid: &Cid, block: &[u8], giver: usize) {
        if cid.codec() != Codec::DagPb {
            return;
        }
        if let Ok(node) = Node::decode(block) {
            let mut hints = lock(&self.lookups.hints);
            node.links.iter().for_each(|link| hints.insert(&link.cid, giver));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_latest_only() {
        let cid = |number: u8| Cid::of(Codec::Raw, &[number]);
        let mut recent = Recent::new(2);
        for number in [1, 2, 1, 3] {
            recent.insert(&cid(number), number);
        }
        assert_eq!([1, 2, 3].map(|number| recent.get(&cid(number))), [None, Some(2), Some(3)]);
        assert_eq!(recent.entries.len(), recent.order.len());
    }
}
