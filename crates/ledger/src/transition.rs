//! Third phase: a block over known state (spec L-65 to L-69). Pure: the same block over the same state gives the same
//! result on every node, whatever else is known.
//!
//! `execute` (a voter) and `select` (a proposer) are one code path, so that they cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ChainId, Checked, CommitteeEntry, Entry, Epoch, Height, Kind, Name, Refusal, Time,
    codec::codec_struct,
    run::{Run, Stop},
    state::Lack,
};

/// Of the block that is executed, from its header.
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

/// What a block does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transition {
    /// One per transaction, in their order.
    pub outcomes: Vec<Outcome>,
    /// New value per written name, in order of names.
    pub writes: BTreeMap<Name, Entry>,
    /// Names that did not exist before, by bucketed kind.
    pub created: Counts,
    /// The committee's entry as the block leaves it: who validates the next block follows from it.
    pub committee: CommitteeEntry,
}

/// Entries per bucketed kind; carried by headers, from which clients compute prefix lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    /// Tombstones included: they stand in the buckets.
    pub grants: u64,
    pub slots: u64,
    pub practitioners: u64,
    pub institutions: u64,
}

codec_struct!(Counts { records, grants, slots, practitioners, institutions });

impl commonware_codec::MaxEncodeSize for Counts {
    const MAX_ENCODE_SIZE: usize = 40;
}

impl Counts {
    /// Of one kind; `None` for kinds without a count.
    pub fn of(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::Record => Some(self.records),
            Kind::Grant => Some(self.grants),
            Kind::Slot => Some(self.slots),
            Kind::Practitioner => Some(self.practitioners),
            Kind::Institution => Some(self.institutions),
            _ => None,
        }
    }

    /// Parent's counts and what a block created.
    #[must_use]
    pub fn plus(&self, created: &Self) -> Self {
        Self {
            records: self.records.saturating_add(created.records),
            grants: self.grants.saturating_add(created.grants),
            slots: self.slots.saturating_add(created.slots),
            practitioners: self.practitioners.saturating_add(created.practitioners),
            institutions: self.institutions.saturating_add(created.institutions),
        }
    }

    pub(crate) fn bump(&mut self, kind: Option<Kind>) {
        let count = match kind {
            Some(Kind::Record) => &mut self.records,
            Some(Kind::Grant) => &mut self.grants,
            Some(Kind::Slot) => &mut self.slots,
            Some(Kind::Practitioner) => &mut self.practitioners,
            Some(Kind::Institution) => &mut self.institutions,
            _ => return,
        };
        *count = count.saturating_add(1);
    }
}

/// State known so far: `None` = known to be absent.
pub type Known = BTreeMap<Name, Option<Entry>>;

/// Why a block was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecuteError {
    /// Fetch these and call again.
    Missing(Missing),
    /// The transaction at this index makes the block invalid, and why.
    InvalidBlock(usize, Refusal),
    /// The evidence of the transaction at this index is of another branch's ticket key: check it again.
    Recheck(usize),
    /// The entry known under this name is not of its kind: the host's state is damaged.
    Damaged(Name),
}

/// The subset of a proposer's candidates that a block may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Indexes of the candidates to include, in order. Those that fail but pay are among them.
    pub included: Vec<usize>,
    /// Indexes of those that would make the block invalid, and why.
    pub refused: Vec<(usize, Refusal)>,
    /// What `execute` gives for the included ones.
    pub transition: Transition,
}

/// Names that every block reads, for prefetching.
pub fn block_names() -> [Name; 3] {
    [Name::parameters(), Name::expiry_cursor(), Name::committee()]
}

/// Executes a block over what is known of its parent's state. On `Missing` the host fetches and calls again: evidence and
/// re-encryptions are kept in `Checked`, so a retry is cheap. Parameters and committee are read from state.
pub fn execute(
    context: &BlockContext,
    known: &Known,
    transactions: &[Checked],
) -> Result<Transition, ExecuteError> {
    let mut refuse = |index, refusal| Err(ExecuteError::InvalidBlock(index, refusal));
    let (transition, _) = run(context, known, transactions, &mut refuse)?;
    Ok(transition)
}

/// Picks what a proposer may include, in the given order: drops what cannot pay or, without tickets, fails.
pub fn select(
    context: &BlockContext,
    known: &Known,
    candidates: &[Checked],
) -> Result<Selection, ExecuteError> {
    let mut refused = Vec::new();
    let mut refuse = |index, refusal| {
        refused.push((index, refusal));
        Ok(())
    };
    let (transition, included) = run(context, known, candidates, &mut refuse)?;
    Ok(Selection { included, refused, transition })
}

/// Runs all transactions, collecting what is missing of all of them before giving up. Refusals count only while nothing
/// is missing: behind that they may be artefacts.
fn run(
    context: &BlockContext,
    known: &Known,
    transactions: &[Checked],
    refuse: &mut dyn FnMut(usize, Refusal) -> Result<(), ExecuteError>,
) -> Result<(Transition, Vec<usize>), ExecuteError> {
    let mut missing: BTreeSet<Name> = block_names().into_iter().collect();
    missing.extend(transactions.iter().flat_map(Checked::names));
    missing.retain(|name| !known.contains_key(name));
    let lacking = |missing: &BTreeSet<Name>, lack| match lack {
        Lack::Damaged(name) => ExecuteError::Damaged(name),
        Lack::Missing(names) => ExecuteError::Missing(Missing(missing.union(&names).copied().collect())),
    };
    let mut run = Run::begin(context, known).map_err(|lack| lacking(&missing, lack))?;
    let (mut outcomes, mut included) = (Vec::new(), Vec::new());
    for (index, transaction) in transactions.iter().enumerate() {
        match run.step(transaction) {
            Ok(outcome) => {
                outcomes.push(outcome);
                included.push(index);
            }
            Err(Stop::Lack(Lack::Missing(names))) => missing.extend(names),
            Err(Stop::Lack(Lack::Damaged(name))) => return Err(ExecuteError::Damaged(name)),
            Err(_) if !missing.is_empty() => {}
            Err(Stop::Recheck) => return Err(ExecuteError::Recheck(index)),
            Err(Stop::Refused(refusal)) => refuse(index, refusal)?,
        }
    }
    if !missing.is_empty() {
        return Err(ExecuteError::Missing(Missing(missing)));
    }
    let (writes, created, committee) = run.finish().map_err(|lack| lacking(&missing, lack))?;
    Ok((Transition { outcomes, writes, created, committee }, included))
}
