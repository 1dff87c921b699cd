//! Header with its certificate, verified against a committee and for freshness.

use crate::header::Header;
use yilian_ledger::{Genesis, Time};

/// As it travels: header and finalization certificate, both encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub header: Header,
    pub finalization: Vec<u8>,
}

/// Evidence: certified by more than two thirds of the committee and fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHeader {
    header: Header,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalityError {
    #[error("malformed answer")]
    Malformed,
    #[error("certificate is not of this chain's committee")]
    Certificate,
    #[error("stale: header is {age_ms} ms old")]
    Stale { age_ms: u64 },
    #[error("header is from the future")]
    Future,
    #[error("proof does not verify")]
    Proof,
    #[error("entry is not the one the state commits to")]
    Entry,
    #[error("bucket is incomplete")]
    Incomplete,
}

impl VerifiedHeader {
    pub fn header(&self) -> &Header {
        &self.header
    }
}

/// Checks certificate and freshness at the client's `now`.
pub fn verify(_genesis: &Genesis, _snapshot: &Snapshot, _now: Time) -> Result<VerifiedHeader, FinalityError> {
    todo!()
}
/// Certificate only, for history (an old block).
pub fn verify_historical(_genesis: &Genesis, _snapshot: &Snapshot) -> Result<VerifiedHeader, FinalityError> {
    todo!()
}
