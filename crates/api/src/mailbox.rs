//! Sealed mailboxes: bounded size and life, handed out to their owner only, against a receipt (spec MB-*).
//!
//! A mailbox id is the hash of its owner's verifying key: nobody registers it.
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `POST /v1/mailboxes/{id}/messages` | `Post` → `Posted` |
//! | `POST /v1/mailboxes/{id}/list` | `OwnerRequest` → `Vec<Waiting>` |
//! | `POST /v1/mailboxes/{id}/fetch` | `FetchRequest` → `Fetched` |
//! | `POST /v1/mailboxes/{id}/delete` | `FetchRequest` → 204 |
//!
//! Signatures are those of [`crate::signing::Statement`]. The node seals nothing: it checks the receipt and leaves it as a
//! message of kind `receipt` in the mailbox that the envelope names, from where the sender takes it into the access log.

use serde::{Deserialize, Serialize};
use yilian_crypto::{
    Digest, Label,
    hash::tagged,
    sign::{Signature, SigningKey, VerifyingKey},
};

use crate::{
    encoding,
    signing::{Audience, MailboxVerb, Statement},
};

/// Largest sealed message, bytes.
pub const MAX_MESSAGE: usize = 64 << 10;
/// A signed request's time may differ from the node's clock by this much, ms.
pub const REQUEST_WINDOW_MS: u64 = 120_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// Sealed message, base64url.
    pub sealed: String,
    /// Mailbox id of the sender's one-time receipt key, hex; the receipt is left there.
    #[serde(default)]
    pub receipt: Option<String>,
    /// When the payment was signed; 0 without payment.
    #[serde(default)]
    pub time: u64,
    /// One ticket or a member's signature (`Statement::mailbox_post`). Demanded by standing mailboxes; elsewhere it
    /// lifts the message out of the small free quota.
    #[serde(default)]
    pub payment: Option<crate::content::UploadPayment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Posted {
    /// Message id: hash of the sealed bytes.
    pub id: String,
    /// Unix ms when the node drops it.
    pub expires: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnerRequest {
    /// Owner's verifying key, hex; its hash is the mailbox id.
    pub owner: String,
    pub time: u64,
    /// By the owner (`Statement::mailbox_request`). Accepted once.
    pub signature: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// Sealed by a sender.
    Message,
    /// Left by the node: a [`Receipt`].
    Receipt,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waiting {
    pub id: String,
    pub kind: MessageKind,
    pub bytes: usize,
    pub received: u64,
    pub expires: u64,
    /// The receipt that a fetch must bring is left in this mailbox. `None` when there is none to give (any more).
    pub receipt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FetchRequest {
    pub request: OwnerRequest,
    /// Message id, hex.
    pub message: String,
    /// Demanded by the first fetch of an envelope that names a receipt mailbox: signature (`Statement::receipt`) by the
    /// owner at `request.time`.
    #[serde(default)]
    pub receipt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fetched {
    /// Base64url: the sealed message, or a receipt's bytes.
    pub sealed: String,
}

/// The mailbox of whoever holds `owner`'s secret.
pub fn mailbox_id(owner: &VerifyingKey) -> Digest {
    tagged(Label::Mailbox, &[owner.as_bytes()])
}

pub fn message_id(sealed: &[u8]) -> Digest {
    tagged(Label::MailboxMessage, &[sealed])
}

impl OwnerRequest {
    /// Signed for one node, one verb, one instant.
    pub fn sign(
        key: &SigningKey,
        audience: &Audience,
        verb: MailboxVerb,
        message: Option<&Digest>,
        time: u64,
    ) -> Self {
        let owner = key.verifying_key();
        let statement = Statement::mailbox_request(audience, verb, &mailbox_id(&owner), message, time);
        let signature = encoding::signature_to_hex(&statement.sign(key));
        Self { owner: encoding::key_to_hex(&owner), time, signature }
    }
}

/// Who fetched a message, and when: what the sender finds in its receipt mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The mailbox's owner.
    pub owner: VerifyingKey,
    pub message: Digest,
    /// By the owner's clock, within the request window of the node's.
    pub time: u64,
    /// `Statement::receipt` by `owner`.
    pub signature: Signature,
}

/// Bytes of a [`Receipt`]: owner (33), message id (32), time (8, big-endian), signature (65).
pub const RECEIPT: usize = 138;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("a receipt is exactly {RECEIPT} bytes: owner, message id, time, signature")]
    Malformed,
    #[error("the receipt is not signed by the key it names")]
    Signature,
}

impl Receipt {
    /// By the owner who is about to fetch `message`.
    pub fn sign(key: &SigningKey, chain: &Digest, message: Digest, mailbox: &Digest, time: u64) -> Self {
        let signature = Statement::receipt(chain, &message, mailbox, time).sign(key);
        Self { owner: key.verifying_key(), message, time, signature }
    }

    /// `mailbox`: the receipt mailbox that the envelope named.
    pub fn verify(&self, chain: &Digest, mailbox: &Digest) -> Result<(), ReceiptError> {
        Statement::receipt(chain, &self.message, mailbox, self.time)
            .verify(&self.owner, &self.signature)
            .map_err(|_| ReceiptError::Signature)
    }

    pub fn to_bytes(&self) -> [u8; RECEIPT] {
        let mut out = [0; RECEIPT];
        out[..33].copy_from_slice(&encoding::key_to_bytes(&self.owner));
        out[33..65].copy_from_slice(&self.message.0);
        out[65..73].copy_from_slice(&self.time.to_be_bytes());
        out[73..].copy_from_slice(&encoding::signature_to_bytes(&self.signature));
        out
    }

    /// Refuses every other length; the signature is not implied.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let bytes: &[u8; RECEIPT] = bytes.try_into().map_err(|_| ReceiptError::Malformed)?;
        let owner = encoding::key_from_bytes(&field(bytes, 0)).map_err(|_| ReceiptError::Malformed)?;
        let signature =
            encoding::signature_from_bytes(&field(bytes, 73)).map_err(|_| ReceiptError::Malformed)?;
        Ok(Self {
            owner,
            message: Digest(field(bytes, 33)),
            time: u64::from_be_bytes(field(bytes, 65)),
            signature,
        })
    }
}

fn field<const N: usize>(bytes: &[u8; RECEIPT], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}
