//! What signed requests sign (spec H-4): one function a request, used by who signs and by who verifies.
//!
//! Every request is bound to the chain and to the node it is sent to, so that a node cannot play it to another one;
//! a verb keeps requests of one key apart. Optional parts sign as empty strings.

use yilian_crypto::{
    Digest, Label,
    hash::tagged,
    sign::{Signature, SignatureError, SigningKey, VerifyingKey},
};

/// Where a request is valid: chain id and the node's validator key (raw).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    pub chain: Digest,
    pub node: [u8; 32],
}

/// A signable statement: label and parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    label: Label,
    parts: Vec<Vec<u8>>,
}

/// What a mailbox owner asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxVerb {
    List,
    Fetch,
    Delete,
}

impl MailboxVerb {
    const fn text(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Fetch => "fetch",
            Self::Delete => "delete",
        }
    }
}

/// What the holder of a pin key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinVerb {
    Pin,
    Unpin,
}

impl PinVerb {
    const fn text(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Unpin => "unpin",
        }
    }
}

/// What a node asks of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkVerb {
    /// Pins whose content the asking node is to hold.
    Holds,
    /// One block of content.
    Block,
}

impl LinkVerb {
    const fn text(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Block => "block",
        }
    }
}

impl Statement {
    /// Owner's request about its own mailbox; `message` for fetch and delete.
    pub fn mailbox_request(
        audience: &Audience,
        verb: MailboxVerb,
        mailbox: &Digest,
        message: Option<&Digest>,
        time: u64,
    ) -> Self {
        let parts = [verb.text().as_bytes(), &mailbox.0, optional(message), &time.to_be_bytes()];
        Self::addressed(Label::MailboxRequest, audience, &parts)
    }

    /// Payment for a post: signed by each ticket's one-time key, or by the member.
    pub fn mailbox_post(
        audience: &Audience,
        mailbox: &Digest,
        message: &Digest,
        receipt: Option<&Digest>,
        time: u64,
    ) -> Self {
        let parts = [b"post", &mailbox.0[..], &message.0, optional(receipt), &time.to_be_bytes()];
        Self::addressed(Label::MailboxRequest, audience, &parts)
    }

    /// Payment for an upload, by each ticket's one-time key, or by the member. `cid` as text.
    pub fn upload(audience: &Audience, cid: &str, bytes: u64, pin_key: &VerifyingKey) -> Self {
        let parts = [b"upload", cid.as_bytes(), &bytes.to_be_bytes(), pin_key.as_bytes()];
        Self::addressed(Label::ContentRequest, audience, &parts)
    }

    /// By the pin key; `pin` or `unpin`.
    pub fn pin(audience: &Audience, verb: PinVerb, cid: &str, time: u64) -> Self {
        let parts = [verb.text().as_bytes(), cid.as_bytes(), &time.to_be_bytes()];
        Self::addressed(Label::ContentRequest, audience, &parts)
    }

    /// Receipt of a fetched message, by the mailbox's owner. Bound to the chain only: its reader is the sender.
    pub fn receipt(chain: &Digest, message: &Digest, receipt: &Digest, time: u64) -> Self {
        let parts = [&chain.0[..], &message.0, &receipt.0, &time.to_be_bytes()];
        Self::new(Label::MailboxReceipt, &parts)
    }

    /// Backup of a given counter, by its write key. Bound to no node: the same one is written to several.
    pub fn backup(chain: &Digest, counter: u64, blob: &[u8]) -> Self {
        Self::new(Label::Backup, &[&chain.0, b"put", &counter.to_be_bytes(), blob])
    }

    /// Payment for a backup's room, by each ticket's one-time key, or by the member.
    pub fn backup_room(audience: &Audience, name: &Digest, counter: u64) -> Self {
        Self::addressed(Label::Backup, audience, &[b"room", &name.0, &counter.to_be_bytes()])
    }

    /// A node's request to another node (`audience`), by the validator key of who asks. `arguments` as its route encodes them.
    pub fn link_request(
        audience: &Audience,
        from: &[u8; 32],
        verb: LinkVerb,
        arguments: &[u8],
        nonce: &[u8; 16],
        time: u64,
    ) -> Self {
        let parts = [verb.text().as_bytes(), &from[..], arguments, nonce, &time.to_be_bytes()];
        Self::addressed(Label::NodeLink, audience, &parts)
    }

    /// The answer to a request of that nonce, by the node asked; `audience` is who asked.
    pub fn link_answer(audience: &Audience, from: &[u8; 32], nonce: &[u8; 16], answer: &[u8]) -> Self {
        Self::addressed(Label::NodeLink, audience, &[b"answer", &from[..], nonce, answer])
    }

    /// An encoded hold, by the node at which its pin was paid for. Bound to the chain only: it travels.
    pub fn content_hold(chain: &Digest, hold: &[u8]) -> Self {
        Self::new(Label::ContentHold, &[&chain.0[..], hold])
    }

    /// The authority's request that a validator co-signs a governance action (encoded `Action`).
    pub fn approval_request(chain: &Digest, action: &[u8], valid_until: u64) -> Self {
        let parts = [&chain.0[..], b"approve", action, &valid_until.to_be_bytes()];
        Self::new(Label::AuthorityRequest, &parts)
    }

    /// A node's word on who it is and where its chain stands, over the nonce of who asks.
    pub fn status(audience: &Audience, nonce: &[u8; 32], height: u64, time: u64) -> Self {
        Self::addressed(Label::NodeStatus, audience, &[nonce, &height.to_be_bytes(), &time.to_be_bytes()])
    }

    pub fn sign(&self, key: &SigningKey) -> Signature {
        key.sign(self.label, &self.slices())
    }

    pub fn verify(&self, key: &VerifyingKey, signature: &Signature) -> Result<(), SignatureError> {
        key.verify(self.label, &self.slices(), signature)
    }

    /// Identifies what is signed, whatever the signature's bytes.
    pub fn digest(&self) -> Digest {
        tagged(self.label, &self.slices())
    }

    fn addressed(label: Label, audience: &Audience, parts: &[&[u8]]) -> Self {
        let mut all: Vec<&[u8]> = vec![&audience.chain.0, &audience.node];
        all.extend_from_slice(parts);
        Self::new(label, &all)
    }

    pub(crate) fn new(label: Label, parts: &[&[u8]]) -> Self {
        Self { label, parts: parts.iter().map(|part| part.to_vec()).collect() }
    }

    fn slices(&self) -> Vec<&[u8]> {
        self.parts.iter().map(Vec::as_slice).collect()
    }
}

fn optional(digest: Option<&Digest>) -> &[u8] {
    digest.map_or(&[], |digest| &digest.0)
}
