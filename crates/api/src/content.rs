//! Content: uploads paid by tickets or a member's signature, pins, the trustless gateway.
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `POST /v1/uploads` | `UploadRequest` → `UploadOpened` (resumes the one under way for the same CID, length and pin key) |
//! | `GET /v1/uploads/{id}` | → `UploadOpened` with the next leaf expected |
//! | `PUT /v1/uploads/{id}/{leaf}` | octet-stream of the leaf, in order; the last one may be sent again → `UploadOpened` |
//! | `POST /v1/uploads/{id}/finish` | → `UploadFinished`; refused unless the root is the CID announced |
//! | `POST /v1/pins` | `PinRequest` → 204 |
//! | `DELETE /v1/pins` | `PinRequest` → 204 |
//! | `GET /ipfs/{cid}?format=raw\|car` | one block, or an object's DAG as CARv1, depth first; `Accept` counts without `format` |
//!
//! A ticket pays at one node; for a second node it is signed again. A refused opening uses no ticket up.

use serde::{Deserialize, Serialize};

/// One ticket pays for so many bytes of content at one node; started ones count.
pub const BYTES_PER_TICKET: u64 = 4 << 20;

/// Price of an upload at one node, tickets; at least one.
pub const fn price(bytes: u64) -> u64 {
    let tickets = bytes.div_ceil(BYTES_PER_TICKET);
    if tickets == 0 { 1 } else { tickets }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadRequest {
    /// Root CID, known before the upload since the client built the DAG.
    pub cid: String,
    pub bytes: u64,
    /// One-time pin key, hex: who may unpin.
    pub pin_key: String,
    pub payment: UploadPayment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum UploadPayment {
    /// Encoded tickets, each with its one-time key's signature (`Label::ContentRequest`) over chain, node key, cid, bytes, pin key.
    Tickets { tickets: Vec<PaidTicket> },
    /// A member's signature over the same, and which member.
    Member { member: String, signature: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaidTicket {
    pub ticket: String,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadOpened {
    /// The right to send leaves, hex; empty if complete.
    pub id: String,
    /// First leaf not yet stored.
    pub next_leaf: u64,
    /// Already complete: nothing to upload.
    pub complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadFinished {
    pub cid: String,
}

/// Signed by the pin key over chain, node key, verb (`pin` or `unpin`), cid, time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PinRequest {
    pub cid: String,
    pub pin_key: String,
    pub time: u64,
    pub signature: String,
}
