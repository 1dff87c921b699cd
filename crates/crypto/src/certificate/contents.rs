//! What a certificate says, and the rules its fields keep (spec M-2).

use std::collections::BTreeSet;

use super::CertificateError;
use crate::{Digest, seal::SealingKey, sign::VerifyingKey};

/// Longest subject id, bytes.
pub const MAX_SUBJECT_ID: usize = 64;
/// Longest name, bytes of UTF-8.
pub const MAX_NAME: usize = 128;
/// Most GTIN prefixes.
pub const MAX_GTIN_PREFIXES: usize = 32;
/// `suite ‖ G2 point`.
const DELEGATEE_KEY: usize = 97;
/// `suite ‖ challenge ‖ response`.
const DELEGATEE_PROOF: usize = 65;
/// 9999-12-31T23:59:59Z, the last time X.509 can write.
const MAX_TIME: u64 = 253_402_300_799;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    Root = 0,
    Intermediate = 1,
    Institution = 2,
    Practitioner = 3,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Root, Self::Intermediate, Self::Institution, Self::Practitioner];

    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| *level as u8 == value)
    }

    /// The level that a member of this one may certify.
    pub fn below(self) -> Option<Self> {
        Self::from_u8(self as u8 + 1)
    }
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

impl Role {
    pub const ALL: [Self; 10] = [
        Self::Hospital,
        Self::Doctor,
        Self::Pharmacy,
        Self::Insurer,
        Self::Researcher,
        Self::Maker,
        Self::Carrier,
        Self::Wholesaler,
        Self::Inspector,
        Self::Validator,
    ];

    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| *role as u8 == value)
    }
}

/// Delegatee key as carried: opaque here, checked by `delegation` and the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegateeBinding {
    /// `suite ‖ G2 point`, 97 bytes.
    pub key: Vec<u8>,
    /// `suite ‖ challenge ‖ response`, 65 bytes: Schnorr proof of possession bound to the subject's member id (M-3).
    pub proof: Vec<u8>,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub level: Level,
    /// Stable identity of the subject under its issuer, 1..=64 of `A-Z a-z 0-9 . _ : @ / -`; kept at renewal.
    pub subject_id: String,
    /// Name for people, 1..=128 bytes, no control or text-direction characters.
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub signing_key: VerifyingKey,
    pub sealing_key: Option<SealingKey>,
    pub delegatee: Option<DelegateeBinding>,
    /// Standing mailbox id (hash of its owner's key), if any.
    pub mailbox: Option<Digest>,
    /// GS1 company prefixes of a maker: 4 to 12 digits each, ascending, none twice.
    pub gtin_prefixes: Vec<String>,
    /// Unix seconds, inclusive.
    pub not_before: u64,
    /// Unix seconds, inclusive.
    pub not_after: u64,
}

impl Contents {
    /// The rules of M-2 that concern one certificate alone.
    pub fn check(&self) -> Result<(), CertificateError> {
        let rules = [
            (is_subject_id(&self.subject_id), "subject id"),
            (is_name(&self.name), "name"),
            (
                self.delegatee.as_ref().is_none_or(DelegateeBinding::is_sized),
                "delegatee key and proof lengths",
            ),
            (are_gtin_prefixes(&self.gtin_prefixes), "GTIN prefixes"),
            (
                self.gtin_prefixes.is_empty() || self.roles.contains(&Role::Maker),
                "GTIN prefixes without role maker",
            ),
            (self.not_before <= self.not_after && self.not_after <= MAX_TIME, "validity"),
        ];
        match rules.into_iter().find(|(kept, _)| !kept) {
            Some((_, rule)) => Err(CertificateError::Contents(rule)),
            None => Ok(()),
        }
    }

    /// Instant (Unix seconds) within the validity.
    pub fn is_valid_at(&self, seconds: u64) -> bool {
        (self.not_before..=self.not_after).contains(&seconds)
    }
}

impl DelegateeBinding {
    fn is_sized(&self) -> bool {
        self.key.len() == DELEGATEE_KEY && self.proof.len() == DELEGATEE_PROOF
    }
}

fn is_subject_id(id: &str) -> bool {
    (1..=MAX_SUBJECT_ID).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:@/-".contains(&b))
}

fn is_name(name: &str) -> bool {
    /// Characters that turn or hide text around them, so that a name would read as another.
    fn misleads(c: char) -> bool {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    }
    (1..=MAX_NAME).contains(&name.len()) && name.trim() == name && !name.chars().any(misleads)
}

fn are_gtin_prefixes(prefixes: &[String]) -> bool {
    prefixes.len() <= MAX_GTIN_PREFIXES
        && prefixes.is_sorted_by(|a, b| a < b)
        && prefixes.iter().all(|p| (4..=12).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
}
