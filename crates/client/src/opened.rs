//! The checks between an entry of the ledger and a record on a screen (spec R-18), the same for patient and reader:
//! `com`, the content by its address, the signed document, `oc`, the author at the entry's time, the profile.

use yilian_crypto::{Digest, certificate::Role, sign::VerifyingKey};
use yilian_ledger::{Entry, Time, entry::RecordEntry, name::Aid};

use crate::{
    client::Client,
    content::{Collected, Object, Quiet},
    error::ClientError,
    host::Host,
    record::{
        Author, Bundle, Class, ContentKey, Document, Dossier, Form, ProfileError, Statement, Summary,
        statement::MAX_DOCUMENT,
    },
    verified::{View, directory::VerifiedMember},
    wallet::keys::owner_commitment,
    wire::{Text, decode},
};

/// Who wrote a record, as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorship {
    /// A member whose certificate counted at the time in question.
    Clinical(Box<VerifiedMember>),
    /// The patient; uncertified.
    SelfRecorded,
}

/// What the body is, parsed.
#[derive(Clone, Debug)]
pub enum Contents {
    Fhir(Bundle),
    Dossier(Dossier),
}

/// A document whose author and profile were checked at some time of the ledger.
#[derive(Clone, Debug)]
pub struct VerifiedDocument {
    document: Document,
    authorship: Authorship,
    contents: Contents,
    summary: Summary,
}

/// A record of the ledger, opened.
#[derive(Clone, Debug)]
pub struct OpenedRecord {
    aid: Aid,
    time: Time,
    document: VerifiedDocument,
}

impl Authorship {
    pub fn class(&self) -> Class {
        match self {
            Self::Clinical(_) => Class::Clinical,
            Self::SelfRecorded => Class::SelfRecorded,
        }
    }
}

impl VerifiedDocument {
    pub fn document(&self) -> &Document {
        &self.document
    }

    pub fn statement(&self) -> &Statement {
        self.document.statement()
    }

    pub fn authorship(&self) -> &Authorship {
        &self.authorship
    }

    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

impl OpenedRecord {
    pub fn aid(&self) -> Aid {
        self.aid
    }

    /// The ledger's time of the entry: when the record came to be, whatever its author wrote.
    pub fn time(&self) -> Time {
        self.time
    }

    pub fn document(&self) -> &VerifiedDocument {
        &self.document
    }

    pub fn summary(&self) -> &Summary {
        self.document.summary()
    }

    /// Exactly the bytes that were signed.
    pub fn body(&self) -> &[u8] {
        self.document.document().body()
    }
}

/// Signature, certificate at `at`, profile. `owner` is needed where the patient signed.
pub(crate) async fn verify_document<H: Host>(
    client: &Client<H>,
    document: Document,
    owner: &VerifyingKey,
    at: Time,
) -> Result<VerifiedDocument, ClientError> {
    let authorship = authorship(client, &document, owner, at).await?;
    let contents = parse(&document, authorship.class())?;
    let attachments = document.statement().attachments.len();
    let summary = match &contents {
        Contents::Fhir(bundle) => bundle.summary(authorship.class(), attachments),
        Contents::Dossier(dossier) => dossier_summary(dossier, attachments),
    };
    Ok(VerifiedDocument { document, authorship, contents, summary })
}

async fn authorship<H: Host>(
    client: &Client<H>,
    document: &Document,
    owner: &VerifyingKey,
    at: Time,
) -> Result<Authorship, ClientError> {
    let Author::Member { member, kind, certificate } = document.statement().author else {
        document.verify(owner)?;
        return Ok(Authorship::SelfRecorded);
    };
    let member = client.member(member, kind).await?;
    let counted = member.certified(&certificate, None, at).map_err(ClientError::NotCertified)?;
    document.verify(&counted.contents().signing_key)?;
    if !may_write(&counted.contents().roles) {
        return Err(ClientError::NotAnAuthor);
    }
    Ok(Authorship::Clinical(Box::new(member)))
}

/// Who writes clinical records: doctors, and pharmacies and hospitals in their own name.
fn may_write(roles: &std::collections::BTreeSet<Role>) -> bool {
    [Role::Doctor, Role::Pharmacy, Role::Hospital].iter().any(|role| roles.contains(role))
}

fn parse(document: &Document, class: Class) -> Result<Contents, ClientError> {
    let form = document.statement().form;
    if form == Form::Dossier {
        // Openings are the patient's to hand out.
        return match class {
            Class::SelfRecorded => decode(document.body())
                .map(Contents::Dossier)
                .map_err(|_| crate::record::DocumentError::Malformed.into()),
            Class::Clinical => Err(ClientError::NotAnAuthor),
        };
    }
    let bundle = Bundle::parse(document.body())?;
    if bundle.form() != form {
        return Err(ProfileError::Form(bundle.form()).into());
    }
    if class == Class::Clinical {
        bundle.patient()?;
    }
    Ok(Contents::Fhir(bundle))
}

fn dossier_summary(dossier: &Dossier, attachments: usize) -> Summary {
    Summary {
        class: Class::SelfRecorded,
        kind: Text::clipped("Dossier"),
        title: Text::clipped(dossier.title.as_str()),
        date: Text::default(),
        author: Text::default(),
        patient: Default::default(),
        attachments: u16::try_from(attachments).unwrap_or(u16::MAX),
    }
}

/// Fetches and decrypts a document.
pub(crate) async fn fetch_document<H: Host>(
    client: &Client<H>,
    content: &ContentKey,
) -> Result<Document, ClientError> {
    let mut object = Object::open(client, content.cid, &content.key).await?;
    if object.length() > MAX_DOCUMENT as u64 {
        return Err(crate::content::ContentError::TooLarge(MAX_DOCUMENT as u64).into());
    }
    let mut bytes = Collected::new(MAX_DOCUMENT);
    object.read_all(client, None, &mut bytes, &mut Quiet).await?;
    Ok(Document::parse(&bytes.bytes, client.chain())?)
}

/// The entry of a record in a view; what is not there, or is no record, is an error.
pub(crate) fn record_entry<'a>(view: &'a View, aid: &Aid) -> Result<&'a RecordEntry, ClientError> {
    match view.entry(&aid.name()) {
        Some(Entry::Record(record)) => Ok(record),
        Some(_) => Err(ClientError::WrongEntry),
        None => Err(ClientError::NotFound),
    }
}

/// Opens a record whose content key is known.
pub(crate) async fn open_record<H: Host>(
    client: &Client<H>,
    entry: &RecordEntry,
    owner: &VerifyingKey,
    salt: &[u8; 32],
    content: &ContentKey,
) -> Result<OpenedRecord, ClientError> {
    if entry.owner != *owner {
        return Err(ClientError::WrongEntry);
    }
    if entry.com != content.com() {
        return Err(ClientError::Commitment);
    }
    let document = fetch_document(client, content).await?;
    check_owner(document.statement().owner_commitment, owner, salt)?;
    let document = verify_document(client, document, owner, entry.time).await?;
    Ok(OpenedRecord { aid: Aid::of(owner), time: entry.time, document })
}

/// `oc` opens to this owner: the record was not signed for somebody else.
fn check_owner(signed: Digest, owner: &VerifyingKey, salt: &[u8; 32]) -> Result<(), ClientError> {
    if signed == owner_commitment(owner, salt) { Ok(()) } else { Err(ClientError::OwnerCommitment) }
}
