//! One-time tickets: RSABSSA-SHA384-PSS-Randomized, 3072 bits (RFC 9474), two classes, one key a period and class
//! (spec T-*).
//!
//! Guarantees: a ticket verifies only under the key of its class and period; the authority that signed it cannot tell
//! which of its signatures it is. Refuses: keys of another size or exponent, signatures of another length, values not
//! below the modulus. The one key per period and class is the caller's part: take it from proved ledger state, never from
//! the authority (spec T-7).

mod codec;
mod key;
mod request;
mod secret;
mod verify;

#[cfg(test)]
mod tests;

pub use key::TicketKey;
pub use request::Request;
pub use secret::TicketSecretKey;

use commonware_codec::Encode as _;

use crate::{
    Digest, Label,
    hash::tagged,
    sign::{SigningKey, VerifyingKey},
    suite,
};

/// Suite byte of ticket keys, tickets and saved requests.
const SUITE: u8 = suite::TICKET;
/// Bytes of a modulus, a blinded message and a signature.
pub const MODULUS: usize = 384;
/// Bytes of the random prefix of RFC 9474's randomized variant.
pub const PREFIX: usize = 32;

/// What a ticket pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Health records.
    Care = 1,
    /// Drug traces.
    Trade = 2,
}

impl Class {
    /// Both, in order of their tag bytes.
    pub const ALL: [Self; 2] = [Self::Care, Self::Trade];

    /// `care` or `trade`, as HTTP and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Care => "care",
            Self::Trade => "trade",
        }
    }
}

impl std::str::FromStr for Class {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or(TicketError::Class)
    }
}

/// A period's number: ledger time divided by the genesis period length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(pub u32);

/// A ticket, 455 bytes on the wire (spec T-3). Spent by hash of its one-time key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub class: Class,
    pub period: Period,
    pub one_time_key: VerifyingKey,
    pub prefix: [u8; PREFIX],
    pub signature: [u8; MODULUS],
}

/// A ticket in the wallet: with its one-time secret.
#[derive(Clone, Debug)]
pub struct TicketWithKey {
    pub ticket: Ticket,
    pub one_time: SigningKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    #[error("ticket key is malformed or not 3072-bit RSA with exponent 65537")]
    Key,
    #[error("ticket signature does not verify")]
    Signature,
    #[error("blinded message is malformed")]
    Blinded,
    #[error("ticket class is neither care nor trade")]
    Class,
    #[error("saved ticket request is malformed")]
    Saved,
}

/// What the authority signs blindly (spec T-2).
fn message(class: Class, period: Period, one_time_key: &VerifyingKey) -> Digest {
    tagged(Label::TicketMessage, &[&[class as u8], &period.0.to_be_bytes(), &one_time_key.encode()])
}

impl Ticket {
    /// RSASSA-PSS verification of the authority's signature (spec T-4). `key` is the one that ledger state holds for
    /// this ticket's class and period.
    pub fn verify(&self, key: &TicketKey) -> Result<(), TicketError> {
        let message = message(self.class, self.period, &self.one_time_key);
        verify::verify(key, &self.prefix, &message, &self.signature)
    }

    /// Under which the ledger counts it spent (spec T-5): class, period and one-time key, not the signature, which its
    /// holder could vary.
    pub fn spent_id(&self) -> Digest {
        tagged(
            Label::TicketSpent,
            &[&[self.class as u8], &self.period.0.to_be_bytes(), &self.one_time_key.encode()],
        )
    }
}
