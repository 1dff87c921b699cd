//! The pure transition in three phases: stateless check (parallel, cacheable), state reads, execution.

use std::collections::{BTreeMap, BTreeSet};

use yilian_crypto::{
    Digest,
    ticket::{Class, Period, TicketKey},
};

use crate::{ChainId, Entry, Epoch, Height, Name, Parameters, Refusal, Time, Transaction};

/// Evidence that everything about a transaction that needs no mutable state holds (or how its paid part fails).
/// Private constructor: only `check` makes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checked;

/// What `check` may look up: immutable once present.
pub trait TicketKeys {
    fn ticket_key(&self, class: Class, period: Period) -> Option<TicketKey>;
}

impl Checked {
    /// Decodes, bounds, ticket signatures, inner signatures, points, proof of possession. `Err`: cannot be included in a
    /// block at all. A transaction whose ticket is good but whose inner signature fails *is* `Ok`: it is included, fails,
    /// and its ticket is spent.
    pub fn check(_bytes: &[u8], _chain: ChainId, _keys: &dyn TicketKeys) -> Result<Self, Refusal> {
        todo!()
    }
    pub fn digest(&self) -> Digest {
        todo!()
    }
    pub fn transaction(&self) -> &Transaction {
        todo!()
    }
    pub fn encoded(&self) -> &bytes::Bytes {
        todo!()
    }
    /// Names read for sure, for prefetching.
    pub fn names(&self) -> Vec<Name> {
        todo!()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    pub chain: ChainId,
    pub height: Height,
    pub epoch: Epoch,
    pub time: Time,
}

/// What became of an included transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    /// Tickets consumed, nothing else written.
    Failed(Refusal),
}

/// Names that must be fetched before execution can be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub BTreeSet<Name>);

#[derive(Clone, Debug, Default)]
pub struct Transition {
    pub outcomes: Vec<Outcome>,
    /// New value per written name, in order of names.
    pub writes: BTreeMap<Name, Entry>,
    /// Names that did not exist before, by bucketed kind.
    pub created: Counts,
}

/// Entries per bucketed kind; carried by headers, from which clients compute prefix lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    pub grants: u64,
    pub slots: u64,
    pub practitioners: u64,
    pub institutions: u64,
}

/// State known so far: `None` = proved absent.
pub type Known = BTreeMap<Name, Option<Entry>>;

/// Executes a block over what is known. `Ok(Err(missing))`-style retry: the host fetches and calls again; evidence and
/// re-encryptions are cached in `Checked`, so a retry is cheap. `Err(Refused)` names a transaction that makes the whole block
/// invalid (unpayable ticket).
pub fn execute(
    _parameters: &Parameters,
    _context: &BlockContext,
    _known: &Known,
    _committee: &[[u8; 32]],
    _transactions: &[Checked],
) -> Result<Transition, ExecuteError> {
    todo!()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecuteError {
    Missing(Missing),
    /// Index and reason.
    InvalidBlock(usize, Refusal),
}
