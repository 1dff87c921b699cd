//! The canonical form (spec M-4): from contents and issuer to the one DER encoding of the signed part.
//!
//! Extensions stand in the order of `extensions`. The private ones hang under an arc of the Internet's experimental branch
//! with random numbers below it (ADR 0020), since the usual OID types hold arcs of 32 bits and so no UUID.

use der::{
    Encode as _, Sequence,
    asn1::{Any, BitString, ObjectIdentifier, OctetString, SetOfVec, Utf8StringRef},
    flagset::FlagSet,
    oid::AssociatedOid as _,
};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::{
        Extension, Extensions,
        pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::{RdnSequence, RelativeDistinguishedName},
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::{Time, Validity},
};

use super::{Contents, Level};
use crate::{Label, hash, sign::VerifyingKey};

pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// User id (RFC 4519), carries the subject id.
pub(super) const UID: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1");
pub(super) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

pub(super) const LEVEL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.3.214619307.51770932.1");
pub(super) const ROLES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.3.214619307.51770932.2");
pub(super) const SEALING_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.3.214619307.51770932.3");
pub(super) const DELEGATEE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.3.214619307.51770932.4");
pub(super) const MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.3.214619307.51770932.5");
pub(super) const GTIN_PREFIXES: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.3.214619307.51770932.6");

/// Every extension of the profile.
pub(super) const KNOWN: [ObjectIdentifier; 10] = [
    BasicConstraints::OID,
    KeyUsage::OID,
    SubjectKeyIdentifier::OID,
    AuthorityKeyIdentifier::OID,
    LEVEL,
    ROLES,
    SEALING_KEY,
    DELEGATEE,
    MAILBOX,
    GTIN_PREFIXES,
];

/// RFC 5280 `Certificate`.
#[derive(Clone, Debug, Sequence)]
pub(super) struct Signed {
    pub(super) tbs: Tbs,
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) signature: BitString,
}

/// RFC 5280 `TBSCertificate`, without the unique identifiers, which this profile does not have.
#[derive(Clone, Debug, Sequence)]
pub(super) struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) version: u8,
    pub(super) serial: SerialNumber,
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) issuer: RdnSequence,
    pub(super) validity: Validity,
    pub(super) subject: RdnSequence,
    pub(super) key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    pub(super) extensions: Extensions,
}

/// Value of the extension `DELEGATEE`.
#[derive(Clone, Debug, Sequence)]
pub(super) struct DelegateeValue {
    pub(super) key: OctetString,
    pub(super) proof: OctetString,
}

/// The issuer as a certificate names it: name and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuerName {
    pub(super) subject_id: String,
    pub(super) name: String,
    pub(super) key_id: [u8; 20],
}

impl IssuerName {
    pub(super) fn of(issuer: &Contents) -> Self {
        Self {
            subject_id: issuer.subject_id.clone(),
            name: issuer.name.clone(),
            key_id: key_id(issuer.signing_key.as_bytes()),
        }
    }
}

/// RFC 7093 section 2, method 1, over the raw key: leftmost 160 bits of its SHA-256.
pub(super) fn key_id(key: &[u8; 32]) -> [u8; 20] {
    hash::sha256(key).0[..20].try_into().expect("32 bytes hold 20")
}

pub(super) fn ed25519() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ED25519, parameters: None }
}

/// The signed part for contents that keep their rules.
pub(super) fn tbs(contents: &Contents, issuer: &IssuerName) -> der::Result<Tbs> {
    tbs_of(
        issuer,
        (&contents.subject_id, &contents.name),
        (contents.not_before, contents.not_after),
        &contents.signing_key,
        extensions(contents, issuer)?,
    )
}

