//! The authority's side: key generation and blind signatures.

use std::fmt;

use blind_rsa_signatures::{KeyPairSha384PSSRandomized as KeyPair, SecretKeySha384PSSRandomized as Inner};
use rand_core::CryptoRng;
use rsa::{RsaPrivateKey, pkcs8::DecodePrivateKey as _, traits::PublicKeyParts as _};

use super::{MODULUS, TicketError, TicketKey};
use crate::Secret;

/// Longest PKCS#8 file accepted, bytes; one of 3072 bits has about 1,770.
const MAX_PKCS8: usize = 4096;

/// The authority's secret key; PKCS#8 for storage. Wiped on drop.
pub struct TicketSecretKey {
    inner: Inner,
    public: TicketKey,
}

impl TicketSecretKey {
    /// 3072 bits; slow (about a second when optimized).
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let pair = KeyPair::generate(rng, MODULUS * 8).expect("3072 bits is a supported size");
        Self::of(pair.sk).expect("a generated key has the size and exponent asked for")
    }

    fn of(inner: Inner) -> Result<Self, TicketError> {
        let public = public_of(&inner)?;
        Ok(Self { inner, public })
    }

    pub fn public(&self) -> &TicketKey {
        &self.public
    }

    pub fn to_pkcs8(&self) -> Secret<Vec<u8>> {
        Secret::new(self.inner.to_der().expect("a valid RSA key encodes"))
    }

    /// Refuses keys of another size or exponent and keys whose parts do not fit together.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, TicketError> {
        if der.len() > MAX_PKCS8 {
            return Err(TicketError::Key);
        }
        let mut key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| TicketError::Key)?;
        key.validate().map_err(|_| TicketError::Key)?;
        key.precompute().map_err(|_| TicketError::Key)?;
        Self::of(Inner::new(key))
    }

    /// Signs a blinded message (384 bytes, below the modulus) without learning what. The result depends on key and message
    /// only; `rng` blinds the exponentiation against timing.
    pub fn sign_blinded(
        &self,
        blinded: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<[u8; MODULUS], TicketError> {
        if !self.public.holds(blinded) {
            return Err(TicketError::Blinded);
        }
        let signature = self.inner.blind_sign_with_rng(rng, blinded).map_err(|_| TicketError::Blinded)?;
        signature.0.try_into().map_err(|_| TicketError::Blinded)
    }
}

fn public_of(inner: &Inner) -> Result<TicketKey, TicketError> {
    let public = inner.public_key().map_err(|_| TicketError::Key)?;
    let components = public.components();
    let exponent = components.e();
    let significant = exponent.iter().position(|&byte| byte != 0).map_or(&[][..], |at| &exponent[at..]);
    if significant != [1, 0, 1] || public.as_ref().size() != MODULUS {
        return Err(TicketError::Key);
    }
    let modulus = components.n();
    TicketKey::from_modulus(modulus.as_slice().try_into().map_err(|_| TicketError::Key)?)
}

impl fmt::Debug for TicketSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketSecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}
