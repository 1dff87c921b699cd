//! Between nodes: which pins' content the asking node is to hold, and blocks of content (spec CC-*).
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `POST /v1/link/holds` | `HoldsRequest` → `HoldsAnswer`, what changed after a place in the answering node's journal |
//! | `POST /v1/link/blocks` | `BlockRequest` → octet-stream of the block, never fetched from elsewhere |
//!
//! Both are signed by the asking node's validator key and answered once, to nodes of the committee only.

use serde::{Deserialize, Serialize};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkAuth {
    /// Raw validator key, hex.
    pub from: String,
    /// Of the asking node's clock.
    pub time: u64,
    /// 16 random bytes, hex.
    pub nonce: String,
    /// By `from` over `Statement::link_request`, hex.
    pub signature: String,
}

/// Signed arguments: journal (16 bytes), after (8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HoldsRequest {
    pub by: LinkAuth,
    /// The journal that `after` is a place in, 16 bytes, hex; zeros at first.
    pub journal: String,
    /// Changes after this place are asked for. If the journal is another one, all.
    pub after: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HoldsAnswer {
    /// Encoded page (spec CC-5), base64url.
    pub page: String,
    /// By the answering node over `Statement::link_answer`, hex.
    pub signature: String,
}

/// Signed arguments: the CID in 33 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    pub by: LinkAuth,
    pub cid: String,
}
