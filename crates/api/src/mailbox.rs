//! Sealed mailboxes: bounded size and life, handed out to their owner only, against a receipt.
//!
//! A mailbox id is the hash of its owner's verifying key: nobody registers it.
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `POST /v1/mailboxes/{id}/messages` | `Post` → `Posted` |
//! | `POST /v1/mailboxes/{id}/list` | `OwnerRequest` → `Vec<Waiting>` |
//! | `POST /v1/mailboxes/{id}/fetch` | `FetchRequest` → `Fetched` |
//! | `POST /v1/mailboxes/{id}/delete` | `FetchRequest` |
//!
//! A receipt is the owner's signature over (message id, receipt key, time); the node seals nothing and posts it as a
//! message into the mailbox named by the envelope's receipt key, from where the sender takes it into the access log.

use serde::{Deserialize, Serialize};

/// Largest sealed message, bytes.
pub const MAX_MESSAGE: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Sealed message, base64url.
    pub sealed: String,
    /// Mailbox id of the sender's one-time receipt key, hex; receipts are left there.
    pub receipt: Option<String>,
    /// Paid like content when the mailbox is a standing one of somebody else: encoded ticket and signature, or a member's.
    pub payment: Option<crate::content::UploadPayment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Message id: hash of the sealed bytes.
    pub id: String,
    /// Unix ms when the node drops it.
    pub expires: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerRequest {
    /// Owner's verifying key, hex; its hash is the mailbox id.
    pub owner: String,
    pub time: u64,
    /// `Label::MailboxRequest` over chain, node key, verb, time, (message id).
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: String,
    pub bytes: usize,
    pub received: u64,
    /// The sender asks for a receipt into this mailbox.
    pub receipt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchRequest {
    pub request: OwnerRequest,
    pub message: String,
    /// Demanded when the envelope names a receipt mailbox: `Label::MailboxReceipt` over chain, message id, receipt, time.
    pub receipt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    pub sealed: String,
}
