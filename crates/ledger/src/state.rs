//! State during a block: what is known of the parent's, under what the block has written so far.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    CommitteeEntry, Entry, Name, Parameters, Time,
    entry::{Ended, RecordEntry},
    member::MemberEntry,
    name::Bid,
    transition::{Counts, Known},
};
use yilian_crypto::ticket::{Period, TicketKey};

/// Why state could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Not known yet, neither as present nor as absent.
    Missing(BTreeSet<Name>),
    /// An entry of another kind stands there.
    Damaged(Name),
}

/// What stands under a grant's name.
pub(crate) enum GrantSlot {
    Free,
    Live,
    Ended(Ended),
}

/// Overlay of a block's writes over known state.
pub(crate) struct State<'a> {
    known: &'a Known,
    writes: BTreeMap<Name, Entry>,
    created: Counts,
}

/// Unwraps an entry of the expected kind.
macro_rules! expect_kind {
    ($self:ident, $name:expr, $pattern:pat => $value:expr) => {
        match $self.entry($name)? {
            None => Ok(None),
            Some($pattern) => Ok(Some($value)),
            Some(_) => Err(Lack::Damaged(*$name)),
        }
    };
}

impl<'a> State<'a> {
    pub fn new(known: &'a Known) -> Self {
        Self { known, writes: BTreeMap::new(), created: Counts::default() }
    }

    /// Writes, and names created by bucketed kind.
    pub fn finish(self) -> (BTreeMap<Name, Entry>, Counts) {
        (self.writes, self.created)
    }

    /// All of `names` at once, so that a host fetches them in one go.
    pub fn require(&self, names: impl IntoIterator<Item = Name>) -> Result<(), Lack> {
        let known = |name: &Name| self.writes.contains_key(name) || self.known.contains_key(name);
        let missing: BTreeSet<Name> = names.into_iter().filter(|name| !known(name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Lack::Missing(missing)) }
    }

    pub fn entry(&self, name: &Name) -> Result<Option<&Entry>, Lack> {
        if let Some(entry) = self.writes.get(name) {
            return Ok(Some(entry));
        }
        match self.known.get(name) {
            Some(entry) => Ok(entry.as_ref()),
            None => Err(Lack::Missing(BTreeSet::from([*name]))),
        }
    }

    pub fn record(&self, name: &Name) -> Result<Option<&RecordEntry>, Lack> {
        expect_kind!(self, name, Entry::Record(record) => record)
    }

    pub fn grant(&self, name: &Name) -> Result<GrantSlot, Lack> {
        match self.entry(name)? {
            None => Ok(GrantSlot::Free),
            Some(Entry::Grant(_)) => Ok(GrantSlot::Live),
            Some(Entry::Tombstone { reason, .. }) => Ok(GrantSlot::Ended(*reason)),
            Some(_) => Err(Lack::Damaged(*name)),
        }
    }

    pub fn member(&self, name: &Name) -> Result<Option<&MemberEntry>, Lack> {
        expect_kind!(self, name, Entry::Member(member) => member)
    }

    pub fn ticket_key(&self, name: &Name) -> Result<Option<&TicketKey>, Lack> {
        expect_kind!(self, name, Entry::TicketKey(key) => key)
    }

    /// As of the parent, whatever the block has set: tickets are checked before a block is made.
    pub fn parents_ticket_key(&self, name: &Name) -> Result<Option<&TicketKey>, Lack> {
        match self.known.get(name) {
            None => Err(Lack::Missing(BTreeSet::from([*name]))),
            Some(None) => Ok(None),
            Some(Some(Entry::TicketKey(key))) => Ok(Some(key)),
            Some(Some(_)) => Err(Lack::Damaged(*name)),
        }
    }

    pub fn spent(&self, name: &Name) -> Result<bool, Lack> {
        expect_kind!(self, name, Entry::SpentTicket => ()).map(|spent| spent.is_some())
    }

    pub fn parameters(&self) -> Result<&Parameters, Lack> {
        let name = Name::parameters();
        expect_kind!(self, &name, Entry::Parameters(parameters) => parameters)?.ok_or(Lack::Damaged(name))
    }

    pub fn committee(&self) -> Result<&CommitteeEntry, Lack> {
        let name = Name::committee();
        expect_kind!(self, &name, Entry::Committee(committee) => committee)?.ok_or(Lack::Damaged(name))
    }

    /// How many grants end in a period.
    pub fn count(&self, period: Period) -> Result<u32, Lack> {
        let name = Name::expiry_count(period);
        expect_kind!(self, &name, Entry::Count(count) => *count).map(Option::unwrap_or_default)
    }

    pub fn expiry_item(&self, period: Period, index: u32) -> Result<Bid, Lack> {
        let name = Name::expiry_item(period, index);
        expect_kind!(self, &name, Entry::ExpiryItem(bid) => *bid)?.ok_or(Lack::Damaged(name))
    }

    pub fn expiry_cursor(&self) -> Result<(Period, u32), Lack> {
        let name = Name::expiry_cursor();
        expect_kind!(self, &name, Entry::ExpiryCursor { period, index } => (*period, *index))?
            .ok_or(Lack::Damaged(name))
    }

    /// A name of a bucketed kind is counted when it did not exist; all of those are read before they are written.
    pub fn write(&mut self, name: Name, entry: Entry) {
        if matches!(self.entry(&name), Ok(None)) {
            self.created.bump(name.kind());
        }
        self.writes.insert(name, entry);
    }

    /// Ends a grant; its re-encrypted capsule is dropped.
    pub fn end_grant(&mut self, name: Name, ended: Time, reason: Ended) {
        self.write(name, Entry::Tombstone { ended, reason });
    }
}
