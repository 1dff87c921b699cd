//! Why a flow did not come to its end: one variant per condition. A node that lied or lags is named.

use yilian_crypto::stream::StreamError;
use yilian_finality::FinalityError;
use yilian_ledger::{Time, member::NotCertified, name::MemberId};

use crate::{
    content::{ContentError, IoError},
    host::{NodeUrl, TransportError},
    member::MemberError,
    message::MessageError,
    offer::OfferError,
    record::{DocumentError, ProfileError, opening::ContentKeyError},
    wallet::{WalletError, index::RecordIndex},
};

/// What a node said that cannot be true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    #[error("its answer is malformed")]
    Malformed,
    #[error("{0}")]
    Finality(FinalityError),
    #[error("it is not the validator that it claims to be, or none of the committee's")]
    Identity,
    #[error("its genesis is of another chain")]
    Genesis,
    #[error("a block of content is not the one its address names")]
    Content,
    #[error("it reported an outcome that the chain does not show")]
    Outcome,
    #[error("it took a backup and gives another one")]
    Backup,
    #[error("a message is not the one its identifier names")]
    Message,
    #[error("the ticket that the authority signed does not verify")]
    Ticket,
}

/// What happened at one node while others were still to be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeFault {
    #[error("{0}")]
    Transport(TransportError),
    /// A problem body; `code` is stable.
    #[error("{code}: {detail}")]
    Problem { status: u16, code: String, detail: String },
    /// Its newest header is too old, or older than what this client has seen.
    #[error("it is behind: {age_ms} ms")]
    Stale { age_ms: u64 },
    /// It lies, or is broken in a way that cannot be told from lying.
    #[error("{0}")]
    Lied(Lie),
}

/// A node and what it did: for the report, even when another node answered in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub node: NodeUrl,
    pub fault: NodeFault,
    /// By the device's clock.
    pub time: Time,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// The node's answer is untrue; no other node gave a true one.
    #[error("node {node} lies: {reason}")]
    LyingNode { node: NodeUrl, reason: Lie },
    #[error("node {node} is stale: {age_ms} ms behind")]
    StaleNode { node: NodeUrl, age_ms: u64 },
    /// Refused by a node or the authority; `code` is stable.
    #[error("{node} refused: {detail} ({code})")]
    Refused { node: NodeUrl, status: u16, code: String, detail: String },
    #[error("{node}: {source}")]
    Transport { node: NodeUrl, source: TransportError },
    #[error("no node is configured")]
    NoNodes,
    #[error("no authority is configured")]
    NoAuthority,
    /// Included in a block and failed; its ticket is spent.
    #[error("the ledger refused the transaction: {detail} ({code})")]
    Rejected { code: String, detail: String },
    #[error("the transaction was not finalized in time; it may still be")]
    NotFinalized,

    #[error("nothing on the chain under this name")]
    NotFound,
    #[error("the grant was withdrawn or has expired")]
    Ended(Time),
    #[error("the state holds something else under this name")]
    WrongEntry,
    #[error("the content of this entry is not the one it commits to")]
    Commitment,
    #[error("the record's owner commitment opens to another owner: it was signed for somebody else")]
    OwnerCommitment,
    #[error("the opening's capsule is not the one on the chain")]
    Capsule,

    #[error("member {0:?} is not in the directory")]
    UnknownMember(MemberId),
    #[error("the signer did not count at the ledger's time: {0}")]
    NotCertified(NotCertified),
    #[error("the member is not certified now")]
    NotCertifiedNow,
    #[error("the member's certificate chain does not verify")]
    CertificateChain,
    #[error("the member may not write clinical records")]
    NotAnAuthor,
    #[error("the member has no {0}")]
    IncompleteCard(&'static str),

    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    ContentKey(#[from] ContentKeyError),
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error(transparent)]
    Wallet(#[from] WalletError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Io(#[from] IoError),

    #[error("offer {0} is not open")]
    OfferNotOpen(RecordIndex),
    #[error("record {0} is not in this wallet")]
    UnknownRecord(RecordIndex),
    #[error("no ticket is left for this period; fetch some")]
    NoTickets,
    #[error("{0} is none of the chain's expiry classes")]
    ExpiryClass(u8),
    #[error("the authority's ticket key for this period is not in the ledger")]
    NoTicketKey,
    #[error("no lane is free on the nodes asked")]
    NoLane,
    #[error("no delegatee key of this member opens the grant")]
    NoDelegateeKey,
}
