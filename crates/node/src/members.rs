//! Who is certified now (spec H-7): a member with everybody above it, read from the state.

use yilian_crypto::{certificate::Contents, sign::VerifyingKey};
use yilian_ledger::{Entry, Kind, MemberEntry, Name, Time, member::Certified, name::MemberId};

use crate::view::{LedgerView, Unavailable};

/// From the bottom: an id does not tell its level.
const LEVELS: [Kind; 4] = [Kind::Practitioner, Kind::Institution, Kind::Intermediate, Kind::Root];

/// Evidence: the member and all its issuers were certified at the time asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedMember {
    member: MemberEntry,
    at: Time,
}

impl CertifiedMember {
    pub fn id(&self) -> MemberId {
        self.member.id
    }

    pub fn kind(&self) -> Kind {
        self.member.level.into()
    }

    /// Of every certificate that held then, oldest first.
    pub fn certificates(&self) -> impl Iterator<Item = &Contents> {
        let holding = |certified: &&Certified| certified.holds_at(self.at).is_ok();
        self.member.certificates.iter().filter(holding).map(|certified| certified.certificate.contents())
    }

    pub fn signs_with(&self, key: &VerifyingKey) -> bool {
        self.certificates().any(|contents| contents.signing_key == *key)
    }
}

/// `None`: unknown, expelled, expired, or under an issuer that is.
pub async fn certified(
    view: &dyn LedgerView,
    id: MemberId,
    at: Time,
) -> Result<Option<CertifiedMember>, Unavailable> {
    for kind in LEVELS {
        if let Some(member) = member(view, id.name(kind)).await?.filter(|member| member.id == id) {
            let certified = chain_certified(view, &member, at).await?;
            return Ok(certified.then_some(CertifiedMember { member, at }));
        }
    }
    Ok(None)
}

/// The member and those above it, up to a root; levels rise by one at each step, so this ends.
async fn chain_certified(view: &dyn LedgerView, member: &MemberEntry, at: Time) -> Result<bool, Unavailable> {
    let mut link = member.clone();
    while link.certified_at(at).is_some() {
        let Some(above) = link.issuer_name() else { return Ok(link.issuer.is_none()) };
        match self::member(view, above).await? {
            Some(issuer) => link = issuer,
            None => return Ok(false),
        }
    }
    Ok(false)
}

async fn member(view: &dyn LedgerView, name: Name) -> Result<Option<MemberEntry>, Unavailable> {
    Ok(match view.entry(name).await? {
        Some(Entry::Member(member)) => Some(member),
        _ => None,
    })
}
