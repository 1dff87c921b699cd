//! What is known of a run from outside: who is up, what was acknowledged, which block stands at which height.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use yilian_chain::{Handle, Included};
use yilian_crypto::{Digest, hash::sha256};
use yilian_ledger::Outcome;
use yilian_testkit::ledger::Seeded;

use crate::{disk::Disk, violation::Violation, world::Order};

/// A transaction that somebody was told is final.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    pub order: Order,
    pub place: Included,
    /// Validators that said so, or that had it in their store when they were looked at.
    pub by: BTreeSet<usize>,
}

#[derive(Default)]
struct Slot {
    handle: Option<Handle>,
    disk: Disk,
    life: u64,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<usize, Slot>,
    /// Validators end when nobody holds their handle; those of traitors are held here.
    kept: Vec<Handle>,
    acknowledged: BTreeMap<[u8; 32], Acknowledged>,
    heads: BTreeMap<u64, (Digest, usize)>,
    violation: Option<Violation>,
    waiting: usize,
    refused: usize,
    trace: Digest,
}

/// Shared by clients and whoever runs the show.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<State>>);

/// A validator as a client knows it.
pub struct Door {
    pub node: usize,
    pub handle: Handle,
    life: u64,
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An honest validator takes orders from now on.
    pub fn open(&self, node: usize, handle: Handle, disk: Disk) {
        let mut state = self.state();
        let slot = state.slots.entry(node).or_default();
        slot.life += 1;
        (slot.handle, slot.disk) = (Some(handle), disk);
    }

    pub fn close(&self, node: usize) {
        if let Some(slot) = self.state().slots.get_mut(&node) {
            slot.handle = None;
        }
    }

    pub fn close_all(&self) {
        let mut state = self.state();
        state.slots.clear();
        state.kept.clear();
    }

    pub fn keep(&self, handle: Handle) {
        self.state().kept.push(handle);
    }

    pub fn handle(&self, node: usize) -> Option<Handle> {
        self.state().slots.get(&node).and_then(|slot| slot.handle.clone())
    }

    /// Some validator that seems to be up.
    pub fn pick(&self, rng: &mut Seeded) -> Option<Door> {
        let state = self.state();
        let up: Vec<_> =
            state.slots.iter().filter(|(_, s)| s.handle.is_some() && s.disk.has_power()).collect();
        let (node, slot) = up.get(rng.below(up.len().max(1) as u64) as usize)?;
        Some(Door { node: **node, handle: slot.handle.clone()?, life: slot.life })
    }

    /// Whether what this door said since it was picked was said while it had power.
    pub fn counts(&self, door: &Door) -> bool {
        let state = self.state();
        state
            .slots
            .get(&door.node)
            .is_some_and(|slot| slot.life == door.life && slot.handle.is_some() && slot.disk.has_power())
    }

    pub fn violate(&self, violation: Violation) {
        self.state().violation.get_or_insert(violation);
    }

    pub fn violation(&self) -> Option<Violation> {
        self.state().violation.clone()
    }

    pub fn acknowledge(&self, order: &Order, transaction: Digest, place: Included, by: usize) {
        self.note(&format!("{by} acknowledged {transaction} at {}", place.height.0));
        let mut state = self.state();
        let known = state.acknowledged.entry(transaction.0).or_insert_with(|| Acknowledged {
            order: order.clone(),
            place,
            by: BTreeSet::new(),
        });
        known.by.insert(by);
        if known.place != place {
            let places = Box::new([known.place, place]);
            state.violation.get_or_insert(Violation::Moved { transaction, places });
        }
    }

    pub fn acknowledged(&self) -> Vec<(Digest, Acknowledged)> {
        self.state().acknowledged.iter().map(|(digest, known)| (Digest(*digest), known.clone())).collect()
    }

    /// Height of the highest block with an acknowledged transaction.
    pub fn highest(&self) -> u64 {
        self.state().acknowledged.values().map(|known| known.place.height.0).max().unwrap_or(0)
    }

    /// Orders that were applied and left something.
    pub fn applied(&self) -> Vec<Order> {
        let state = self.state();
        let applied = state.acknowledged.values().filter(|known| known.place.outcome == Outcome::Applied);
        applied.map(|known| known.order.clone()).collect()
    }

    /// A validator's block; all must have the same.
    pub fn head(&self, node: usize, height: u64, digest: Digest) {
        let mut state = self.state();
        let (first, by) = *state.heads.entry(height).or_insert((digest, node));
        if first != digest {
            state.violation.get_or_insert(Violation::Disagreement { height, nodes: [by, node] });
        }
    }

    /// Digests of all blocks that were final somewhere.
    pub fn heads(&self) -> BTreeMap<u64, Digest> {
        self.state().heads.iter().map(|(height, (digest, _))| (*height, *digest)).collect()
    }

    pub fn begin(&self) {
        self.state().waiting += 1;
    }

    pub fn end(&self, refused: bool) {
        let mut state = self.state();
        state.waiting -= 1;
        state.refused += usize::from(refused);
    }

    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    pub fn refused(&self) -> usize {
        self.state().refused
    }

    /// Adds to what happened.
    pub fn note(&self, what: &str) {
        tracing::info!("{what}");
        let mut state = self.state();
        state.trace = sha256(&[state.trace.0.as_slice(), what.as_bytes()].concat());
    }

    pub fn trace(&self) -> Digest {
        self.state().trace
    }
}
