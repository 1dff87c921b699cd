//! What an author signs about a record (spec R-3), and the document that carries it (spec R-6).
//!
//! The statement fixes chain, kind, length, digest tree, owner commitment, attachments and the certificate under which
//! it counts; its time is the signer's word and decides nothing. A document decodes to the bytes that were signed and
//! to nothing else.

use bytes::BufMut;
use commonware_codec::{Buf, Encode as _, EncodeSize, Error, FixedSize, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest, Label,
    hash::tagged,
    sign::{Signature, SigningKey, VerifyingKey},
};
use yilian_ledger::{ChainId, Kind, Time, name::MemberId};

use super::{
    attachment::{Attachment, MAX_ATTACHMENTS},
    tree,
};
use crate::wire::{Blob, at_most, decode, layout, tags};

/// Largest record body, bytes; larger things are attachments.
pub const MAX_BODY: usize = 8 << 20;

/// Largest document, bytes.
pub const MAX_DOCUMENT: usize = MAX_BODY + (1 << 20);

/// What the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// FHIR R4 `Bundle` of type `document`.
    FhirDocument,
    /// Any other FHIR R4 `Bundle`.
    FhirBundle,
    /// Openings of several records, for one grant.
    Dossier,
}

tags!(Form { FhirDocument = 1, FhirBundle = 2, Dossier = 3 });

/// Who signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A certified member; `kind` names where the ledger keeps it.
    Member { member: MemberId, kind: Kind, certificate: Digest },
    /// The patient, by the record's owner key: shown as uncertified.
    Owner,
}

impl Write for Author {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::Owner => buf.put_u8(0),
            Self::Member { member, kind, certificate } => {
                buf.put_u8(1);
                member.write(buf);
                buf.put_u8(*kind as u8);
                certificate.write(buf);
            }
        }
    }
}

impl EncodeSize for Author {
    fn encode_size(&self) -> usize {
        match self {
            Self::Owner => 1,
            Self::Member { .. } => 2 + 2 * Digest::SIZE,
        }
    }
}

impl Read for Author {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        match u8::read(buf)? {
            0 => Ok(Self::Owner),
            1 => Ok(Self::Member {
                member: MemberId::read(buf)?,
                kind: read_member_kind(buf)?,
                certificate: Digest::read(buf)?,
            }),
            other => Err(Error::InvalidEnum(other)),
        }
    }
}

/// Kinds of members that write and read records.
pub(crate) fn read_member_kind(buf: &mut impl Buf) -> Result<Kind, Error> {
    match u8::read(buf)? {
        kind if kind == Kind::Practitioner as u8 => Ok(Kind::Practitioner),
        kind if kind == Kind::Institution as u8 => Ok(Kind::Institution),
        other => Err(Error::InvalidEnum(other)),
    }
}

/// The signed statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub version: u8,
    pub chain: ChainId,
    pub form: Form,
    /// Bytes of the body.
    pub length: u64,
    /// Digest tree of the body.
    pub tree: Digest,
    /// `oc` of the offer, by which the record is one owner's and nobody else's.
    pub owner_commitment: Digest,
    /// The signer's clock.
    pub time: Time,
    pub author: Author,
    /// Id of the statement that this record corrects.
    pub supersedes: Option<Digest>,
    pub attachments: Vec<Attachment>,
}

layout!(Statement {
    version,
    chain,
    form,
    length,
    tree,
    owner_commitment,
    time,
    author,
    supersedes,
    attachments: at_most(MAX_ATTACHMENTS),
});

/// The only version there is.
pub const VERSION: u8 = 1;

/// A document whose statement is about its body; whether the signature counts is a question of keys and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    statement: Statement,
    signature: Signature,
    body: Blob<MAX_BODY>,
}

/// Why bytes are no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("not a record document")]
    Malformed,
    #[error("record of an unknown version")]
    Version,
    #[error("record of another chain")]
    Chain,
    #[error("the body is not the one that was signed")]
    Body,
    #[error("the body is larger than {MAX_BODY} bytes")]
    TooLarge,
    #[error("the signature is not the author's")]
    Signature,
}

/// Layout of a document: statement, signature, body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    statement: Statement,
    signature: Signature,
    body: Blob<MAX_BODY>,
}

layout!(Parts { statement, signature, body });

impl Statement {
    /// Identity of the signed record, the same in draft, record and dossier.
    pub fn id(&self) -> Digest {
        tagged(self.label(), &[b"id", &self.encode()])
    }

    fn label(&self) -> Label {
        match self.author {
            Author::Member { .. } => Label::RecordByAuthor,
            Author::Owner => Label::RecordByOwner,
        }
    }
}

/// Everything of a statement but what follows from the body.
#[derive(Clone, Debug)]
pub struct Claims {
    pub chain: ChainId,
    pub form: Form,
    pub owner_commitment: Digest,
    pub time: Time,
    pub author: Author,
    pub supersedes: Option<Digest>,
    pub attachments: Vec<Attachment>,
}

impl Document {
    /// Signs `body` with the author's key.
    pub fn sign(claims: Claims, body: Vec<u8>, key: &SigningKey) -> Result<Self, DocumentError> {
        if body.len() > MAX_BODY || claims.attachments.len() > MAX_ATTACHMENTS {
            return Err(DocumentError::TooLarge);
        }
        let statement = Statement {
            version: VERSION,
            chain: claims.chain,
            form: claims.form,
            length: body.len() as u64,
            tree: tree::digest(&body),
            owner_commitment: claims.owner_commitment,
            time: claims.time,
            author: claims.author,
            supersedes: claims.supersedes,
            attachments: claims.attachments,
        };
        let signature = key.sign(statement.label(), &[&statement.encode()]);
        Ok(Self { statement, signature, body: Blob(body) })
    }

    /// Decodes and checks version, chain, length and digest tree.
    pub fn parse(bytes: &[u8], chain: ChainId) -> Result<Self, DocumentError> {
        let Parts { statement, signature, body } = decode(bytes).map_err(|_| DocumentError::Malformed)?;
        if statement.version != VERSION {
            return Err(DocumentError::Version);
        }
        if statement.chain != chain {
            return Err(DocumentError::Chain);
        }
        if statement.length != body.0.len() as u64 || statement.tree != tree::digest(&body.0) {
            return Err(DocumentError::Body);
        }
        Ok(Self { statement, signature, body })
    }

    /// The bytes that are encrypted and stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { statement, signature, body } = self.clone();
        Parts { statement, signature, body }.encode().to_vec()
    }

    /// Whether `key` made the signature.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), DocumentError> {
        key.verify(self.statement.label(), &[&self.statement.encode()], &self.signature)
            .map_err(|_| DocumentError::Signature)
    }

    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Exactly the bytes that were signed.
    pub fn body(&self) -> &[u8] {
        &self.body.0
    }
}
