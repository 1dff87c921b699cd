//! Sealing of stored values: AES-256-GCM under a key derived from the store's, a fresh nonce a value, bound to what it is.

use rand_core::Rng as _;
use yilian_crypto::{
    Digest, Label, Secret,
    aead::{Aead, NONCE},
    kdf,
};

use crate::{AuthorityError, rng};

pub(super) struct Sealer {
    aead: Aead,
    lookup: Secret<[u8; 32]>,
}

impl Sealer {
    pub(super) fn new(key: &Secret<[u8; 32]>) -> Self {
        let derived = |purpose: &[u8]| kdf::derive(key.expose(), Label::AuthorityStore, &[purpose]);
        Self { aead: Aead::new(&derived(b"seal")), lookup: derived(b"lookup") }
    }

    /// `nonce (12) ‖ ciphertext ‖ tag (16)`; `what` names table and use.
    pub(super) fn seal(&self, what: &str, value: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng().fill_bytes(&mut nonce);
        let mut body = value.to_vec();
        self.aead.seal(nonce, what.as_bytes(), &mut body);
        [&nonce[..], &body].concat()
    }

    pub(super) fn open(&self, what: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, AuthorityError> {
        let corrupt = AuthorityError::Corrupt("a sealed value does not open");
        let Some((nonce, body)) = sealed.split_first_chunk::<NONCE>() else { return Err(corrupt) };
        let mut body = body.to_vec();
        match self.aead.open(*nonce, what.as_bytes(), &mut body) {
            Ok(()) => Ok(Secret::new(body)),
            Err(_) => Err(corrupt),
        }
    }

    /// Under which a patient of an institution is found; says nothing without the key.
    pub(super) fn patient(&self, institution: &Digest, patient: &str) -> [u8; 32] {
        let parts = [&b"patient"[..], &institution.0, patient.as_bytes()];
        *kdf::derive(self.lookup.expose(), Label::AuthorityStore, &parts).expose()
    }
}
