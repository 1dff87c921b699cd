//! The light client: headers, finalization certificates, state proofs, buckets (spec F-*).
//!
//! Whatever a client acts on passes through here. Unverified and verified are different types.

pub mod bucket;
pub mod committee;
pub mod header;
pub mod proof;
pub mod snapshot;
