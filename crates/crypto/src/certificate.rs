//! X.509 v3 (RFC 5280): root → intermediate → institution → practitioner (spec M-*).
//!
//! A certificate is DER, Ed25519-signed, with private extensions for level, roles, sealing key, delegatee key and its
//! proof of possession, mailbox and GTIN prefixes. Parsing is strict, bounded and never panics. Nothing here looks at a
//! clock: validity is compared with the ledger's time by the caller.

use std::collections::BTreeSet;

use crate::{
    Digest,
    seal::SealingKey,
    sign::{SigningKey, VerifyingKey},
};

/// Longest certificate accepted, bytes.
pub const MAX_CERTIFICATE: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    Root = 0,
    Intermediate = 1,
    Institution = 2,
    Practitioner = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// May admit practitioners and enrol patients.
    Hospital = 1,
    /// May write clinical records.
    Doctor = 2,
    Pharmacy = 3,
    Insurer = 4,
    Researcher = 5,
    Maker = 6,
    Carrier = 7,
    Wholesaler = 8,
    Inspector = 9,
    /// Runs a validator.
    Validator = 10,
}

/// Delegatee key as carried: opaque here, checked by `delegation` and the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegateeBinding {
    /// `suite ‖ G2 point`, 97 bytes.
    pub key: Vec<u8>,
    /// Schnorr proof of possession bound to the subject.
    pub proof: Vec<u8>,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub level: Level,
    /// Stable identity of the subject under its issuer, 1..=64 bytes; kept at renewal.
    pub subject_id: String,
    /// Name for people, 1..=128 bytes.
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub signing_key: VerifyingKey,
    pub sealing_key: Option<SealingKey>,
    pub delegatee: Option<DelegateeBinding>,
    /// Standing mailbox id (hash of its owner's key), if any.
    pub mailbox: Option<Digest>,
    /// GS1 company prefixes of a maker, digits only.
    pub gtin_prefixes: Vec<String>,
    /// Unix seconds, inclusive.
    pub not_before: u64,
    /// Unix seconds, inclusive.
    pub not_after: u64,
}

/// A parsed certificate; its issuer's signature is *not* implied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    contents: Contents,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("not a certificate of this system: {0}")]
    Malformed(&'static str),
    #[error("certificate of {0} bytes is larger than {MAX_CERTIFICATE}")]
    TooLarge(usize),
    #[error("issuer's signature does not verify")]
    Signature,
    #[error("issuer may not certify this level")]
    Level,
    #[error("outside the issuer's validity")]
    Validity,
}

impl Certificate {
    pub fn parse(_der: &[u8]) -> Result<Self, CertificateError> {
        todo!()
    }
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    pub fn contents(&self) -> &Contents {
        &self.contents
    }
    /// Hash of the DER.
    pub fn id(&self) -> Digest {
        todo!()
    }
    /// Signature by `issuer`'s key, levels descend by one, validity nested. A root is its own issuer.
    pub fn verify_issued_by(&self, _issuer: &Certificate) -> Result<(), CertificateError> {
        todo!()
    }
}

/// Signs `contents` with the issuer's key. `issuer` is `None` for a root.
pub fn issue(
    _contents: &Contents,
    _issuer: Option<&Certificate>,
    _key: &SigningKey,
) -> Result<Certificate, CertificateError> {
    todo!()
}
