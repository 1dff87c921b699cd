//! The directory of members, verified (spec R-14): institutions whole, practitioners by bucket.
//!
//! A member is known here with every member above it, up to a root; whether it counted at some time of the ledger is
//! asked of that chain. Cards for granting exist only for members that are certified now.

use yilian_crypto::{
    Digest,
    certificate::{Certificate, Role},
};
use yilian_delegation::{DelegateeKey, ProofOfPossession};
use yilian_ledger::{
    Entry, Kind, Name, Time,
    member::{Certified, MemberEntry, certified},
    name::MemberId,
};

use crate::{client::Client, error::ClientError, host::Host, wallet::keys::MailboxAddress, wire::decode};

/// Longest chain of members: practitioner, institution, intermediate, root.
const MAX_CHAIN: usize = 4;

/// A member and those above it, each proved from the ledger; signatures of the certificates checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedMember {
    chain: Vec<MemberEntry>,
    /// The ledger's time of the view.
    time: Time,
}

/// Whom a record can be granted to: certified now, with all that a grant needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderCard {
    id: MemberId,
    kind: Kind,
    name: String,
    institution: String,
    delegatee: DelegateeKey,
    mailbox: MailboxAddress,
    certificate: Certificate,
}

impl VerifiedMember {
    /// Chain of entries, the member first.
    fn new(chain: Vec<MemberEntry>, time: Time) -> Result<Self, ClientError> {
        let issued = |pair: &[MemberEntry]| {
            let by = |c: &Certified| {
                pair[1].certificates.iter().any(|i| c.certificate.verify_issued_by(&i.certificate).is_ok())
            };
            pair[0].certificates.iter().all(by)
        };
        let rooted = chain.last().is_some_and(|root| {
            root.certificates.iter().all(|c| c.certificate.verify_issued_by(&c.certificate).is_ok())
        });
        if rooted && chain.windows(2).all(issued) {
            Ok(Self { chain, time })
        } else {
            Err(ClientError::CertificateChain)
        }
    }

    pub fn entry(&self) -> &MemberEntry {
        &self.chain[0]
    }

    pub fn id(&self) -> MemberId {
        self.entry().id
    }

    /// Those above, the issuer first.
    pub fn above(&self) -> &[MemberEntry] {
        &self.chain[1..]
    }

    /// When the ledger was in this state.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The certificate, if it counted at `at`, a time of the ledger.
    pub fn certified(
        &self,
        certificate: &Digest,
        role: Option<Role>,
        at: Time,
    ) -> Result<&Certificate, yilian_ledger::member::NotCertified> {
        certified(&self.chain, certificate, role, at)
    }

    /// The newest certificate that counts now.
    pub fn current(&self) -> Option<&Certificate> {
        let newest = self.entry().certified_at(self.time)?;
        certified(&self.chain, &newest.id(), None, self.time).ok()
    }

    /// Name for people, by the newest certificate.
    pub fn name(&self) -> &str {
        name_of(self.entry())
    }

    /// Name of the institution: the member itself or its issuer.
    pub fn institution(&self) -> &str {
        self.chain.iter().take(2).find(|m| kind_of(m) == Kind::Institution).map(name_of).unwrap_or_default()
    }

    /// What a grant or a sealed message needs.
    pub fn card(&self) -> Result<ReaderCard, ClientError> {
        let certificate = self.current().ok_or(ClientError::NotCertifiedNow)?;
        let contents = certificate.contents();
        let binding = contents.delegatee.as_ref().ok_or(ClientError::IncompleteCard("delegatee key"))?;
        let unusable = ClientError::IncompleteCard("usable delegatee key");
        let delegatee: DelegateeKey = decode(&binding.key).map_err(|_| unusable.clone())?;
        let proof: ProofOfPossession = decode(&binding.proof).map_err(|_| unusable.clone())?;
        delegatee.verify(self.id().possession_context(), &proof).map_err(|_| unusable)?;
        Ok(ReaderCard {
            id: self.id(),
            kind: kind_of(self.entry()),
            name: contents.name.clone(),
            institution: self.institution().to_owned(),
            delegatee,
            mailbox: self.mailbox()?,
            certificate: certificate.clone(),
        })
    }

