//! One-time tickets: RSABSSA-SHA384-PSS-Randomized, 3072 bits (RFC 9474), two classes, one key a period and class.

use rand_core::CryptoRng;

use crate::sign::{Signature, SigningKey, VerifyingKey};

/// What a ticket pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Health records.
    Care = 1,
    /// Drug traces.
    Trade = 2,
}

/// A period's number: ledger time divided by the genesis period length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(pub u32);

/// The authority's public key for one period and class: DER SubjectPublicKeyInfo, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketKey(Vec<u8>);

/// The authority's secret key; PKCS#8 for storage.
pub struct TicketSecretKey;

/// A ticket: one-time key, prefix (32), signature (384). Spent by hash of its one-time key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub class: Class,
    pub period: Period,
    pub one_time_key: VerifyingKey,
    pub prefix: [u8; 32],
    pub signature: [u8; 384],
}

/// A ticket in the wallet: with its one-time secret.
#[derive(Clone, Debug)]
pub struct TicketWithKey {
    pub ticket: Ticket,
    pub one_time: SigningKey,
}

/// A wallet's pending request.
pub struct Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    #[error("ticket key is malformed or not 3072-bit RSA")]
    Key,
    #[error("ticket signature does not verify")]
    Signature,
    #[error("blinded message is malformed")]
    Blinded,
}

impl TicketSecretKey {
    /// 3072 bits; slow (seconds).
    pub fn generate(_rng: &mut impl CryptoRng) -> Self {
        todo!()
    }
    pub fn public(&self) -> TicketKey {
        todo!()
    }
    pub fn to_pkcs8(&self) -> crate::Secret<Vec<u8>> {
        todo!()
    }
    pub fn from_pkcs8(_der: &[u8]) -> Result<Self, TicketError> {
        todo!()
    }
    /// Signs a blinded message (384 bytes) without learning what.
    pub fn sign_blinded(&self, _blinded: &[u8], _rng: &mut impl CryptoRng) -> Result<Vec<u8>, TicketError> {
        todo!()
    }
}

impl Request {
    /// Draws the one-time key, blinds its hash. Returns state and the 384-byte blinded message.
    pub fn new(
        _key: &TicketKey,
        _class: Class,
        _period: Period,
        _rng: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>), TicketError> {
        todo!()
    }
    /// Unblinds and verifies.
    pub fn finish(self, _key: &TicketKey, _blind_signature: &[u8]) -> Result<TicketWithKey, TicketError> {
        todo!()
    }
}

impl TicketKey {
    pub fn from_der(_der: &[u8]) -> Result<Self, TicketError> {
        todo!()
    }
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl Ticket {
    /// Plain RSASSA-PSS verification of the authority's signature over `class ‖ period ‖ H(one-time key)`.
    pub fn verify(&self, _key: &TicketKey) -> Result<(), TicketError> {
        let _: Option<Signature> = None;
        todo!()
    }
    /// Under which the ledger counts it spent.
    pub fn spent_id(&self) -> crate::Digest {
        todo!()
    }
}
// + Write/Read for Class, Period, TicketKey, Ticket.
