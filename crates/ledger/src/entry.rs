//! Entries: what a name stands for (spec L-30). The authenticated state maps name → `Entry::digest`; entries themselves
//! lie in an append-only store keyed by that digest. Decoding is bounded by the largest key ring.

use bytes::BufMut;
use commonware_codec::{Buf, Encode as _, EncodeSize, Error, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest, Label,
    hash::tagged,
    sign::VerifyingKey,
    ticket::{Period, TicketKey},
};
use yilian_delegation::{Capsule, ReencryptedCapsule, Wrapped};

use crate::{CommitteeEntry, Parameters, Time, codec::codec_struct, member::MemberEntry, name::Bid};

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
    /// Grants that end in a period.
    Count(u32),
    /// One of them.
    ExpiryItem(Bid),
    /// The next item to look at; everything before is tombstoned.
    ExpiryCursor {
        period: Period,
        index: u32,
    },
    Committee(CommitteeEntry),
}

/// Why a grant is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ended {
    Withdrawn = 1,
    Expired = 2,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEntry {
    pub owner: VerifyingKey,
    pub capsule: Capsule,
    pub wrapped: Wrapped,
    pub com: Digest,
    /// Of the block.
    pub time: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantEntry {
    pub reencrypted: ReencryptedCapsule,
    /// Of the block.
    pub time: Time,
    /// First instant at which it counts no more (a period boundary).
    pub expiry: Time,
}

codec_struct!(RecordEntry { owner, capsule, wrapped, com, time });
codec_struct!(GrantEntry { reencrypted, time, expiry });

impl Entry {
    /// `tagged(Entry, [encoding])`.
    pub fn digest(&self) -> Digest {
        tagged(Label::Entry, &[&self.encode()])
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Record(_) => 1,
            Self::Grant(_) => 2,
            Self::Tombstone { .. } => 3,
            Self::Member(_) => 4,
            Self::TicketKey(_) => 5,
            Self::SpentTicket => 6,
            Self::Parameters(_) => 7,
            Self::Count(_) => 8,
            Self::ExpiryItem(_) => 9,
            Self::ExpiryCursor { .. } => 10,
            Self::Committee(_) => 11,
        }
    }
}

impl Write for Entry {
    fn write(&self, buf: &mut impl BufMut) {
        self.tag().write(buf);
        match self {
            Self::Record(entry) => entry.write(buf),
            Self::Grant(entry) => entry.write(buf),
            Self::Tombstone { ended, reason } => {
                ended.write(buf);
                (*reason as u8).write(buf);
            }
            Self::Member(entry) => entry.write(buf),
            Self::TicketKey(key) => key.write(buf),
            Self::SpentTicket => {}
            Self::Parameters(parameters) => parameters.write(buf),
            Self::Count(count) => count.write(buf),
            Self::ExpiryItem(bid) => bid.write(buf),
            Self::ExpiryCursor { period, index } => {
                period.write(buf);
                index.write(buf);
            }
            Self::Committee(committee) => committee.write(buf),
        }
    }
}

impl EncodeSize for Entry {
    fn encode_size(&self) -> usize {
        1 + match self {
            Self::Record(entry) => entry.encode_size(),
            Self::Grant(entry) => entry.encode_size(),
            Self::Tombstone { ended, .. } => ended.encode_size() + 1,
            Self::Member(entry) => entry.encode_size(),
            Self::TicketKey(key) => key.encode_size(),
            Self::SpentTicket => 0,
            Self::Parameters(parameters) => parameters.encode_size(),
            Self::Count(count) => count.encode_size(),
            Self::ExpiryItem(bid) => bid.encode_size(),
            Self::ExpiryCursor { period, index } => period.encode_size() + index.encode_size(),
            Self::Committee(committee) => committee.encode_size(),
        }
    }
}

impl Read for Entry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(match u8::read(buf)? {
            1 => Self::Record(RecordEntry::read(buf)?),
            2 => Self::Grant(GrantEntry::read(buf)?),
            3 => Self::Tombstone { ended: Time::read(buf)?, reason: read_ended(buf)? },
            4 => Self::Member(MemberEntry::read(buf)?),
            5 => Self::TicketKey(TicketKey::read(buf)?),
            6 => Self::SpentTicket,
            7 => Self::Parameters(Parameters::read(buf)?),
            8 => Self::Count(u32::read(buf)?),
            9 => Self::ExpiryItem(Bid::read(buf)?),
            10 => Self::ExpiryCursor { period: Period::read(buf)?, index: u32::read(buf)? },
            11 => Self::Committee(CommitteeEntry::read(buf)?),
            other => return Err(Error::InvalidEnum(other)),
        })
    }
}

fn read_ended(buf: &mut impl Buf) -> Result<Ended, Error> {
    match u8::read(buf)? {
        1 => Ok(Ended::Withdrawn),
        2 => Ok(Ended::Expired),
        other => Err(Error::InvalidEnum(other)),
    }
}
