//! Who is certified now (spec A-7): a member, its newest certificates, and everybody above it.

use futures::future::BoxFuture;
use yilian_crypto::{
    certificate::{Certificate, Contents},
    sign::VerifyingKey,
};
use yilian_ledger::{
    Entry, Kind, Time,
    entry::{Certified, MemberEntry},
    name::MemberId,
};

use crate::view::{LedgerView, Unavailable};

/// From the bottom: an id does not tell its level.
const LEVELS: [Kind; 4] = [Kind::Practitioner, Kind::Institution, Kind::Intermediate, Kind::Root];

/// Evidence: the member and all its issuers are certified and unrevoked at the time asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedMember {
    kind: Kind,
    certificates: Vec<Contents>,
}

impl CertifiedMember {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Contents of every certificate that is valid now, oldest first.
    pub fn certificates(&self) -> &[Contents] {
        &self.certificates
    }

    pub fn signs_with(&self, key: &VerifyingKey) -> bool {
        self.certificates.iter().any(|contents| contents.signing_key == *key)
    }
}

/// `None`: unknown, expelled, expired, or under an expelled issuer.
pub async fn certified(
    view: &dyn LedgerView,
    id: MemberId,
    now: Time,
) -> Result<Option<CertifiedMember>, Unavailable> {
    for (level, kind) in LEVELS.into_iter().enumerate() {
        let Some(member) = member(view, id, kind).await? else { continue };
        let Some(certificates) = valid(&member, now) else { return Ok(None) };
        let above = issuers_certified(view, &member, &LEVELS[level + 1..], now).await?;
        return Ok(above.then_some(CertifiedMember { kind, certificates }));
    }
    Ok(None)
}

async fn issuers_certified(
    view: &dyn LedgerView,
    member: &MemberEntry,
    levels: &[Kind],
    now: Time,
) -> Result<bool, Unavailable> {
    let mut issuer = member.issuer;
    for kind in levels {
        let Some(id) = issuer else { return Ok(false) };
        match self::member(view, id, *kind).await? {
            Some(entry) if valid(&entry, now).is_some() => issuer = entry.issuer,
            _ => return Ok(false),
        }
    }
    Ok(issuer.is_none())
}

fn member<'a>(
    view: &'a dyn LedgerView,
    id: MemberId,
    kind: Kind,
) -> BoxFuture<'a, Result<Option<MemberEntry>, Unavailable>> {
    Box::pin(async move {
        Ok(match view.entry(id.name(kind)).await? {
            Some(Entry::Member(entry)) if entry.id == id => Some(entry),
            _ => None,
        })
    })
}

/// Certificates that count now; `None` when none does.
fn valid(member: &MemberEntry, now: Time) -> Option<Vec<Contents>> {
    if member.revoked.is_some_and(|at| at <= now) {
        return None;
    }
    let contents: Vec<_> =
        member.certificates.iter().filter_map(|certified| contents(certified, now)).collect();
    (!contents.is_empty()).then_some(contents)
}

fn contents(certified: &Certified, now: Time) -> Option<Contents> {
    if certified.revoked.is_some_and(|at| at <= now) {
        return None;
    }
    let certificate = Certificate::parse(&certified.certificate).ok()?;
    let contents = certificate.contents();
    let seconds = now.0 / 1000;
    (contents.not_before <= seconds && seconds <= contents.not_after).then(|| contents.clone())
}
