//! What the signatures of transactions cover, making them and checking them (spec L-52 to L-57).
//!
//! Every signature covers the chain id and the whole body it authorizes. Those of owner and withdrawal key cover the
//! tickets' one-time keys too, so that nobody can carry the body over to tickets of his own.

use bytes::BufMut as _;
use commonware_codec::{Encode as _, Write as _};
use yilian_crypto::{
    Digest, Label,
    certificate::{Certificate, Level},
    sign::{Signature, SigningKey, VerifyingKey},
    ticket::{Ticket, TicketWithKey},
};
use yilian_delegation::{Capsule, ReencryptionKey, Wrapped};

use super::{Action, AddMember, Body, Create, Governance, Grant, Payment, Revoke, Transaction, Withdraw};
use crate::{ChainId, Refusal, Time, name::MemberId};

/// Placeholder while the fields before it are signed; never leaves a constructor.
const UNSIGNED: [u8; 64] = [0; 64];

impl Create {
    /// Signs with the owner key and the tickets' one-time keys.
    pub fn sign(
        chain: ChainId,
        owner: &SigningKey,
        capsule: Capsule,
        wrapped: Wrapped,
        com: Digest,
        tickets: &[TicketWithKey],
    ) -> Transaction {
        let mut create = Self {
            owner: owner.verifying_key(),
            capsule,
            wrapped,
            com,
            owner_signature: Signature::from_bytes(UNSIGNED),
            payment: Payment::unsigned(tickets),
        };
        create.owner_signature = owner.sign(Label::CreateByOwner, &[chain.0.as_ref(), &create.signed()]);
        pay(chain, Body::Create(create), tickets)
    }

    /// Owner, capsule, wrapped, com, one-time keys.
    pub fn signed(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.owner.write(&mut bytes);
        self.capsule.write(&mut bytes);
        self.wrapped.write(&mut bytes);
        self.com.write(&mut bytes);
        self.payment.write_one_time_keys(&mut bytes);
        bytes
    }

    /// The owner's signature over chain, fields and one-time keys.
    pub fn verify(&self, chain: ChainId) -> Result<(), Refusal> {
        self.owner
            .verify(Label::CreateByOwner, &[chain.0.as_ref(), &self.signed()], &self.owner_signature)
            .map_err(|_| Refusal::OwnerSignature)
    }
}

impl Grant {
    /// Signs with owner key, withdrawal key and the tickets' one-time keys.
    pub fn sign(
        chain: ChainId,
        owner: &SigningKey,
        withdrawal: &SigningKey,
        rk: ReencryptionKey,
        expiry_class: u8,
        valid_until: Time,
        tickets: &[TicketWithKey],
    ) -> Transaction {
        let mut grant = Self {
            owner: owner.verifying_key(),
            withdrawal: withdrawal.verifying_key(),
            rk,
            expiry_class,
            valid_until,
            owner_signature: Signature::from_bytes(UNSIGNED),
            withdrawal_signature: Signature::from_bytes(UNSIGNED),
            payment: Payment::unsigned(tickets),
        };
        let signed = grant.signed();
        grant.owner_signature = owner.sign(Label::GrantByOwner, &[chain.0.as_ref(), &signed]);
        grant.withdrawal_signature = withdrawal.sign(Label::GrantByWithdrawal, &[chain.0.as_ref(), &signed]);
        pay(chain, Body::Grant(grant), tickets)
    }

    /// Owner, withdrawal key, re-encryption key, expiry class, valid-until, one-time keys.
    pub fn signed(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.owner.write(&mut bytes);
        self.withdrawal.write(&mut bytes);
        self.rk.write(&mut bytes);
        self.expiry_class.write(&mut bytes);
        self.valid_until.write(&mut bytes);
        self.payment.write_one_time_keys(&mut bytes);
        bytes
    }

    /// Both signatures over chain, fields and one-time keys.
    pub fn verify(&self, chain: ChainId) -> Result<(), Refusal> {
        let signed = self.signed();
        let parts = [chain.0.as_ref(), &signed];
        self.owner
            .verify(Label::GrantByOwner, &parts, &self.owner_signature)
            .map_err(|_| Refusal::OwnerSignature)?;
        self.withdrawal
            .verify(Label::GrantByWithdrawal, &parts, &self.withdrawal_signature)
            .map_err(|_| Refusal::WithdrawalSignature)
    }
}

impl Withdraw {
    pub fn sign(chain: ChainId, withdrawal: &SigningKey) -> Transaction {
        let key = withdrawal.verifying_key();
        let signature = withdrawal.sign(Label::Withdraw, &[chain.0.as_ref(), &key.encode()]);
        Transaction { chain, body: Body::Withdraw(Self { withdrawal: key, signature }) }
    }

    pub fn verify(&self, chain: ChainId) -> Result<(), Refusal> {
        let parts = [chain.0.as_ref(), &self.withdrawal.encode()];
        self.withdrawal
            .verify(Label::Withdraw, &parts, &self.signature)
            .map_err(|_| Refusal::WithdrawalSignature)
    }
}

