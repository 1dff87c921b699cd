//! Issuing (spec M-5): deterministic, so that the same contents under the same issuer give the same certificate.

use der::{Encode as _, asn1::BitString};

use super::{
    Certificate, CertificateError, Contents, Level, MAX_CERTIFICATE, check_hierarchy,
    profile::{self, IssuerName, Signed},
    sign_raw,
};
use crate::sign::SigningKey;

/// Signs `contents` with the issuer's key. `issuer` is `None` for a root, which signs itself.
///
/// Does not check the delegatee key's proof of possession, which needs `delegation`.
pub fn issue(
    contents: &Contents,
    issuer: Option<&Certificate>,
    key: &SigningKey,
) -> Result<Certificate, CertificateError> {
    contents.check()?;
    let issuer = match issuer {
        Some(issuer) => issuer.contents(),
        None => contents,
    };
    if (contents.level == Level::Root) != std::ptr::eq(issuer, contents) {
        return Err(CertificateError::Level);
    }
    check_hierarchy(contents, issuer)?;
    if key.verifying_key() != issuer.signing_key {
        return Err(CertificateError::WrongKey);
    }
    sign(contents, IssuerName::of(issuer), key)
}

fn sign(contents: &Contents, issuer: IssuerName, key: &SigningKey) -> Result<Certificate, CertificateError> {
    let unencodable = |_| CertificateError::Contents("not encodable");
    let tbs = profile::tbs(contents, &issuer).map_err(unencodable)?;
    let signed = tbs.to_der().map_err(unencodable)?;
    let signature = sign_raw(key, &signed);
    let der = Signed {
        tbs,
        algorithm: profile::ed25519(),
        signature: BitString::from_bytes(&signature).map_err(unencodable)?,
    }
    .to_der()
    .map_err(unencodable)?;
    if der.len() > MAX_CERTIFICATE {
        return Err(CertificateError::TooLarge(der.len()));
    }
    Ok(Certificate { der, signed, signature, contents: contents.clone(), issuer })
}
