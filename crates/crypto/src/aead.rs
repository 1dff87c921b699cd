//! AES-256-GCM behind one small interface: `aws-lc-rs` natively, RustCrypto in wasm (ADR).

use crate::Secret;

/// Authentication tag, bytes.
pub const TAG: usize = 16;

/// A key for one purpose. Callers guarantee that no nonce repeats under it.
#[derive(Debug)]
pub struct Aead;

/// The ciphertext was not made with this key, nonce and associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ciphertext does not authenticate")]
pub struct AeadError;

impl Aead {
    pub fn new(_key: &Secret<[u8; 32]>) -> Self {
        todo!()
    }

    /// Encrypts in place and appends the tag.
    pub fn seal(&self, _nonce: [u8; 12], _aad: &[u8], _buf: &mut Vec<u8>) {
        todo!()
    }

    /// Checks the tag and leaves the plaintext in `buf`; on error `buf` is emptied.
    pub fn open(&self, _nonce: [u8; 12], _aad: &[u8], _buf: &mut Vec<u8>) -> Result<(), AeadError> {
        todo!()
    }
}
