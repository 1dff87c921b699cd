//! Weakened clients: the controls of the attacks on client flows, and the attackers' knowledge.
//!
//! [`WeakReader`] is a reader whose checks can be left out one by one. [`AuthorKnowledge`] is everything that the author
//! of a draft knows, and how he looks for it on the chain.

use commonware_codec::Encode as _;
use yilian_client::{
    Client, Host,
    content::{Collected, Object, Quiet},
    record::{Author, ContentKey, Document},
    wallet::keys::owner_commitment,
};
use yilian_crypto::{Digest, Label, hash::tagged, sign::VerifyingKey};
use yilian_delegation::{Capsule, CapsuleKey, DelegatorSecretKey, Wrapped};
use yilian_ledger::{Entry, Time, entry::RecordEntry};

/// What the author of a draft keeps.
#[derive(Clone, Debug)]
pub struct AuthorKnowledge {
    pub capsule: Capsule,
    pub wrapped: Wrapped,
    /// `K` of the draft.
    pub key: CapsuleKey,
    pub content: ContentKey,
    /// `oc` of the offer.
    pub owner_commitment: Digest,
}

impl AuthorKnowledge {
    /// From the draft's delegator key: the author drew `r` and so knows what it opens.
    pub fn new(
        draft: &DelegatorSecretKey,
        capsule: Capsule,
        wrapped: Wrapped,
        owner_commitment: Digest,
    ) -> Self {
        let key = draft.decapsulate(&capsule, &owner_commitment.0);
        let content = ContentKey::unwrap(&key, &wrapped).expect("the author wrapped it");
        Self { capsule, wrapped, key, content, owner_commitment }
    }

    /// Whether anything that the author knows marks this entry as his draft's.
    pub fn recognizes(&self, entry: &RecordEntry) -> bool {
        let by_owner = [&entry.owner.encode()[..], entry.owner.as_bytes()]
            .iter()
            .any(|key| tagged(Label::OwnerCommitment, &[key]) == self.owner_commitment);
        entry.capsule == self.capsule
            || entry.wrapped == self.wrapped
            || entry.com == self.content.com()
            || ContentKey::unwrap(&self.key, &entry.wrapped).is_ok()
            || by_owner
    }

    /// **Weakened**: what a wallet would enter that does not adopt: the author's own capsule, key and address.
    pub fn entered_as_it_is(&self, owner: VerifyingKey, time: Time) -> RecordEntry {
        RecordEntry { owner, capsule: self.capsule, wrapped: self.wrapped, com: self.content.com(), time }
    }
}

/// **Weakened**: an `oc` without salt, that anybody can recompute from an owner key on the chain.
pub fn unsalted_commitment(owner: &VerifyingKey) -> Digest {
    tagged(Label::OwnerCommitment, &[owner.as_bytes()])
}

/// Which checks a reader makes.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// `com` of the entry fits the content.
    pub com: bool,
    /// `oc` of the statement opens to the entry's owner.
    pub owner_commitment: bool,
    /// The author's certificate is judged at the entry's time, not at the signer's.
    pub at_entry: bool,
}

impl Checks {
    pub const ALL: Self = Self { com: true, owner_commitment: true, at_entry: true };
}

/// Why the weak reader refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Commitment,
    Owner,
    Author,
    Content,
}

/// **Weakened**: opens a record with some of the checks only. With all of them it refuses what the real one refuses.
pub struct WeakReader(pub Checks);

impl WeakReader {
    /// The body, if the checks that are made pass.
    pub async fn open<H: Host>(
        &self,
        client: &Client<H>,
        entry: &RecordEntry,
        salt: &[u8; 32],
        content: &ContentKey,
    ) -> Result<Vec<u8>, Refused> {
        if self.0.com && entry.com != content.com() {
            return Err(Refused::Commitment);
        }
        let document = fetch(client, content).await.ok_or(Refused::Content)?;
        let statement = document.statement();
        if self.0.owner_commitment && statement.owner_commitment != owner_commitment(&entry.owner, salt) {
            return Err(Refused::Owner);
        }
        let at = if self.0.at_entry { entry.time } else { statement.time };
        let counted = match statement.author {
            Author::Owner => document.verify(&entry.owner).is_ok(),
            Author::Member { member, kind, certificate } => {
                let member = client.member(member, kind).await.map_err(|_| Refused::Author)?;
                match member.certified(&certificate, None, at) {
                    Ok(certificate) => document.verify(&certificate.contents().signing_key).is_ok(),
                    Err(_) => false,
                }
            }
        };
        if counted { Ok(document.body().to_vec()) } else { Err(Refused::Author) }
    }
}

async fn fetch<H: Host>(client: &Client<H>, content: &ContentKey) -> Option<Document> {
    let mut object = Object::open(client, content.cid, &content.key).await.ok()?;
    let mut bytes = Collected::new(16 << 20);
    object.read_all(client, None, &mut bytes, &mut Quiet).await.ok()?;
    Document::parse(&bytes.bytes, client.chain()).ok()
}

/// **Weakened**: takes a certified header however old it is.
pub fn without_freshness(
    genesis: &yilian_ledger::Genesis,
    snapshot: &yilian_finality::Snapshot,
) -> Option<yilian_finality::VerifiedHeader> {
    yilian_finality::verify_historical(&yilian_finality::Trust::genesis(genesis).ok()?, snapshot).ok()
}

/// The record entry in an entry.
pub fn record_of(entry: Option<Entry>) -> Option<RecordEntry> {
    match entry {
        Some(Entry::Record(record)) => Some(record),
        _ => None,
    }
}
