//! Chain and state.
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `POST /v1/transactions?wait=finalized\|pooled` | encoded transaction (octet-stream) → `Submitted`; `finalized` waits up to `FINALITY_WAIT_MS`, then answers `pooled` |
//! | `GET /v1/transactions/{digest}` | → `TransactionStatus` |
//! | `GET /v1/genesis` | → `GenesisBody` |
//! | `GET /v1/status?nonce={64 hex digits}` | → `NodeStatus`, signed over the nonce if one is given |
//! | `GET /v1/snapshot` | → `SnapshotBody` |
//! | `GET /v1/entries/{name}` | → `EntryAnswer` |
//! | `GET /v1/buckets/{kind}/{bits}/{prefix}` | kind: record, grant, slot, practitioner, institution, intermediate, root, ticket-key, parameters; prefix: 62 hex digits → `BucketAnswer` |
//! | `GET /v1/blocks?before={height}&limit={n}` | newest first → `Vec<BlockSummary>` |
//! | `GET /v1/blocks/{height}` | → `BlockBody` |
//! | `GET /v1/events` | SSE: `block` events with `BlockSummary`; `lagged` with the number of events missed |
//! | `GET /v1/health` | → `Health`, 503 when not fit to serve |
//! | `POST /v1/governance/approve` | `ApprovalRequest` → `Approval` |

use serde::{Deserialize, Serialize};

/// How long `wait=finalized` waits, ms.
pub const FINALITY_WAIT_MS: u64 = 10_000;
/// Most blocks in one listing.
pub const MAX_BLOCKS: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submitted {
    pub digest: String,
    #[serde(flatten)]
    pub status: TransactionStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum TransactionStatus {
    Pooled,
    Applied {
        height: u64,
        time: u64,
    },
    /// Included, tickets consumed, nothing else written; `code` as in problem details.
    Failed {
        height: u64,
        time: u64,
        code: String,
        detail: String,
    },
}

/// Base64url of the codec's encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GenesisBody {
    pub chain: String,
    pub genesis: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeStatus {
    pub version: String,
    pub chain: String,
    /// The node's validator key, hex.
    pub validator: String,
    pub height: u64,
    /// Newest block's time, ms.
    pub time: u64,
    pub pool: usize,
    pub peers: usize,
    pub records: u64,
    pub grants: u64,
    pub practitioners: u64,
    pub institutions: u64,
    /// By the validator key, over the nonce that was asked with (`signing::Statement::status`), hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Header and finalization certificate, base64url of the codec's encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotBody {
    pub header: String,
    pub finalization: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryAnswer {
    pub snapshot: SnapshotBody,
    /// Encoded `finality::proof::Answer`.
    pub answer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BucketAnswer {
    pub snapshot: SnapshotBody,
    /// Encoded `finality::bucket::Bucket`.
    pub bucket: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockSummary {
    pub height: u64,
    pub digest: String,
    pub time: u64,
    pub epoch: u64,
    pub transactions: usize,
    pub bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockBody {
    pub summary: BlockSummary,
    /// None where the block is final through a descendant's certificate only.
    pub snapshot: Option<SnapshotBody>,
    /// Never the transaction itself: a grant's re-encryption key is in no answer.
    pub transactions: Vec<TransactionSummary>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransactionSummary {
    pub digest: String,
    /// `create`, `grant`, `withdraw`, `add-member`, `revoke`, `governance`.
    pub kind: String,
    pub bytes: usize,
    /// `applied` or an error code.
    pub outcome: String,
}

/// The authority asks a validator to co-sign a governance action; the node's policy decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// Encoded `ledger::transaction::Action`.
    pub action: String,
    pub valid_until: u64,
    /// The authority's signing key, hex; one that the node's operator named.
    pub key: String,
    /// By `key` (`signing::Statement::approval_request`).
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    pub index: u16,
    /// Signature (`Label::Governance`), hex.
    pub signature: String,
}

/// Whether the node is fit to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`, or why not: `starting`, `stale`.
    pub status: String,
    pub height: u64,
    /// Age of the newest block, ms.
    pub age_ms: u64,
}