    /// Where to leave a sealed message.
    pub fn mailbox(&self) -> Result<MailboxAddress, ClientError> {
        let contents = self.current().ok_or(ClientError::NotCertifiedNow)?.contents();
        Ok(MailboxAddress {
            id: contents.mailbox.ok_or(ClientError::IncompleteCard("mailbox"))?,
            sealing: contents.sealing_key.ok_or(ClientError::IncompleteCard("sealing key"))?,
        })
    }
}

impl ReaderCard {
    pub fn id(&self) -> MemberId {
        self.id
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn institution(&self) -> &str {
        &self.institution
    }

    pub fn delegatee(&self) -> &DelegateeKey {
        &self.delegatee
    }

    pub fn mailbox(&self) -> &MailboxAddress {
        &self.mailbox
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// How old a view may be.
#[derive(Clone, Copy, Debug)]
enum Age {
    /// Not stale.
    Fresh,
    /// Asked for just now.
    Now,
}

fn name_of(member: &MemberEntry) -> &str {
    member.certificates.last().map(|c| c.certificate.contents().name.as_str()).unwrap_or_default()
}

fn kind_of(member: &MemberEntry) -> Kind {
    member.level.into()
}

impl<H: Host> Client<H> {
    /// A member with those above it.
    pub async fn member(&self, id: MemberId, kind: Kind) -> Result<VerifiedMember, ClientError> {
        self.member_chain(id, kind, Age::Fresh).await
    }

    /// The same, all of it asked anew: where a revocation of a minute ago must count.
    pub async fn member_now(&self, id: MemberId, kind: Kind) -> Result<VerifiedMember, ClientError> {
        self.member_chain(id, kind, Age::Now).await
    }

    async fn member_chain(&self, id: MemberId, kind: Kind, age: Age) -> Result<VerifiedMember, ClientError> {
        let mut chain: Vec<MemberEntry> = Vec::new();
        let mut name = Some(id.name(kind));
        let mut time = Time(u64::MAX);
        while let Some(next) = name {
            if chain.len() == MAX_CHAIN {
                return Err(ClientError::CertificateChain);
            }
            let (entry, at) = self.member_entry(&next, age).await?;
            let entry = entry.ok_or(ClientError::UnknownMember(id))?;
            if entry.name() != next {
                return Err(ClientError::WrongEntry);
            }
            time = time.min(at);
            name = entry.issuer_name();
            chain.push(entry);
        }
        VerifiedMember::new(chain, time)
    }

    /// Practitioners by bucket, everything above whole.
    async fn member_entry(&self, name: &Name, age: Age) -> Result<(Option<MemberEntry>, Time), ClientError> {
        let view = match (name.kind(), age) {
            (Some(kind @ (Kind::Institution | Kind::Intermediate | Kind::Root)), Age::Fresh) => {
                self.whole(kind).await?
            }
            (Some(kind @ (Kind::Institution | Kind::Intermediate | Kind::Root)), Age::Now) => {
                self.whole_now(kind).await?
            }
            (_, Age::Fresh) => self.look_up(name).await?,
            (_, Age::Now) => self.look_up_now(name).await?,
        };
        match view.entry(name) {
            None => Ok((None, view.time())),
            Some(Entry::Member(member)) => Ok((Some(member.clone()), view.time())),
            Some(_) => Err(ClientError::WrongEntry),
        }
    }

    /// Every institution, revoked ones included.
    pub async fn institutions(&self) -> Result<Vec<MemberEntry>, ClientError> {
        let view = self.whole(Kind::Institution).await?;
        Ok(view.entries().filter_map(|(_, entry)| member_of(entry)).collect())
    }

    /// A member by id alone: an institution, or else a practitioner.
    pub async fn find_member(&self, id: MemberId) -> Result<VerifiedMember, ClientError> {
        let institutions = self.whole(Kind::Institution).await?;
        let kind = match institutions.entry(&id.name(Kind::Institution)) {
            Some(_) => Kind::Institution,
            None => Kind::Practitioner,
        };
        self.member(id, kind).await
    }

    /// Card of a reader, certified now.
    pub async fn reader_card(&self, id: MemberId) -> Result<ReaderCard, ClientError> {
        self.find_member(id).await?.card()
    }
}

fn member_of(entry: &Entry) -> Option<MemberEntry> {
    match entry {
        Entry::Member(member) => Some(member.clone()),
        _ => None,
    }
}
