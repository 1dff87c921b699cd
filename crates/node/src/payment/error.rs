//! Why a payment is refused.

use yilian_api::{encoding::EncodingError, problem::Code};

use crate::{database::DatabaseError, http::error::ApiError, view::Unavailable};

#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    #[error("the payment does not decode: {0}")]
    Encoding(#[from] EncodingError),
    #[error("a ticket does not decode")]
    Ticket,
    #[error("{given} tickets were given, the price is {price}")]
    Tickets { given: usize, price: usize },
    #[error("the ticket is of a period that is over, has not begun, or has no key")]
    Period,
    #[error("the ticket is not signed by its period's key")]
    Invalid,
    #[error("the payment's signature does not cover this request")]
    Signature,
    #[error("the ticket was used at this node for the same purpose before")]
    Spent,
    #[error("the member is not certified now")]
    Member,
    #[error("the member asks too often; wait as `Retry-After` says")]
    Rate,
    #[error("the member has posted as much as it may today")]
    Allowance,
    #[error(transparent)]
    View(#[from] Unavailable),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl PaymentError {
    pub fn code(&self) -> Code {
        match self {
            Self::Encoding(_) | Self::Ticket => Code::PaymentMalformed,
            Self::Tickets { .. } => Code::PaymentTickets,
            Self::Period => Code::PaymentPeriod,
            Self::Invalid => Code::PaymentInvalid,
            Self::Signature => Code::PaymentSignature,
            Self::Spent => Code::PaymentSpent,
            Self::Member => Code::PaymentMember,
            Self::Rate => Code::RateLimited,
            Self::Allowance => Code::PaymentAllowance,
            Self::View(_) => Code::Unavailable,
            Self::Database(_) => Code::Internal,
        }
    }
}

impl From<PaymentError> for ApiError {
    fn from(error: PaymentError) -> Self {
        Self::of(error.code(), &error)
    }
}
