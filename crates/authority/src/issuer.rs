//! A member that certifies the level below its own: its certificate and signing key (spec M-10, M-12).
//!
//! The same type serves the root that certifies intermediates, the authority's intermediate that certifies institutions, and an
//! institution that certifies its practitioners.

use yilian_crypto::{
    Digest,
    certificate::{
        Certificate, Contents, Level, issue,
        server::{ServerRequest, issue_server},
    },
    sign::SigningKey,
};
use yilian_ledger::{
    ChainId, Transaction,
    name::MemberId,
    transaction::{AddMember, Revoke},
};

use crate::AuthorityError;

/// Unix seconds, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: u64,
    pub not_after: u64,
}

#[derive(Clone, Debug)]
pub struct Issuer {
    id: MemberId,
    certificate: Certificate,
    key: SigningKey,
}

impl Issuer {
    /// A new self-signed root with these contents; level and signing key are set here.
    pub fn root(contents: Contents, key: SigningKey) -> Result<Self, AuthorityError> {
        let contents = Contents { level: Level::Root, signing_key: key.verifying_key(), ..contents };
        let certificate = issue(&contents, None, &key).map_err(AuthorityError::Issue)?;
        Ok(Self { id: MemberId::of(None, &contents.subject_id), certificate, key })
    }

    /// From a certificate on disk. `above`: member id of its issuer, `None` for a root.
    pub fn new(above: Option<MemberId>, der: &[u8], key: SigningKey) -> Result<Self, AuthorityError> {
        let certificate = Certificate::parse(der).map_err(AuthorityError::Issue)?;
        if certificate.contents().signing_key != key.verifying_key() {
            return Err(AuthorityError::Corrupt("the certificate is not of this key"));
        }
        if (certificate.contents().level == Level::Root) != above.is_none() {
            return Err(AuthorityError::Corrupt("only a root has nobody above it"));
        }
        Ok(Self { id: MemberId::of(above, &certificate.contents().subject_id), certificate, key })
    }

    pub fn id(&self) -> MemberId {
        self.id
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A certificate of the level below; says nothing about the delegatee key, which `admission` checks.
    pub fn certify(&self, contents: &Contents) -> Result<Certificate, AuthorityError> {
        issue(contents, Some(&self.certificate), &self.key).map_err(AuthorityError::Issue)
    }

    /// A server's certificate for TLS (spec M-22); DER. Whether the hosts are the applicant's is the operator's to know.
    pub fn certify_server(
        &self,
        request: &ServerRequest,
        validity: Validity,
    ) -> Result<Vec<u8>, AuthorityError> {
        let Validity { not_before, not_after } = validity;
        issue_server(request, &self.certificate, &self.key, not_before, not_after)
            .map_err(AuthorityError::Issue)
    }

    /// An issuer below this one, with a key of its own.
    pub fn subordinate(&self, contents: Contents, key: SigningKey) -> Result<Self, AuthorityError> {
        let contents = Contents { signing_key: key.verifying_key(), ..contents };
        let certificate = self.certify(&contents)?;
        Ok(Self { id: MemberId::of(Some(self.id), &contents.subject_id), certificate, key })
    }

    /// The ledger's admission of a certificate of this issuer.
    pub fn add_member(&self, chain: ChainId, certificate: &Certificate) -> Transaction {
        AddMember::transaction(chain, self.id, certificate)
    }

    /// Expels a member of this issuer, or ends one of its certificates.
    pub fn revoke(
        &self,
        chain: ChainId,
        level: Level,
        member: MemberId,
        certificate: Option<Digest>,
    ) -> Result<Transaction, AuthorityError> {
        if self.certificate.contents().level.below() != Some(level) {
            return Err(AuthorityError::Field("level"));
        }
        Ok(Revoke::sign(chain, level, member, certificate, &self.key))
    }
}
