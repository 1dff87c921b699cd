//! Names: keys of the authenticated state. A kind byte and 31 bytes (spec L-10 to L-14).
//!
//! Identifiers (AID, BID, member id) are 32 bytes; a name keeps their first 31, so that all names of a kind lie together
//! and a prefix of the rest is a bucket.

use bytes::BufMut;
use commonware_codec::{Buf, Encode as _, Error, FixedSize, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest, Label,
    certificate::Level,
    hash::tagged,
    sign::VerifyingKey,
    ticket::{Class, Period},
};

use crate::codec::codec_newtype;

/// What a name names: its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    Record = 0x01,
    Grant = 0x02,
    Slot = 0x03,
    Practitioner = 0x04,
    Institution = 0x05,
    Intermediate = 0x06,
    Root = 0x07,
    TicketKey = 0x09,
    SpentTicket = 0x0a,
    Parameters = 0x0b,
    /// How many grants end in a period.
    ExpiryCount = 0x0c,
    /// The i-th grant that ends in a period.
    ExpiryItem = 0x0d,
    /// Up to where ended grants were tombstoned.
    ExpiryCursor = 0x0e,
    Committee = 0x0f,
}

impl Kind {
    /// Every kind, ascending.
    pub const ALL: [Self; 14] = [
        Self::Record,
        Self::Grant,
        Self::Slot,
        Self::Practitioner,
        Self::Institution,
        Self::Intermediate,
        Self::Root,
        Self::TicketKey,
        Self::SpentTicket,
        Self::Parameters,
        Self::ExpiryCount,
        Self::ExpiryItem,
        Self::ExpiryCursor,
        Self::Committee,
    ];

    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

impl From<Level> for Kind {
    fn from(level: Level) -> Self {
        match level {
            Level::Root => Self::Root,
            Level::Intermediate => Self::Intermediate,
            Level::Institution => Self::Institution,
            Level::Practitioner => Self::Practitioner,
        }
    }
}

/// A key of the authenticated state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub [u8; 32]);

/// Of a record: `tagged(Aid, [owner key])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid(pub Digest);

/// Of a grant: `tagged(Bid, [withdrawal key])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bid(pub Digest);

/// Of a member: `tagged(Member, [issuer's id or nothing, subject id])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub Digest);

codec_newtype!(Aid(Digest));
codec_newtype!(Bid(Digest));
codec_newtype!(MemberId(Digest));

impl Aid {
    pub fn of(owner: &VerifyingKey) -> Self {
        Self(tagged(Label::Aid, &[&owner.encode()]))
    }

    pub fn name(&self) -> Name {
        Name::digest(Kind::Record, &self.0)
    }
}

impl Bid {
    pub fn of(withdrawal: &VerifyingKey) -> Self {
        Self(tagged(Label::Bid, &[&withdrawal.encode()]))
    }

    pub fn name(&self) -> Name {
        Name::digest(Kind::Grant, &self.0)
    }
}

impl MemberId {
    /// A root has no issuer.
    pub fn of(issuer: Option<MemberId>, subject_id: &str) -> Self {
        let issuer = issuer.as_ref().map_or(&[][..], |id| id.0.as_ref());
        Self(tagged(Label::Member, &[issuer, subject_id.as_bytes()]))
    }

    /// `kind` by the member's level: root, intermediate, institution, practitioner.
    pub fn name(&self, kind: Kind) -> Name {
        Name::digest(kind, &self.0)
    }

    /// What the proof of possession of a member's delegatee key is bound to (spec M-3, L-42).
    pub fn possession_context(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl Name {
    /// `None`: the first byte is of no kind.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_byte(self.0[0])
    }

    /// Class, period (big endian), zeros.
    pub fn ticket_key(class: Class, period: Period) -> Self {
        let [a, b, c, d] = period.0.to_be_bytes();
        Self::short(Kind::TicketKey, &[class as u8, a, b, c, d])
    }

    pub fn spent_ticket(spent_id: &Digest) -> Self {
        Self::digest(Kind::SpentTicket, spent_id)
    }

    pub fn parameters() -> Self {
        Self::short(Kind::Parameters, &[])
    }

    pub fn expiry_count(period: Period) -> Self {
        Self::short(Kind::ExpiryCount, &period.0.to_be_bytes())
    }

    /// Period and index, both big endian.
    pub fn expiry_item(period: Period, index: u32) -> Self {
        let both = (u64::from(period.0) << 32) | u64::from(index);
        Self::short(Kind::ExpiryItem, &both.to_be_bytes())
    }

    pub fn expiry_cursor() -> Self {
        Self::short(Kind::ExpiryCursor, &[])
    }

    pub fn committee() -> Self {
        Self::short(Kind::Committee, &[])
    }

    fn digest(kind: Kind, digest: &Digest) -> Self {
        Self::short(kind, &digest.0[..31])
    }

    /// At most 31 bytes, zeros behind them.
    fn short(kind: Kind, rest: &[u8]) -> Self {
        let mut name = [0; 32];
        name[0] = kind as u8;
        name[1..=rest.len()].copy_from_slice(rest);
        Self(name)
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Write for Name {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl FixedSize for Name {
    const SIZE: usize = 32;
}

impl Read for Name {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let name = Self(<[u8; 32]>::read(buf)?);
        name.kind().map(|_| name).ok_or(Error::InvalidEnum(name.0[0]))
    }
}
