//! The encrypted stream: padded, chunked, seekable, truncation-proof, key-committing (spec S-*).
//!
//! Leaf 0 is a 64-byte header and a segment of 262,144 − 64 − 16 plaintext bytes with its tag; each further leaf is
//! 262,144 − 16 plaintext bytes and a tag. The plaintext is padded by Padmé with zeros; its true length stands in the
//! header, encrypted. Leaves are exactly the content store's leaves.

use rand_core::CryptoRng;

use crate::Secret;

/// Bytes of a full leaf.
pub const LEAF: usize = 262_144;
/// Bytes of the header at the head of leaf 0.
pub const HEADER: usize = 64;

/// `DK`: drawn afresh for every object, never used for two.
#[derive(Clone, Debug)]
pub struct DataKey(Secret<[u8; 32]>);

impl DataKey {
    pub fn generate(_rng: &mut impl CryptoRng) -> Self {
        todo!()
    }
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Self {
        Self(bytes)
    }
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
    #[error("segment {0} does not authenticate")]
    Segment(u64),
    #[error("stream is truncated or longer than its header says")]
    Length,
}

/// Padded plaintext length by Padmé (PURBs, Nikitin et al. 2019, algorithm 1).
pub fn padme(_len: u64) -> u64 {
    todo!()
}

/// Number of leaves of a stream of `len` plaintext bytes.
pub fn leaf_count(_len: u64) -> u64 {
    todo!()
}

/// Plaintext range (before padding, may be empty in padding-only leaves) that leaf `index` carries.
pub fn leaf_range(_len: u64, _index: u64) -> std::ops::Range<u64> {
    todo!()
}

/// Encrypts leaf by leaf, in order.
#[derive(Debug)]
pub struct Encryptor;

impl Encryptor {
    /// For exactly `len` plaintext bytes.
    pub fn new(_key: DataKey, _len: u64) -> Self {
        todo!()
    }
    /// The next leaf, from exactly the bytes of its `leaf_range`; `None` after the last.
    pub fn next_leaf(&mut self, _plaintext: &[u8]) -> Result<Option<Vec<u8>>, StreamError> {
        todo!()
    }
}

/// Decrypts leaves in any order, once leaf 0 was seen.
#[derive(Debug)]
pub struct Decryptor;

impl Decryptor {
    /// From leaf 0 and the total ciphertext length; returns the first plaintext segment too.
    pub fn new(_key: &DataKey, _leaf0: &[u8], _total: u64) -> Result<(Self, Vec<u8>), StreamError> {
        todo!()
    }
    /// True plaintext length.
    pub fn len(&self) -> u64 {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Plaintext of leaf `index` (padding stripped).
    pub fn leaf(&self, _index: u64, _leaf: &[u8]) -> Result<Vec<u8>, StreamError> {
        todo!()
    }
}

/// All at once, for small objects.
pub fn encrypt(_key: DataKey, _plaintext: &[u8]) -> Vec<u8> {
    todo!()
}

/// All at once, for small objects.
pub fn decrypt(_key: &DataKey, _ciphertext: &[u8]) -> Result<Vec<u8>, StreamError> {
    todo!()
}
