//! What a server asks for (spec M-21): PKCS#10 (RFC 2986), signed by the key to be certified. Only its key and the hosts of its
//! subject alternative name count; whatever else it asks for is the issuer's to decide.

use std::collections::BTreeSet;

use der::{
    Decode as _, Encode as _,
    asn1::{Any, BitString, SetOfVec},
    oid::AssociatedOid as _,
};
use x509_cert::{
    attr::{Attribute, Attributes},
    ext::{Extensions, pkix::SubjectAltName},
    name::Name,
    request::{CertReq, CertReqInfo, ExtensionReq, Version},
    spki::SubjectPublicKeyInfoOwned,
};

use super::{Host, MAX_HOSTS, SUBJECT};
use crate::{
    certificate::{CertificateError as Error, profile, sign_raw, verify_raw},
    sign::{SigningKey, VerifyingKey},
};

/// Longest request accepted, bytes of DER.
pub const MAX_REQUEST: usize = 8192;

/// Evidence: the holder of the key asks to serve under these hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRequest {
    hosts: Vec<Host>,
    key: VerifyingKey,
}

impl ServerRequest {
    /// 1 to `MAX_HOSTS` hosts, ascending, none twice.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Writes and signs a request; DER.
    pub fn sign(hosts: &[Host], key: &SigningKey) -> Result<Vec<u8>, Error> {
        let hosts = distinct(hosts.iter().cloned())?;
        let unencodable = |_| Error::Contents("not encodable");
        let info = info(&hosts, &key.verifying_key()).map_err(unencodable)?;
        let signature = sign_raw(key, &info.to_der().map_err(unencodable)?);
        let signature = BitString::from_bytes(&signature).map_err(unencodable)?;
        CertReq { info, algorithm: profile::ed25519(), signature }.to_der().map_err(unencodable)
    }

    /// Bounded; the key is Ed25519 and has signed.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_REQUEST {
            return Err(Error::TooLarge(der.len()));
        }
        let request = CertReq::from_der(der).map_err(|_| Error::Malformed("not a PKCS#10 request in DER"))?;
        let spki = &request.info.public_key;
        let key = spki.subject_public_key.as_bytes().and_then(|bytes| bytes.try_into().ok());
        let key = key.filter(|_| spki.algorithm.oid == profile::ED25519);
        let key = key.ok_or(Error::Malformed("the key of a request is Ed25519"))?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| Error::Malformed("key"))?;
        if request.algorithm != profile::ed25519() {
            return Err(Error::Malformed("signature algorithm"));
        }
        let signature = request.signature.as_bytes().and_then(|bytes| bytes.try_into().ok());
        let signature = signature.ok_or(Error::Malformed("signature is not 64 bytes"))?;
        let signed = request.info.to_der().map_err(|_| Error::Malformed("request"))?;
        verify_raw(&key, &signed, signature)?;
        Ok(Self { hosts: hosts(&request.info.attributes)?, key })
    }
}

fn info(hosts: &[Host], key: &VerifyingKey) -> der::Result<CertReqInfo> {
    let names = hosts.iter().map(Host::general).collect::<der::Result<_>>()?;
    let wanted = vec![profile::extension(SubjectAltName::OID, false, &SubjectAltName(names))?];
    let values = SetOfVec::try_from(vec![Any::encode_from(&wanted)?])?;
    Ok(CertReqInfo {
        version: Version::V1,
        subject: Name::from_der(&profile::distinguished_name(SUBJECT, SUBJECT)?.to_der()?)?,
        public_key: SubjectPublicKeyInfoOwned {
            algorithm: profile::ed25519(),
            subject_public_key: BitString::from_bytes(key.as_bytes())?,
        },
        attributes: SetOfVec::try_from(vec![Attribute { oid: ExtensionReq::OID, values }])?,
    })
}

fn hosts(attributes: &Attributes) -> Result<Vec<Host>, Error> {
    let malformed = |_| Error::Malformed("subject alternative name");
    let wanted = attributes.iter().find(|attribute| attribute.oid == ExtensionReq::OID);
    let wanted = wanted.and_then(|attribute| attribute.values.get(0));
    let wanted = wanted.ok_or(Error::Malformed("a request names its hosts as subject alternative names"))?;
    let extensions: Extensions = wanted.decode_as().map_err(malformed)?;
    let names = extensions.iter().find(|extension| extension.extn_id == SubjectAltName::OID);
    let names = names.ok_or(Error::Malformed("a request names its hosts as subject alternative names"))?;
    let names = SubjectAltName::from_der(names.extn_value.as_bytes()).map_err(malformed)?;
    let unknown = Error::Contents("a host is a DNS name in lower case or an IP address");
    distinct(names.0.iter().map(|name| Host::of(name).ok_or(unknown.clone())).collect::<Result<Vec<_>, _>>()?)
}

fn distinct(hosts: impl IntoIterator<Item = Host>) -> Result<Vec<Host>, Error> {
    let hosts: BTreeSet<Host> = hosts.into_iter().collect();
    match hosts.len() {
        1..=MAX_HOSTS => Ok(hosts.into_iter().collect()),
        _ => Err(Error::Contents("a server has 1 to 16 hosts")),
    }
}
