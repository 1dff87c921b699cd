//! Whether a member is certified now (spec M-5, L-47), as evidence that later steps demand.

use yilian_crypto::{
    certificate::{Certificate, Level, Role},
    sign::VerifyingKey,
};
use yilian_ledger::{
    Time,
    member::{MemberEntry, certified},
    name::MemberId,
};

use crate::AuthorityError;

/// Evidence: by proved entries, this member and everyone above it is certified and not revoked at the time asked about.
#[derive(Clone, Debug)]
pub struct Standing {
    id: MemberId,
    level: Level,
    certificates: Vec<Certificate>,
}

impl Standing {
    /// `chain`: the member first, a root last, each proved from the ledger.
    pub fn of(chain: &[MemberEntry], now: Time) -> Result<Self, AuthorityError> {
        let member = chain.first().ok_or(AuthorityError::MemberUnknown)?;
        let valid = |certificate: &Certificate| certified(chain, &certificate.id(), None, now).is_ok();
        let certificates: Vec<Certificate> =
            member.certificates.iter().map(|c| &c.certificate).filter(|c| valid(c)).cloned().collect();
        if certificates.is_empty() {
            return Err(AuthorityError::NotCertified);
        }
        Ok(Self { id: member.id, level: member.level, certificates })
    }

    pub fn id(&self) -> MemberId {
        self.id
    }

    pub fn level(&self) -> Level {
        self.level
    }

    /// Signing keys of the certificates that hold.
    pub fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.certificates.iter().map(|certificate| &certificate.contents().signing_key)
    }

    pub fn has_role(&self, role: Role) -> bool {
        self.certificates.iter().any(|certificate| certificate.contents().roles.contains(&role))
    }
}