impl AddMember {
    /// The certificate is its own authorization.
    pub fn transaction(chain: ChainId, issuer: MemberId, certificate: &Certificate) -> Transaction {
        let body = Self { issuer, certificate: certificate.der().to_vec() };
        Transaction { chain, body: Body::AddMember(body) }
    }
}

impl Revoke {
    /// Signs with the issuer's current key. `certificate`: one only; `None`: the member as a whole.
    pub fn sign(
        chain: ChainId,
        level: Level,
        member: MemberId,
        certificate: Option<Digest>,
        issuer: &SigningKey,
    ) -> Transaction {
        let mut revoke = Self { level, member, certificate, signature: Signature::from_bytes(UNSIGNED) };
        revoke.signature = issuer.sign(Label::Revoke, &[chain.0.as_ref(), &revoke.signed()]);
        Transaction { chain, body: Body::Revoke(revoke) }
    }

    /// Level, member, certificate.
    pub fn signed(&self) -> Vec<u8> {
        let mut bytes = vec![self.level as u8];
        self.member.write(&mut bytes);
        self.certificate.write(&mut bytes);
        bytes
    }

    pub fn verify(&self, chain: ChainId, issuer: &VerifyingKey) -> Result<(), Refusal> {
        issuer
            .verify(Label::Revoke, &[chain.0.as_ref(), &self.signed()], &self.signature)
            .map_err(|_| Refusal::RevokeSignature)
    }
}

impl Governance {
    /// One validator's signature over an action.
    pub fn approve(chain: ChainId, action: &Action, valid_until: Time, validator: &SigningKey) -> Signature {
        validator.sign(Label::Governance, &[chain.0.as_ref(), &action.encode(), &valid_until.encode()])
    }

    /// Puts signatures in order. Each comes with its signer's index in the committee.
    pub fn transaction(
        chain: ChainId,
        action: Action,
        valid_until: Time,
        mut signatures: Vec<(u16, Signature)>,
    ) -> Transaction {
        signatures.sort_by_key(|(index, _)| *index);
        Transaction { chain, body: Body::Governance(Self { action, valid_until, signatures }) }
    }

    /// More than two thirds of `committee`, each once, ascending, all signatures good (spec L-60).
    pub fn verify(&self, chain: ChainId, committee: &[[u8; 32]]) -> Result<(), Refusal> {
        let ascending = self.signatures.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let known = self.signatures.iter().all(|(index, _)| usize::from(*index) < committee.len());
        if !ascending || !known {
            return Err(Refusal::GovernanceSigners);
        }
        if self.signatures.len() * 3 <= committee.len() * 2 {
            return Err(Refusal::GovernanceQuorum);
        }
        let (action, until) = (self.action.encode(), self.valid_until.encode());
        let parts = [chain.0.as_ref(), &action, &until];
        self.signatures.iter().try_for_each(|(index, signature)| {
            VerifyingKey::from_bytes(&committee[usize::from(*index)])
                .ok()
                .and_then(|key| key.verify(Label::Governance, &parts, signature).ok())
                .ok_or(Refusal::GovernanceSignature)
        })
    }
}

impl Payment {
    fn unsigned(tickets: &[TicketWithKey]) -> Self {
        let with = |ticket: &TicketWithKey| (ticket.ticket.clone(), Signature::from_bytes(UNSIGNED));
        Self { tickets: tickets.iter().map(with).collect() }
    }

    fn write_one_time_keys(&self, bytes: &mut Vec<u8>) {
        self.tickets.iter().for_each(|(ticket, _)| ticket.one_time_key.write(bytes));
    }

    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter().map(|(ticket, _)| ticket)
    }
}

impl Body {
    /// What one-time keys sign beside the chain: the body with its other signatures, and all tickets.
    pub fn paid(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Create(create) => {
                bytes.put_u8(1);
                bytes.extend(create.signed());
                create.owner_signature.write(&mut bytes);
            }
            Self::Grant(grant) => {
                bytes.put_u8(2);
                bytes.extend(grant.signed());
                grant.owner_signature.write(&mut bytes);
                grant.withdrawal_signature.write(&mut bytes);
            }
            Self::Withdraw(_) | Self::AddMember(_) | Self::Revoke(_) | Self::Governance(_) => return None,
        }
        self.payment()?.tickets().for_each(|ticket| ticket.write(&mut bytes));
        Some(bytes)
    }

    fn payment_mut(&mut self) -> Option<&mut Payment> {
        match self {
            Self::Create(create) => Some(&mut create.payment),
            Self::Grant(grant) => Some(&mut grant.payment),
            _ => None,
        }
    }
}

/// Signs a paid body with the one-time key of each of its tickets.
fn pay(chain: ChainId, mut body: Body, tickets: &[TicketWithKey]) -> Transaction {
    let paid = body.paid().unwrap_or_default();
    if let Some(payment) = body.payment_mut() {
        for ((_, signature), ticket) in payment.tickets.iter_mut().zip(tickets) {
            *signature = ticket.one_time.sign(Label::TicketSignature, &[chain.0.as_ref(), &paid]);
        }
    }
    Transaction { chain, body }
}
