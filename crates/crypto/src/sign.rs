//! Ed25519 (RFC 8032, strict verification: canonical encodings, no small-order keys), suite byte 0x01.

use rand_core::CryptoRng;

use crate::{Label, Secret};

/// 33 bytes on the wire: suite byte, key. Parsing refuses points of small order and other encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey([u8; 32]);

/// 65 bytes on the wire: suite byte, signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// A signing key; 32-byte seed.
#[derive(Clone, Debug)]
pub struct SigningKey(Secret<[u8; 32]>);

/// The signature is not by this key over this message in this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct SignatureError;

impl SigningKey {
    pub fn generate(_rng: &mut impl CryptoRng) -> Self {
        todo!()
    }
    pub fn from_seed(seed: Secret<[u8; 32]>) -> Self {
        Self(seed)
    }
    pub fn seed(&self) -> &Secret<[u8; 32]> {
        &self.0
    }
    pub fn verifying_key(&self) -> VerifyingKey {
        todo!()
    }
    /// Signs `tagged(label, parts)`.
    pub fn sign(&self, _label: Label, _parts: &[&[u8]]) -> Signature {
        todo!()
    }
}

impl VerifyingKey {
    pub fn from_bytes(_bytes: &[u8; 32]) -> Result<Self, SignatureError> {
        todo!()
    }
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    pub fn verify(
        &self,
        _label: Label,
        _parts: &[&[u8]],
        _signature: &Signature,
    ) -> Result<(), SignatureError> {
        let _ = Signature::as_bytes;
        todo!()
    }
}

impl Signature {
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}
// + Write, Read<Cfg = ()>, FixedSize for VerifyingKey (33) and Signature (65).
