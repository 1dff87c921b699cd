//! Why the authority refuses: one variant a condition, with a stable code and an HTTP status.

use yilian_api::problem::Problem;
use yilian_crypto::{certificate::CertificateError, password::LockError};

#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("the field {0} does not hold what it promises")]
    Field(&'static str),
    #[error("the request's signature does not verify under its key")]
    Signature,
    #[error("the request's time is outside the window: check the clock")]
    Window,
    #[error("the request was answered before")]
    Replayed,

    #[error("the member is not in the ledger")]
    MemberUnknown,
    #[error("the member is not certified now")]
    NotCertified,
    #[error("only an institution with the role hospital enrols patients")]
    NotHospital,

    #[error("the code is unknown or has ended: ask for a new one")]
    CodeUnknown,
    #[error("the code was redeemed by another wallet")]
    CodeUsed,
    #[error("the wallet is another patient's")]
    WalletTaken,
    #[error("the key is not an enrolled wallet's")]
    NotEnrolled,

    #[error("tickets are given for the current period {current} and the next one")]
    Period { current: u32 },
    #[error("a request asks for exactly {expected} tickets")]
    Count { expected: u32 },
    #[error("the tickets of this class and period were fetched already")]
    Budget,
    #[error("the ledger does not hold a ticket key of this period yet: try again shortly")]
    KeyNotSet,

    #[error("the application breaks a rule: {0}")]
    Application(CertificateError),
    #[error("the delegatee key's proof of possession does not verify")]
    Possession,
    #[error("the application is for another issuer")]
    OtherIssuer,
    #[error("there is no such application")]
    ApplicationUnknown,
    #[error("the application was decided before")]
    ApplicationDecided,
    #[error("too many applications wait")]
    ApplicationsFull,
    #[error("cannot issue: {0}")]
    Issue(CertificateError),

    #[error("the store belongs to another chain or issuer")]
    ForeignStore,
    #[error("the store holds what it should not: {0}")]
    Corrupt(&'static str),
    #[error("the store cannot be used: {0}")]
    Store(Box<redb::Error>),
    #[error(transparent)]
    Open(#[from] yilian_files::OpenError),
    #[error("the key file {path} cannot be used: {reason}")]
    KeyFile { path: String, reason: String },
    #[error("the key file {path} does not open: {reason}")]
    Locked { path: String, reason: LockError },
    #[error("the key file {0} can be read by others: set its mode to 0600")]
    KeyFileMode(String),
}

impl AuthorityError {
    /// Stable, machine-readable, with its HTTP status.
    pub const fn code(&self) -> (&'static str, u16) {
        match self {
            Self::Field(_) => ("request.field", 400),
            Self::Signature => ("request.unauthorized", 401),
            Self::Window => ("request.expired", 401),
            Self::Replayed => ("request.replayed", 409),
            Self::MemberUnknown => ("member.unknown", 404),
            Self::NotCertified => ("member.not-certified", 403),
            Self::NotHospital => ("enrolment.not-hospital", 403),
            Self::CodeUnknown => ("enrolment.code-unknown", 404),
            Self::CodeUsed => ("enrolment.code-used", 409),
            Self::WalletTaken => ("enrolment.wallet-taken", 409),
            Self::NotEnrolled => ("tickets.not-enrolled", 403),
            Self::Period { .. } => ("tickets.period", 400),
            Self::Count { .. } => ("tickets.count", 400),
            Self::Budget => ("tickets.budget", 429),
            Self::KeyNotSet => ("tickets.key-not-set", 503),
            Self::Application(_) => ("application.rule", 400),
            Self::Possession => ("application.possession", 400),
            Self::OtherIssuer => ("application.other-issuer", 400),
            Self::ApplicationUnknown => ("application.unknown", 404),
            Self::ApplicationDecided => ("application.decided", 409),
            Self::ApplicationsFull => ("application.full", 503),
            Self::Issue(_)
            | Self::ForeignStore
            | Self::Corrupt(_)
            | Self::Store(_)
            | Self::Open(_)
            | Self::KeyFile { .. }
            | Self::Locked { .. }
            | Self::KeyFileMode(_) => ("authority.internal", 500),
        }
    }

    /// As RFC 9457 problem details. What went wrong inside stays inside.
    pub fn problem(&self) -> Problem {
        let (code, status) = self.code();
        match status {
            500 => Problem::with(500, code, "The authority failed", "see the authority's log"),
            _ => Problem::with(status, code, "The authority refuses", self.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for AuthorityError {
            fn from(error: redb::$name) -> Self {
                Self::Store(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(TransactionError, TableError, StorageError, CommitError);
