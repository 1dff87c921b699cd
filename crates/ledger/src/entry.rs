//! Entries: what a name stands for. The authenticated state maps name → `Entry::digest`; entries themselves lie in an
//! append-only store keyed by that digest.

use yilian_crypto::{
    Digest,
    sign::VerifyingKey,
    ticket::{Period, TicketKey},
};
use yilian_delegation::{Capsule, ReencryptedCapsule, Wrapped};

use crate::{
    genesis::Parameters,
    name::{Bid, MemberId},
    time::Time,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Record(RecordEntry),
    Grant(GrantEntry),
    /// Withdrawn or expired: nothing but the time.
    Tombstone {
        ended: Time,
        reason: Ended,
    },
    Member(MemberEntry),
    TicketKey(TicketKey),
    SpentTicket,
    Parameters(Parameters),
    Count(u32),
    ExpiryItem(Bid),
    ExpiryCursor {
        period: Period,
        index: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Withdrawn,
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEntry {
    pub owner: VerifyingKey,
    pub capsule: Capsule,
    pub wrapped: Wrapped,
    pub com: Digest,
    pub time: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantEntry {
    pub reencrypted: ReencryptedCapsule,
    pub time: Time,
    /// First instant at which it counts no more (a period boundary).
    pub expiry: Time,
}

/// A member with every certificate it ever had (its key ring).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEntry {
    pub id: MemberId,
    pub issuer: Option<MemberId>,
    /// Oldest first, at least one, bounded.
    pub certificates: Vec<Certified>,
    /// The member as a whole was expelled.
    pub revoked: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// DER.
    pub certificate: Vec<u8>,
    pub since: Time,
    pub revoked: Option<Time>,
}

impl Entry {
    /// `tagged(Entry, [encoding])`.
    pub fn digest(&self) -> Digest {
        todo!()
    }
}
// + codec, bounded
