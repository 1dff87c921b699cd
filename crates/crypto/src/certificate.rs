//! X.509 v3 (RFC 5280): root → intermediate → institution → practitioner (spec M-*).
//!
//! A certificate is DER, Ed25519-signed (RFC 8410), with private extensions for level, roles, sealing key, delegatee key and
//! its proof of possession, mailbox and GTIN prefixes. The profile is closed and canonical: what is parsed is built again
//! and must give the same bytes, so one content has one encoding (M-4). Parsing is bounded and never panics. Nothing here
//! looks at a clock: validity is compared with the ledger's time by the caller.

mod contents;
mod issue;
mod parse;
mod profile;
pub mod server;

#[cfg(test)]
mod tests;

pub use contents::{Contents, DelegateeBinding, Level, MAX_GTIN_PREFIXES, MAX_NAME, MAX_SUBJECT_ID, Role};
pub use issue::issue;

use crate::{
    Digest, Label,
    hash::tagged,
    sign::{SigningKey, VerifyingKey},
};
use profile::IssuerName;

/// Longest certificate accepted, bytes.
pub const MAX_CERTIFICATE: usize = 4096;

/// A parsed certificate; its issuer's signature is *not* implied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// The signed part of `der`.
    signed: Vec<u8>,
    signature: [u8; 64],
    contents: Contents,
    issuer: IssuerName,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("not a certificate of this system: {0}")]
    Malformed(&'static str),
    #[error("certificate of {0} bytes is larger than {MAX_CERTIFICATE}")]
    TooLarge(usize),
    #[error("certificate has a critical extension unknown here")]
    UnknownCritical,
    #[error("certificate has an extension twice")]
    DuplicateExtension,
    #[error("certificate is not in this system's canonical form")]
    NotCanonical,
    #[error("contents break a rule: {0}")]
    Contents(&'static str),
    #[error("key is not the one that the issuer's certificate names")]
    WrongKey,
    #[error("certificate names another issuer")]
    Issuer,
    #[error("issuer's signature does not verify")]
    Signature,
    #[error("issuer may not certify this level")]
    Level,
    #[error("outside the issuer's validity")]
    Validity,
}

impl Certificate {
    /// Strict: at most `MAX_CERTIFICATE` bytes, canonical, all contents within their rules (M-2 to M-4).
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        parse::parse(der)
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Hash of the DER.
    pub fn id(&self) -> Digest {
        tagged(Label::Certificate, &[&self.der])
    }

    /// Subject id of the issuer that the certificate names; whether it signed is `verify_issued_by`'s word.
    pub fn issuer_subject_id(&self) -> &str {
        &self.issuer.subject_id
    }

    /// The issuer's name and key as written here, its signature, levels descend by one, validity nested (M-5). A root is
    /// its own issuer.
    pub fn verify_issued_by(&self, issuer: &Certificate) -> Result<(), CertificateError> {
        if self.contents.level == Level::Root && self != issuer {
            return Err(CertificateError::Issuer);
        }
        check_hierarchy(&self.contents, issuer.contents())?;
        if self.issuer != IssuerName::of(issuer.contents()) {
            return Err(CertificateError::Issuer);
        }
        verify_raw(&issuer.contents.signing_key, &self.signed, &self.signature)
    }
}

/// Level and validity of a certificate under its issuer (M-5).
fn check_hierarchy(subject: &Contents, issuer: &Contents) -> Result<(), CertificateError> {
    if subject.level != Level::Root && issuer.level.below() != Some(subject.level) {
        return Err(CertificateError::Level);
    }
    if subject.not_before < issuer.not_before || subject.not_after > issuer.not_after {
        return Err(CertificateError::Validity);
    }
    Ok(())
}

/// X.509 signs the bytes themselves, without this system's domain tags: they start with 0x30 and are longer than any tagged
/// digest, so that no signature serves as both (M-6).
fn sign_raw(key: &SigningKey, bytes: &[u8]) -> [u8; 64] {
    use ed25519_dalek::Signer as _;
    ed25519_dalek::SigningKey::from_bytes(key.seed().expose()).sign(bytes).to_bytes()
}

fn verify_raw(key: &VerifyingKey, bytes: &[u8], signature: &[u8; 64]) -> Result<(), CertificateError> {
    ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes())
        .and_then(|key| key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(signature)))
        .map_err(|_| CertificateError::Signature)
}
