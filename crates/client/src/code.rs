//! Stable codes of client errors, for scripts and screens, by area: `node`, `grant`, `record`, `directory`, `wallet`,
//! `offer`, `member`, `file`. What a node or the ledger refused keeps the code of whoever refused.

use crate::{
    error::ClientError,
    host::TransportError,
    member::MemberError,
    message::MessageError,
    offer::OfferError,
    record::{DocumentError, ProfileError},
    wallet::WalletError,
};

impl ClientError {
    /// Stable and machine-readable.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Rejected { code, .. } => code,
            Self::LyingNode { .. } => "node.lies",
            Self::StaleNode { .. } => "node.stale",
            Self::Transport { source: TransportError::Timeout, .. } => "node.timeout",
            Self::Transport { .. } => "node.unreachable",
            Self::NoNodes => "network.no-nodes",
            Self::NoAuthority => "network.no-authority",
            Self::NotFinalized => "transaction.not-finalized",
            Self::NotFound => "entry.not-found",
            Self::Ended(_) => "grant.ended",
            Self::WrongEntry => "entry.other",
            Self::Commitment => "record.commitment",
            Self::OwnerCommitment => "record.owner-commitment",
            Self::Capsule => "grant.capsule",
            Self::UnknownMember(_) => "directory.unknown",
            Self::NotCertified(_) => "directory.not-certified-then",
            Self::NotCertifiedNow => "directory.not-certified",
            Self::CertificateChain => "directory.chain",
            Self::NotAnAuthor => "record.not-an-author",
            Self::IncompleteCard(_) => "directory.incomplete",
            Self::Document(error) => document(*error),
            Self::Profile(error) => record(*error),
            Self::ContentKey(_) => "record.key",
            Self::Message(error) => message(*error),
            Self::Offer(error) => offer(*error),
            Self::Wallet(error) => wallet(error),
            Self::Member(MemberError::Keys) => "member.keys",
            Self::Member(MemberError::Level) => "member.level",
            Self::Content(_) | Self::Stream(_) => "content.damaged",
            Self::Io(_) => "file.failed",
            Self::OfferNotOpen(_) => "offer.not-open",
            Self::UnknownRecord(_) => "record.unknown",
            Self::NoTickets => "tickets.none",
            Self::ExpiryClass(_) => "grant.expiry-class",
            Self::NoTicketKey => "tickets.no-key",
            Self::NoLane => "wallet.no-lane",
            Self::NoDelegateeKey => "grant.other-reader",
        }
    }
}

fn document(error: DocumentError) -> &'static str {
    match error {
        DocumentError::Malformed => "record.malformed",
        DocumentError::Version => "record.version",
        DocumentError::Chain => "record.chain",
        DocumentError::Body => "record.body",
        DocumentError::TooLarge => "record.too-large",
        DocumentError::Signature => "record.signature",
    }
}

fn record(error: ProfileError) -> &'static str {
    match error {
        ProfileError::TooLarge => "record.too-large",
        ProfileError::NotJson => "record.not-json",
        ProfileError::TooDeep => "record.too-deep",
        ProfileError::NotABundle => "record.not-a-bundle",
        ProfileError::NoComposition => "record.no-composition",
        ProfileError::NoPatient => "record.no-patient",
        ProfileError::Form(_) => "record.form",
    }
}

fn message(error: MessageError) -> &'static str {
    match error {
        MessageError::Seal => "message.seal",
        MessageError::Malformed => "message.malformed",
        MessageError::TooLarge => "message.too-large",
        MessageError::Signature => "message.signature",
    }
}

fn offer(error: OfferError) -> &'static str {
    match error {
        OfferError::Prefix => "offer.prefix",
        OfferError::Character => "offer.character",
        OfferError::Checksum => "offer.checksum",
        OfferError::Malformed => "offer.malformed",
        OfferError::Chain => "offer.chain",
    }
}

fn wallet(error: &WalletError) -> &'static str {
    match error {
        WalletError::Store(_) => "wallet.not-saved",
        WalletError::Sealed(_) => "wallet.damaged",
        WalletError::Malformed => "wallet.form",
        WalletError::Version { .. } => "wallet.version",
        WalletError::Chain => "wallet.chain",
        WalletError::Exhausted => "wallet.exhausted",
    }
}
