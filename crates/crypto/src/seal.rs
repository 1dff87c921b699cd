//! Sealed messages: HPKE base mode (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

use rand_core::CryptoRng;

use crate::{Label, Secret};

/// Public key, 33 bytes on the wire (suite byte 0x02, X25519 point).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKey([u8; 32]);

/// Secret key, derived from 32 bytes of input keying material.
#[derive(Clone, Debug)]
pub struct SealingSecretKey(Secret<[u8; 32]>);

/// The message was not sealed to this key in this context, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed message does not open")]
pub struct SealError;

impl SealingSecretKey {
    pub fn from_seed(_ikm: &Secret<[u8; 32]>) -> Self {
        todo!()
    }
    pub fn public(&self) -> SealingKey {
        todo!()
    }
    /// Opens `suite ‖ enc (32) ‖ ciphertext`; `label` and `aad` as at sealing.
    pub fn open(&self, _label: Label, _aad: &[u8], _sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let _ = (&self.0, SealingKey::as_bytes);
        todo!()
    }
}

impl SealingKey {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// Output: `suite ‖ enc (32) ‖ ciphertext`, plaintext + 49 bytes.
    pub fn seal(&self, _label: Label, _aad: &[u8], _plaintext: &[u8], _rng: &mut impl CryptoRng) -> Vec<u8> {
        todo!()
    }
}
// + Write, Read<Cfg = ()>, FixedSize (33) for SealingKey.
