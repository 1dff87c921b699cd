//! Names: keys of the authenticated state. A kind byte and 31 bytes (spec L-NAME).

use yilian_crypto::{
    Digest,
    sign::VerifyingKey,
    ticket::{Class, Period},
};

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub [u8; 32]);

/// Full 32-byte identifiers, as protocol and UI show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid(pub Digest);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bid(pub Digest);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub Digest);

impl Aid {
    pub fn of(_owner: &VerifyingKey) -> Self {
        todo!()
    }
    pub fn name(&self) -> Name {
        todo!()
    }
}
impl Bid {
    pub fn of(_withdrawal: &VerifyingKey) -> Self {
        todo!()
    }
    pub fn name(&self) -> Name {
        todo!()
    }
}
impl MemberId {
    /// `tagged(Member, [issuer's id, subject id])`; a root's issuer is empty.
    pub fn of(_issuer: Option<MemberId>, _subject_id: &str) -> Self {
        todo!()
    }
    /// Kind by level: Root, Intermediate, Institution, Practitioner.
    pub fn name(&self, _kind: Kind) -> Name {
        todo!()
    }
}
impl Name {
    pub fn kind(&self) -> Option<Kind> {
        todo!()
    }
    pub fn ticket_key(_class: Class, _period: Period) -> Self {
        todo!()
    }
    pub fn spent_ticket(_spent_id: &Digest) -> Self {
        todo!()
    }
    pub fn parameters() -> Self {
        todo!()
    }
    pub fn expiry_count(_period: Period) -> Self {
        todo!()
    }
    pub fn expiry_item(_period: Period, _index: u32) -> Self {
        todo!()
    }
    pub fn expiry_cursor() -> Self {
        todo!()
    }
}
