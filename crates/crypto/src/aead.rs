//! AES-256-GCM behind one small interface: `aws-lc-rs` natively, RustCrypto in wasm (ADR 0010, spec ).
//!
//! GCM does not commit to its key: one ciphertext can be made to open under two. Where that matters, the caller
//! commits ([`crate::stream`]) or fixes the key by other means.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(any(target_arch = "wasm32", test))]
mod portable;

use std::fmt;

use zeroize::Zeroize;

#[cfg(not(target_arch = "wasm32"))]
use native::Native as Backend;
#[cfg(target_arch = "wasm32")]
use portable::Portable as Backend;

use crate::Secret;

/// Authentication tag, bytes.
pub const TAG: usize = 16;

/// Nonce, bytes.
pub const NONCE: usize = 12;

/// A key for one purpose. Callers guarantee that no nonce repeats under it.
pub struct Aead(Backend);

/// The ciphertext was not made with this key, nonce and associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ciphertext does not authenticate")]
pub struct AeadError;

/// What an implementation of AES-256-GCM gives. Inputs are below the 64 GiB of SP 800-38D; out-of-place operations
/// take an output of the input's length, and what it holds after an error is unspecified.
trait Gcm {
    fn new(key: &[u8; 32]) -> Self;
    fn seal_in_place(&self, nonce: [u8; NONCE], aad: &[u8], buf: &mut [u8]) -> [u8; TAG];
    fn seal_to(&self, nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> [u8; TAG];
    fn open_in_place(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        buf: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), AeadError>;
    fn open_to(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG],
        out: &mut [u8],
    ) -> Result<(), AeadError>;
}

impl Aead {
    /// Expands the key.
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(Backend::new(key.expose()))
    }

    /// Encrypts in place and appends the tag.
    pub fn seal(&self, nonce: [u8; NONCE], aad: &[u8], buf: &mut Vec<u8>) {
        let tag = self.0.seal_in_place(nonce, aad, buf);
        buf.extend_from_slice(&tag);
    }

    /// Checks the tag and leaves the plaintext in `buf`; on error `buf` is wiped and emptied.
    pub fn open(&self, nonce: [u8; NONCE], aad: &[u8], buf: &mut Vec<u8>) -> Result<(), AeadError> {
        match self.open_slice(nonce, aad, buf).map(|plaintext| plaintext.len()) {
            Ok(len) => {
                buf.truncate(len);
                Ok(())
            }
            Err(error) => {
                buf.zeroize();
                Err(error)
            }
        }
    }

    /// Opens `ciphertext ‖ tag` where it lies and returns the part that is plaintext.
    pub(crate) fn open_slice<'a>(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], AeadError> {
        let (body, tag) = sealed.split_last_chunk_mut::<TAG>().ok_or(AeadError)?;
        self.0.open_in_place(nonce, aad, body, tag)?;
        Ok(body)
    }

    /// Opens `ciphertext ‖ tag` into `out`, which is [`TAG`] bytes shorter.
    pub(crate) fn open_to(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), AeadError> {
        let (body, tag) = sealed.split_last_chunk::<TAG>().ok_or(AeadError)?;
        self.0.open_to(nonce, aad, body, tag, out)
    }

    /// Encrypts `plaintext`, followed by zeros, so that `out` is filled with `ciphertext ‖ tag`.
    ///
    /// # Panics
    /// If `plaintext` and tag do not fit into `out`.
    pub(crate) fn seal_padded_to(&self, nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8], out: &mut [u8]) {
        let (body, tag) = out.split_last_chunk_mut::<TAG>().expect("room for the tag");
        *tag = if plaintext.len() == body.len() {
            self.0.seal_to(nonce, aad, plaintext, body)
        } else {
            let (text, padding) = body.split_at_mut(plaintext.len());
            text.copy_from_slice(plaintext);
            padding.fill(0);
            self.0.seal_in_place(nonce, aad, body)
        };
    }
}

impl fmt::Debug for Aead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aead(..)")
    }
}

#[cfg(test)]
mod tests;
