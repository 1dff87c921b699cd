//! Why a mailbox refuses.

use yilian_api::problem::Code;

use crate::{database::DatabaseError, http::error::ApiError, payment::PaymentError, view::Unavailable};

#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    #[error("the message is empty")]
    Empty,
    #[error("a sealed message has at most {max} bytes")]
    TooLarge { max: usize },
    #[error("this is a standing mailbox: a ticket or a member's signature pays for a message")]
    PaymentRequired,
    #[error(transparent)]
    Payment(#[from] PaymentError),
    #[error("the mailbox takes no more until its owner deletes messages or they expire")]
    Full,
    #[error("the receipt mailbox has no room for another receipt")]
    ReceiptsFull,
    #[error("the node's room for unpaid messages is used up; pay with a ticket")]
    StoreFull,
    #[error("no such message waits here")]
    Unknown,
    #[error("the envelope names a receipt mailbox: sign a receipt for it")]
    ReceiptRequired,
    #[error("the receipt is not the owner's over this message, mailbox and time")]
    ReceiptInvalid,
    #[error("the hash of this key is not the mailbox's id")]
    NotOwner,
    #[error("the request's signature does not verify")]
    Signature,
    #[error("the request's time is more than {} s from the node's clock or before its start", window_ms / 1000)]
    Expired { window_ms: u64 },
    #[error("this signed request was answered before")]
    Replayed,
    #[error(transparent)]
    View(#[from] Unavailable),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl MailboxError {
    pub fn code(&self) -> Code {
        match self {
            Self::Empty => Code::MessageEmpty,
            Self::TooLarge { .. } => Code::MessageTooLarge,
            Self::PaymentRequired => Code::PaymentRequired,
            Self::Payment(error) => error.code(),
            Self::Full | Self::ReceiptsFull => Code::MailboxFull,
            Self::StoreFull => Code::MailboxStore,
            Self::Unknown => Code::MessageUnknown,
            Self::ReceiptRequired => Code::ReceiptRequired,
            Self::ReceiptInvalid => Code::ReceiptInvalid,
            Self::NotOwner => Code::MailboxOwner,
            Self::Signature => Code::RequestUnauthorized,
            Self::Expired { .. } => Code::RequestExpired,
            Self::Replayed => Code::RequestReplayed,
            Self::View(_) => Code::Unavailable,
            Self::Database(_) => Code::Internal,
        }
    }
}

impl From<MailboxError> for ApiError {
    fn from(error: MailboxError) -> Self {
        Self::of(error.code(), &error)
    }
}