/// The signed part around any extensions. `subject`: id and name; `validity`: Unix seconds, inclusive.
pub(super) fn tbs_of(
    issuer: &IssuerName,
    subject: (&str, &str),
    validity: (u64, u64),
    key: &VerifyingKey,
    extensions: Extensions,
) -> der::Result<Tbs> {
    let issuer_name = distinguished_name(&issuer.subject_id, &issuer.name)?;
    let subject = distinguished_name(subject.0, subject.1)?;
    let validity = Validity::new(time(validity.0)?, time(validity.1)?);
    let key = SubjectPublicKeyInfoOwned {
        algorithm: ed25519(),
        subject_public_key: BitString::from_bytes(key.as_bytes())?,
    };
    let parts =
        [issuer_name.to_der()?, validity.to_der()?, subject.to_der()?, key.to_der()?, extensions.to_der()?];
    let serial = serial(&parts.each_ref().map(Vec::as_slice))?;
    Ok(Tbs {
        version: 2,
        serial,
        algorithm: ed25519(),
        issuer: issuer_name,
        validity,
        subject,
        key,
        extensions,
    })
}

/// 127 bits of a hash over everything else: positive, and different for different contents, with no counter to keep.
fn serial(parts: &[&[u8]]) -> der::Result<SerialNumber> {
    let mut bytes = hash::tagged(Label::CertificateSerial, parts).0;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::new(&bytes[..16])
}

pub(super) fn distinguished_name(subject_id: &str, name: &str) -> der::Result<RdnSequence> {
    let mut sequence = RdnSequence::default();
    for (oid, text) in [(UID, subject_id), (COMMON_NAME, name)] {
        let value = Any::encode_from(&Utf8StringRef::new(text)?)?;
        let attribute = AttributeTypeAndValue { oid, value };
        sequence.push(RelativeDistinguishedName::from(SetOfVec::try_from(vec![attribute])?));
    }
    Ok(sequence)
}

/// UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5).
fn time(seconds: u64) -> der::Result<Time> {
    Ok(der::DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))?.into())
}

fn extensions(contents: &Contents, issuer: &IssuerName) -> der::Result<Extensions> {
    let issues = contents.level.below().is_some();
    let below = Level::Institution as u8;
    let constraints = BasicConstraints {
        ca: issues,
        // Levels that may follow below the certified one.
        path_len_constraint: issues.then(|| below - contents.level as u8),
    };
    let usage: FlagSet<KeyUsages> = match issues {
        true => KeyUsages::DigitalSignature | KeyUsages::KeyCertSign,
        false => KeyUsages::DigitalSignature.into(),
    };
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_id)?),
        ..AuthorityKeyIdentifier::default()
    };
    let roles: Vec<u8> = contents.roles.iter().map(|role| *role as u8).collect();
    let mut all = vec![
        extension(BasicConstraints::OID, true, &constraints)?,
        extension(KeyUsage::OID, true, &KeyUsage(usage))?,
        extension(
            SubjectKeyIdentifier::OID,
            false,
            &OctetString::new(key_id(contents.signing_key.as_bytes()))?,
        )?,
        extension(AuthorityKeyIdentifier::OID, false, &authority)?,
        extension(LEVEL, false, &(contents.level as u8))?,
        extension(ROLES, false, &roles)?,
    ];
    if let Some(key) = &contents.sealing_key {
        all.push(extension(
            SEALING_KEY,
            false,
            &OctetString::new(commonware_codec::Encode::encode(key).to_vec())?,
        )?);
    }
    if let Some(binding) = &contents.delegatee {
        let value = DelegateeValue {
            key: OctetString::new(binding.key.clone())?,
            proof: OctetString::new(binding.proof.clone())?,
        };
        all.push(extension(DELEGATEE, false, &value)?);
    }
    if let Some(mailbox) = &contents.mailbox {
        all.push(extension(MAILBOX, false, &OctetString::new(mailbox.0)?)?);
    }
    if !contents.gtin_prefixes.is_empty() {
        all.push(extension(GTIN_PREFIXES, false, &contents.gtin_prefixes)?);
    }
    Ok(all)
}

pub(super) fn extension(
    oid: ObjectIdentifier,
    critical: bool,
    value: &impl der::Encode,
) -> der::Result<Extension> {
    Ok(Extension { extn_id: oid, critical, extn_value: OctetString::new(value.to_der()?)? })
}
