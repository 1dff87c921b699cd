//! AES-256-GCM by RustCrypto, for wasm; constant time without AES instructions.

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{AeadInOut as _, inout::InOutBuf},
};

use super::{AeadError, Gcm, NONCE, TAG};

pub(super) struct Portable(Aes256Gcm);

impl Gcm for Portable {
    fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    fn seal_in_place(&self, nonce: [u8; NONCE], aad: &[u8], buf: &mut [u8]) -> [u8; TAG] {
        let tag = self.0.encrypt_inout_detached(&nonce.into(), aad, buf.into());
        tag.expect("inputs are below 64 GiB").into()
    }

    fn seal_to(&self, nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> [u8; TAG] {
        let buffer = InOutBuf::new(plaintext, out).expect("equal lengths");
        let tag = self.0.encrypt_inout_detached(&nonce.into(), aad, buffer);
        tag.expect("inputs are below 64 GiB").into()
    }

    fn open_in_place(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        buf: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), AeadError> {
        self.0.decrypt_inout_detached(&nonce.into(), aad, buf.into(), tag.into()).map_err(|_| AeadError)
    }

    fn open_to(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG],
        out: &mut [u8],
    ) -> Result<(), AeadError> {
        let buffer = InOutBuf::new(ciphertext, out).map_err(|_| AeadError)?;
        self.0.decrypt_inout_detached(&nonce.into(), aad, buffer, tag.into()).map_err(|_| AeadError)
    }
}
