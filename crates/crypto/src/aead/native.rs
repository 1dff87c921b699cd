//! AES-256-GCM by `aws-lc-rs`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{AeadError, Gcm, NONCE, TAG};

pub(super) struct Native(LessSafeKey);

impl Gcm for Native {
    fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are an AES-256 key");
        Self(LessSafeKey::new(key))
    }

    fn seal_in_place(&self, nonce: [u8; NONCE], aad: &[u8], buf: &mut [u8]) -> [u8; TAG] {
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), buf)
            .expect("inputs are below 64 GiB");
        tag.as_ref().try_into().expect("a tag has 16 bytes")
    }

    fn seal_to(&self, nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> [u8; TAG] {
        let mut tag = [0; TAG];
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, out, &[], &mut tag)
            .expect("equal lengths below 64 GiB");
        tag
    }

    fn open_in_place(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        buf: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), AeadError> {
        self.0
            .open_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), tag, buf)
            .map(|_| ())
            .map_err(|_| AeadError)
    }

    fn open_to(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG],
        out: &mut [u8],
    ) -> Result<(), AeadError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, out).map_err(|_| AeadError)
    }
}
