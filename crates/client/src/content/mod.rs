//! Encrypted objects in the content store: sent and fetched leaf by leaf, in memory that does not grow with them
//! (spec R-16).

mod download;
mod memory;
mod upload;

use yilian_crypto::{Digest, stream::DataKey};
use yilian_dag::{Cid, VerifyError};

pub use download::Object;
pub use memory::{Bytes, Collected};
pub(crate) use upload::{Prepared, claim, prepare, store};

/// The device's file failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading or writing the file failed: {0}")]
pub struct IoError(pub String);

/// Plaintext to be sent. It is read twice, from the beginning: once to learn its address, once to send it.
#[allow(async_fn_in_trait)]
pub trait Source {
    /// Bytes in all.
    fn length(&self) -> u64;
    /// Fills `buf` from `offset`; a short file is an error.
    async fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), IoError>;
}

/// Where plaintext goes, in order.
#[allow(async_fn_in_trait)]
pub trait Sink {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IoError>;
}

/// Told how many bytes of how many are done.
pub trait Progress {
    fn advance(&mut self, done: u64, total: u64);
}

impl<F: FnMut(u64, u64)> Progress for F {
    fn advance(&mut self, done: u64, total: u64) {
        self(done, total);
    }
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn advance(&mut self, _: u64, _: u64) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("the file changed while it was being sent")]
    Changed,
    #[error("the object is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the object is not a file of this system: {0}")]
    Dag(VerifyError),
    #[error("the plaintext is not the one that was signed")]
    Digest,
    #[error("the object has no block for leaf {0}")]
    Missing(u64),
}

/// An object as stored: its address, its key, its plaintext's length and digest tree.
#[derive(Clone, Debug)]
pub struct Stored {
    pub cid: Cid,
    pub key: DataKey,
    pub length: u64,
    pub tree: Digest,
    /// Ciphertext bytes.
    pub bytes: u64,
}
