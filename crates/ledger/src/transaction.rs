//! Transactions as they travel.

use yilian_crypto::{
    Digest,
    sign::{Signature, VerifyingKey},
    ticket::{Class, Period, Ticket, TicketKey},
};
use yilian_delegation::{Capsule, ReencryptionKey, Wrapped};

use crate::{
    ChainId,
    name::{Aid, Bid, MemberId},
    time::Time,
};

/// Largest transaction, bytes; one ticket per started `BYTES_PER_TICKET`.
pub const MAX_TRANSACTION: usize = 1 << 20;
pub const BYTES_PER_TICKET: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub chain: ChainId,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Create(Create),
    Grant(Grant),
    Withdraw(Withdraw),
    /// Intermediate, institution or practitioner: authenticated by its issuer's signature in the DER.
    AddMember(AddMember),
    Revoke(Revoke),
    /// Roots, parameters, ticket keys: more than two thirds of the validators.
    Governance(Governance),
}

/// Tickets and the signature of the first ticket's one-time key over chain, body and all tickets.
/// Every further ticket's one-time key signs the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub tickets: Vec<(Ticket, Signature)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    pub owner: VerifyingKey,
    pub capsule: Capsule,
    pub wrapped: Wrapped,
    pub com: Digest,
    /// Over chain, all of the above and the tickets' one-time keys.
    pub owner_signature: Signature,
    pub payment: Payment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// AID = H(owner).
    pub owner: VerifyingKey,
    pub withdrawal: VerifyingKey,
    pub rk: ReencryptionKey,
    /// Index into the genesis expiry classes.
    pub expiry_class: u8,
    pub valid_until: Time,
    pub owner_signature: Signature,
    pub withdrawal_signature: Signature,
    pub payment: Payment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdraw {
    pub withdrawal: VerifyingKey,
    pub signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddMember {
    pub issuer: MemberId,
    /// DER.
    pub certificate: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    pub member: MemberId,
    /// One certificate only, or the member as a whole.
    pub certificate: Option<Digest>,
    /// By the issuer's current signing key.
    pub signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governance {
    pub action: Action,
    pub valid_until: Time,
    /// (index in the committee, signature), ascending.
    pub signatures: Vec<(u16, Signature)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    AddRoot { certificate: Vec<u8> },
    RevokeRoot { member: MemberId },
    SetTicketKey { class: Class, period: Period, key: TicketKey },
    SetParameters(crate::Parameters),
}

impl Transaction {
    /// Identity: hash of the encoding.
    pub fn digest(&self) -> Digest {
        let _ = (Aid::of, Bid::of);
        todo!()
    }
}
// + codec, bounded; constructors that sign: Create::sign(...), Grant::sign(...), Withdraw::sign(...), Revoke::sign(...)
