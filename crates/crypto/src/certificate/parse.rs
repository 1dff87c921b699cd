//! Strict parsing (spec M-4): read what is needed, check the rules, build the canonical form again, compare.

use std::collections::BTreeSet;

use commonware_codec::{Copying, DecodeExt as _};
use der::{
    Decode, Encode as _,
    asn1::{ObjectIdentifier, OctetString, Utf8StringRef},
    oid::AssociatedOid as _,
};
use x509_cert::{
    ext::{Extension, pkix::AuthorityKeyIdentifier},
    name::RdnSequence,
};

use super::{
    Certificate, CertificateError as Error, Contents, DelegateeBinding, Level, MAX_CERTIFICATE, Role,
    profile::{
        self, COMMON_NAME, DELEGATEE, DelegateeValue, ED25519, GTIN_PREFIXES, IssuerName, KNOWN, LEVEL,
        MAILBOX, ROLES, SEALING_KEY, Signed, Tbs, UID,
    },
};
use crate::{Digest, seal::SealingKey, sign::VerifyingKey};

pub(super) fn parse(der: &[u8]) -> Result<Certificate, Error> {
    if der.len() > MAX_CERTIFICATE {
        return Err(Error::TooLarge(der.len()));
    }
    let outer = Signed::from_der(der).map_err(|_| Error::Malformed("not an X.509 v3 certificate in DER"))?;
    check_extensions(&outer.tbs.extensions)?;
    let contents = contents(&outer.tbs)?;
    contents.check()?;
    let issuer = issuer(&outer.tbs)?;
    let signature = outer
        .signature
        .as_bytes()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Error::Malformed("signature is not 64 bytes"))?;
    let tbs = profile::tbs(&contents, &issuer).map_err(|_| Error::NotCanonical)?;
    let signed = tbs.to_der().map_err(|_| Error::NotCanonical)?;
    let again = Signed { tbs, algorithm: profile::ed25519(), signature: outer.signature }
        .to_der()
        .map_err(|_| Error::NotCanonical)?;
    if again != der {
        return Err(Error::NotCanonical);
    }
    Ok(Certificate { der: again, signed, signature, contents, issuer })
}

fn check_extensions(extensions: &[Extension]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for extension in extensions {
        if !seen.insert(extension.extn_id) {
            return Err(Error::DuplicateExtension);
        }
        if extension.critical && !KNOWN.contains(&extension.extn_id) {
            return Err(Error::UnknownCritical);
        }
    }
    Ok(())
}

fn contents(tbs: &Tbs) -> Result<Contents, Error> {
    let (subject_id, name) = distinguished_name(&tbs.subject)?;
    let level = required::<u8>(tbs, LEVEL, "level")?;
    Ok(Contents {
        level: Level::from_u8(level).ok_or(Error::Malformed("level"))?,
        subject_id,
        name,
        roles: roles(&required::<Vec<u8>>(tbs, ROLES, "roles")?)?,
        signing_key: signing_key(tbs)?,
        sealing_key: optional::<OctetString>(tbs, SEALING_KEY, "sealing key")?
            .map(|value| {
                SealingKey::decode(Copying(value.as_bytes())).map_err(|_| Error::Malformed("sealing key"))
            })
            .transpose()?,
        delegatee: optional::<DelegateeValue>(tbs, DELEGATEE, "delegatee key")?.map(|value| {
            DelegateeBinding { key: value.key.as_bytes().to_vec(), proof: value.proof.as_bytes().to_vec() }
        }),
        mailbox: optional::<OctetString>(tbs, MAILBOX, "mailbox")?
            .map(|value| value.as_bytes().try_into().map(Digest).map_err(|_| Error::Malformed("mailbox")))
            .transpose()?,
        gtin_prefixes: optional::<Vec<String>>(tbs, GTIN_PREFIXES, "GTIN prefixes")?.unwrap_or_default(),
        not_before: tbs.validity.not_before.to_unix_duration().as_secs(),
        not_after: tbs.validity.not_after.to_unix_duration().as_secs(),
    })
}

fn issuer(tbs: &Tbs) -> Result<IssuerName, Error> {
    let (subject_id, name) = distinguished_name(&tbs.issuer)?;
    let authority =
        required::<AuthorityKeyIdentifier>(tbs, AuthorityKeyIdentifier::OID, "authority key identifier")?;
    let key_id = authority
        .key_identifier
        .and_then(|id| id.as_bytes().try_into().ok())
        .ok_or(Error::Malformed("authority key identifier"))?;
    Ok(IssuerName { subject_id, name, key_id })
}

fn distinguished_name(name: &RdnSequence) -> Result<(String, String), Error> {
    let text = |wanted: ObjectIdentifier| {
        name.iter()
            .flat_map(|part| part.iter())
            .find(|attribute| attribute.oid == wanted)
            .and_then(|attribute| attribute.value.decode_as::<Utf8StringRef<'_>>().ok())
            .map(|text| text.as_str().to_owned())
            .ok_or(Error::Malformed("name"))
    };
    Ok((text(UID)?, text(COMMON_NAME)?))
}

fn signing_key(tbs: &Tbs) -> Result<VerifyingKey, Error> {
    let wrong = Error::Malformed("signing key");
    if tbs.key.algorithm.oid != ED25519 {
        return Err(wrong);
    }
    let bytes = tbs.key.subject_public_key.as_bytes().and_then(|bytes| bytes.try_into().ok());
    VerifyingKey::from_bytes(bytes.ok_or(wrong.clone())?).map_err(|_| wrong)
}

fn roles(values: &[u8]) -> Result<BTreeSet<Role>, Error> {
    values.iter().map(|value| Role::from_u8(*value).ok_or(Error::Malformed("role"))).collect()
}

fn required<T: for<'a> Decode<'a>>(tbs: &Tbs, oid: ObjectIdentifier, what: &'static str) -> Result<T, Error> {
    optional(tbs, oid, what)?.ok_or(Error::Malformed(what))
}

fn optional<T: for<'a> Decode<'a>>(
    tbs: &Tbs,
    oid: ObjectIdentifier,
    what: &'static str,
) -> Result<Option<T>, Error> {
    tbs.extensions
        .iter()
        .find(|extension| extension.extn_id == oid)
        .map(|extension| T::from_der(extension.extn_value.as_bytes()).map_err(|_| Error::Malformed(what)))
        .transpose()
}
