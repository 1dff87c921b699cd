//! The on-disk store of ciphertext (spec CS-*): one contiguous file per object and an index of its blocks.
//!
//! Guarantees: what was acknowledged survives a crash at any point; nothing is served that does not hash to its name;
//! memory stays below a few leaves per call whatever the object's size; space is bounded by `Limits`. The store knows
//! no keys and checks no signatures: its caller authorizes. It has no clock either: times are arguments, Unix ms.
//! All calls block; asynchronous hosts use a blocking thread.

mod audit;
mod collect;
mod error;
mod files;
mod holds;
mod index;
mod install;
mod limits;
mod pins;
mod read;
mod scrub;
mod store;
mod upload;

#[cfg(test)]
mod crash;

pub use audit::{Audit, audit};
pub use collect::Collected;
pub use error::StoreError;
pub use holds::{Changes, Charge, Hold, Payer, Place, Told};
pub use limits::{Limits, MEMBER_OBJECT};
pub use pins::PinKey;
pub use read::Object;
pub use scrub::Scrubbed;
pub use store::{Stats, Store};
pub use upload::{Opened, Paid, Payment, UploadId, UploadRequest, UploadStatus};
