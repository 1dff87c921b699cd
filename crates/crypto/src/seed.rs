//! The wallet seed: 24 words (BIP-39, 256 bits of entropy), and derivation by label and index (spec W-*).

use rand_core::CryptoRng;

use crate::{Label, Secret};

/// 32 bytes of entropy behind the 24 words.
#[derive(Clone, Debug)]
pub struct Seed(Secret<[u8; 32]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    #[error("expected 24 words, got {0}")]
    Count(usize),
    #[error("word {0} is not in the list")]
    Word(usize),
    #[error("the words do not match their checksum: one is wrong or two are swapped")]
    Checksum,
}

impl Seed {
    pub fn generate(_rng: &mut impl CryptoRng) -> Self {
        todo!()
    }
    /// English list; case and white space are forgiven.
    pub fn from_words(_words: &str) -> Result<Self, SeedError> {
        todo!()
    }
    pub fn words(&self) -> Secret<String> {
        todo!()
    }
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Self {
        Self(bytes)
    }
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
    /// `HKDF(seed, label ‖ indexes)`; indexes as big-endian u64 each.
    pub fn derive(&self, _label: Label, _indexes: &[u64]) -> Secret<[u8; 32]> {
        todo!()
    }
}
