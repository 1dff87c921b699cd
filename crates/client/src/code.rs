//! Stable codes of client errors, for scripts and screens: what a node or the ledger refused keeps its own code.

use crate::error::ClientError;

impl ClientError {
    /// Stable and machine-readable.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Rejected { code, .. } => code,
            Self::LyingNode { .. } => "node.lies",
            Self::StaleNode { .. } => "node.stale",
            Self::Transport { .. } => "node.unreachable",
            Self::NoNodes => "network.no-nodes",
            Self::NoAuthority => "network.no-authority",
            Self::NotFinalized => "transaction.not-finalized",
            Self::NotFound => "entry.not-found",
            Self::WrongEntry => "entry.wrong-kind",
            Self::Ended(_) => "grant.ended",
            Self::NoDelegateeKey => "grant.not-yours",
            Self::Capsule => "grant.capsule",
            Self::Commitment => "record.commitment",
            Self::OwnerCommitment => "record.other-owner",
            Self::UnknownMember(_) => "member.unknown",
            Self::NotCertified(_) | Self::NotCertifiedNow => "author.not-certified",
            Self::CertificateChain => "author.certificate-chain",
            Self::NotAnAuthor => "author.role",
            Self::IncompleteCard(_) => "member.incomplete-card",
            Self::Document(_) => "document.invalid",
            Self::Profile(_) => "document.profile",
            Self::ContentKey(_) => "content.key",
            Self::Message(_) => "message.invalid",
            Self::Offer(_) => "offer.invalid",
            Self::Wallet(_) => "wallet.failed",
            Self::Member(_) => "member.keys",
            Self::Content(_) => "content.invalid",
            Self::Stream(_) => "content.stream",
            Self::Io(_) => "file.failed",
            Self::OfferNotOpen(_) => "offer.not-open",
            Self::UnknownRecord(_) => "record.not-in-wallet",
            Self::NoTickets => "tickets.none",
            Self::ExpiryClass(_) => "grant.expiry-class",
            Self::NoTicketKey => "tickets.no-key",
            Self::NoLane => "wallet.no-lane",
        }
    }
}
