//! Certificates of servers: for TLS, under any member that may certify, and of no weight anywhere else (spec M-20 to M-24).
//!
//! A server's certificate names hosts and carries none of the profile's own extensions, so [`Certificate::parse`] refuses it and
//! no ledger admits it; a member's certificate names no host, so no TLS client takes it for a server. What is asked for comes
//! as PKCS#10, which the tools of whoever runs a server write as well.

mod host;
mod request;
#[cfg(test)]
mod tests;

use der::{
    Decode as _, Encode as _,
    asn1::{BitString, ObjectIdentifier, OctetString},
    flagset::FlagSet,
    oid::AssociatedOid as _,
};
use x509_cert::ext::{
    Extensions,
    pkix::{
        AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
        SubjectKeyIdentifier, name::GeneralName,
    },
};

pub use self::{
    host::{Host, HostError, MAX_HOSTS},
    request::{MAX_REQUEST, ServerRequest},
};
use super::{
    Certificate, CertificateError,
    profile::{self, IssuerName, Signed},
    sign_raw,
};
use crate::sign::SigningKey;

/// Longest validity, seconds: a key that leaked is of use no longer than that.
pub const MAX_VALIDITY: u64 = 400 * 86_400;
/// Longest general certificate that is looked at, bytes.
const MAX_GENERAL: usize = 64 << 10;
/// Subject id that marks a server; a member may have the same, since nothing looks it up.
const SUBJECT: &str = "server";
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// What a TLS certificate says, whoever issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerContents {
    /// As far as this system knows their form; others are left out.
    pub hosts: Vec<Host>,
    /// Unix seconds, inclusive.
    pub not_before: u64,
    /// Unix seconds, inclusive.
    pub not_after: u64,
}

/// Certifies a server for the hosts and the key of a request (M-22); the DER. `issuer` may certify members of some level, its key is
/// `key`; `not_before..=not_after` (Unix seconds) lies within its validity and is at most `MAX_VALIDITY` long.
pub fn issue_server(
    request: &ServerRequest,
    issuer: &Certificate,
    key: &SigningKey,
    not_before: u64,
    not_after: u64,
) -> Result<Vec<u8>, CertificateError> {
    let bounds = issuer.contents();
    if bounds.level.below().is_none() {
        return Err(CertificateError::Level);
    }
    if key.verifying_key() != bounds.signing_key {
        return Err(CertificateError::WrongKey);
    }
    let nested = bounds.not_before <= not_before && not_after <= bounds.not_after;
    if !nested || not_before > not_after || not_after - not_before > MAX_VALIDITY {
        return Err(CertificateError::Validity);
    }
    let unencodable = |_| CertificateError::Contents("not encodable");
    let issuer = IssuerName::of(bounds);
    let extensions = extensions(request, &issuer).map_err(unencodable)?;
    let name = request.hosts()[0].to_string().chars().take(64).collect::<String>();
    let tbs = profile::tbs_of(&issuer, (SUBJECT, &name), (not_before, not_after), request.key(), extensions)
        .map_err(unencodable)?;
    let signature = sign_raw(key, &tbs.to_der().map_err(unencodable)?);
    let signature = BitString::from_bytes(&signature).map_err(unencodable)?;
    Signed { tbs, algorithm: profile::ed25519(), signature }.to_der().map_err(unencodable)
}

impl ServerContents {
    /// Of any X.509 certificate; what it says is not verified here.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_GENERAL {
            return Err(CertificateError::TooLarge(der.len()));
        }
        let malformed = CertificateError::Malformed("not an X.509 certificate in DER");
        let general = x509_cert::Certificate::from_der(der).map_err(|_| malformed)?;
        let tbs = general.tbs_certificate();
        let names = tbs.get_extension::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0);
        Ok(Self {
            hosts: names.unwrap_or_default().iter().filter_map(Host::of).collect(),
            not_before: tbs.validity().not_before.to_unix_duration().as_secs(),
            not_after: tbs.validity().not_after.to_unix_duration().as_secs(),
        })
    }
}

fn extensions(request: &ServerRequest, issuer: &IssuerName) -> der::Result<Extensions> {
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    let usage: FlagSet<KeyUsages> = KeyUsages::DigitalSignature.into();
    let subject_key = OctetString::new(profile::key_id(request.key().as_bytes()))?;
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_id)?),
        ..AuthorityKeyIdentifier::default()
    };
    let names = request.hosts().iter().map(Host::general).collect::<der::Result<Vec<GeneralName>>>()?;
    Ok(vec![
        profile::extension(BasicConstraints::OID, true, &constraints)?,
        profile::extension(KeyUsage::OID, true, &KeyUsage(usage))?,
        profile::extension(SubjectKeyIdentifier::OID, false, &subject_key)?,
        profile::extension(AuthorityKeyIdentifier::OID, false, &authority)?,
        profile::extension(ExtendedKeyUsage::OID, false, &ExtendedKeyUsage(vec![SERVER_AUTH]))?,
        profile::extension(SubjectAltName::OID, false, &SubjectAltName(names))?,
    ])
}
