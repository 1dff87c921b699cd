//! Transactions as they travel (spec L-50 to L-57): `chain ‖ tag ‖ body`. Decoding checks every point and key.

mod codec;
mod sign;

use commonware_codec::Encode as _;
use yilian_crypto::{
    Digest, Label,
    certificate::Level,
    hash::tagged,
    sign::{Signature, VerifyingKey},
    ticket::{Class, Period, Ticket, TicketKey},
};
use yilian_delegation::{Capsule, ReencryptionKey, Wrapped};

use crate::{ChainId, Parameters, Time, committee::SetCommittee, name::MemberId};

/// Largest transaction, bytes; one ticket per started `BYTES_PER_TICKET`.
pub const MAX_TRANSACTION: usize = 1 << 20;
pub const BYTES_PER_TICKET: usize = 64 << 10;
/// Most tickets of a transaction.
pub const MAX_TICKETS: usize = MAX_TRANSACTION / BYTES_PER_TICKET;

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

/// Tickets, each with its one-time key's signature over chain, body and all tickets.
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
    /// BID = H(withdrawal).
    pub withdrawal: VerifyingKey,
    pub rk: ReencryptionKey,
    /// Index into the expiry classes.
    pub expiry_class: u8,
    /// Last block time at which it may be applied.
    pub valid_until: Time,
    /// Both over chain, all of the above and the tickets' one-time keys.
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
    /// Of the member: with its id, the name.
    pub level: Level,
    pub member: MemberId,
    /// One certificate only, or the member as a whole.
    pub certificate: Option<Digest>,
    /// By the issuer's current signing key.
    pub signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governance {
    pub action: Action,
    /// Last block time at which it may be applied.
    pub valid_until: Time,
    /// (index in the committee, signature), ascending.
    pub signatures: Vec<(u16, Signature)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new root, or a renewed certificate of one.
    AddRoot {
        certificate: Vec<u8>,
    },
    RevokeRoot {
        member: MemberId,
    },
    SetTicketKey {
        class: Class,
        period: Period,
        key: TicketKey,
    },
    SetParameters(Parameters),
    SetCommittee(SetCommittee),
}

impl Transaction {
    /// Identity: `tagged(Transaction, [encoding])`.
    pub fn digest(&self) -> Digest {
        Self::digest_of(&self.encode())
    }

    /// The same, of an encoding.
    pub fn digest_of(encoded: &[u8]) -> Digest {
        tagged(Label::Transaction, &[encoded])
    }
}

impl Body {
    /// `create`, `grant`, ...: as the API and the command line write it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Grant(_) => "grant",
            Self::Withdraw(_) => "withdraw",
            Self::AddMember(_) => "add-member",
            Self::Revoke(_) => "revoke",
            Self::Governance(_) => "governance",
        }
    }

    /// The tickets of a paid transaction.
    pub const fn payment(&self) -> Option<&Payment> {
        match self {
            Self::Create(create) => Some(&create.payment),
            Self::Grant(grant) => Some(&grant.payment),
            _ => None,
        }
    }
}
