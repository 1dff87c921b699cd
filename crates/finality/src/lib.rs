//! The light client: headers, finalization certificates, state proofs, buckets (spec F-*).
//!
//! Whatever a client acts on passes through here. Unverified and verified are different types: what a node sends
//! (`Snapshot`, `Answer`, `Bucket`) says nothing until `verify`, `verify_answer` or `verify_bucket` made evidence of it.
//! Nothing here trusts the node that answers: a lying one is found out, whatever it sends. No clock, no I/O, no
//! randomness; compiles to wasm.

pub mod bucket;
pub mod certificate;
pub mod committee;
mod compact;
pub mod header;
pub mod link;
pub mod prefix;
pub mod proof;
pub mod snapshot;
pub mod trust;

pub use bucket::{Bucket, verify_bucket};
pub use committee::Committee;
pub use header::{Engine, Header};
pub use link::{Link, Linked};
pub use prefix::Prefix;
pub use proof::{Answer, verify_answer};
pub use snapshot::{FinalityError, Snapshot, VerifiedHeader, verify, verify_historical};
pub use trust::{Followed, Step, Trust};
