//! The encrypted stream: padded, chunked, seekable, truncation-proof, key-committing (spec S-1 to S-12).
//!
//! Leaf 0 is a 64-byte header and a segment of 262,144 − 64 − 16 plaintext bytes with its tag; each further leaf is
//! 262,144 − 16 plaintext bytes and a tag. The plaintext is padded by Padmé with zeros; its true length stands in the
//! header, encrypted. Leaves are exactly the content store's leaves.
//!
//! Refuses: another key (from the header alone), truncation and extension, leaves that are reordered, repeated, or of
//! another stream, non-canonical lengths and padding.

mod decrypt;
mod encrypt;
mod header;
mod layout;

use rand_core::CryptoRng;

pub use decrypt::{Decryptor, decrypt};
pub use encrypt::{Encryptor, encrypt};
pub use layout::{ciphertext_len, leaf_count, leaf_range, leaves_of, padme};

use crate::{Secret, aead::TAG};

/// Bytes of a full leaf.
pub const LEAF: usize = 262_144;
/// Bytes of the header at the head of leaf 0.
pub const HEADER: usize = 64;
/// Longest plaintext, bytes: 1 TiB keeps GCM's distinguishing advantage below 2^-54 (spec S-3).
pub const MAX_LEN: u64 = 1 << 40;

/// Plaintext bytes of a full leaf 0.
const FIRST_SEGMENT: u64 = (LEAF - HEADER - TAG) as u64;
/// Plaintext bytes of any other full leaf.
const SEGMENT: u64 = (LEAF - TAG) as u64;

/// `DK`: drawn afresh for every object, never used for two. A second object under one key would repeat nonces.
#[derive(Clone, Debug)]
pub struct DataKey(Secret<[u8; 32]>);

impl DataKey {
    /// Draws a fresh key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// A key that was unwrapped, to decrypt with.
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The key, to wrap it.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    #[error("stream header is malformed or of an unknown suite")]
    Header,
    #[error("stream was encrypted under another key")]
    WrongKey,
    #[error("true length in the stream header does not authenticate or does not fit the padded one")]
    TrueLength,
    #[error("stream is truncated or longer than its header says")]
    Length,
    #[error("stream has no leaf {0}")]
    NoSuchLeaf(u64),
    #[error("segment {0} does not authenticate")]
    Segment(u64),
    #[error("padding in segment {0} is not zero")]
    Padding(u64),
    #[error("{0} bytes are more than a stream can hold")]
    TooLong(u64),
    #[error("a leaf takes {expected} plaintext bytes, got {got}")]
    Input { expected: usize, got: usize },
}

#[cfg(test)]
mod tests;
