//! Exponents: non-zero residues modulo the group order r (spec D-2).

use std::fmt;

use blst::blst_scalar;
use rand_core::CryptoRng;
use yilian_crypto::{Label, Secret, kdf};
use zeroize::Zeroizing;

use super::raw;
use crate::DelegationError;

/// In `1..r`, wiped on drop, never printed.
#[derive(Clone)]
pub struct Scalar(blst_scalar);

impl Scalar {
    /// Hashes keying material to a scalar: 64 bytes of HKDF reduced mod r, so the bias is below 2^-256; zero is
    /// skipped by counting on (spec D-2).
    pub fn derive(ikm: &[u8], label: Label, parts: &[&[u8]]) -> Self {
        (0..=u8::MAX)
            .find_map(|attempt| {
                let mut wide = Zeroizing::new([0; 64]);
                for (half, out) in wide.chunks_exact_mut(32).enumerate() {
                    let counter = [attempt, half as u8];
                    let framed: Vec<&[u8]> =
                        std::iter::once(&counter[..]).chain(parts.iter().copied()).collect();
                    out.copy_from_slice(kdf::derive(ikm, label, &framed).expose());
                }
                raw::scalar_reduce(&*wide).map(Self)
            })
            .expect("256 hashes that are all multiples of r do not occur")
    }

    /// Uniform up to a bias below 2^-256.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        loop {
            let mut wide = Zeroizing::new([0; 64]);
            rng.fill_bytes(&mut *wide);
            if let Some(scalar) = raw::scalar_reduce(&*wide) {
                return Self(scalar);
            }
        }
    }

    /// A hash value as an exponent; `None` when it is a multiple of r.
    pub fn from_challenge(hash: &[u8; 32]) -> Option<Self> {
        raw::scalar_reduce(hash).map(Self)
    }

    /// 32 big-endian bytes; refuses zero and values not below r.
    pub fn from_be_bytes(bytes: &[u8; 32]) -> Result<Self, DelegationError> {
        raw::scalar_parse(bytes).map(Self).ok_or(DelegationError::Scalar)
    }

    pub fn to_be_bytes(&self) -> Secret<[u8; 32]> {
        Secret::new(raw::scalar_to_be(&self.0))
    }

    #[must_use]
    pub fn mul(&self, other: &Self) -> Self {
        Self(raw::scalar_mul(&self.0, &other.0))
    }

    /// `None` when the sum is zero.
    pub fn add(&self, other: &Self) -> Option<Self> {
        raw::scalar_add(&self.0, &other.0).map(Self)
    }

    /// `1/self` mod r, in constant time.
    #[must_use]
    pub fn invert(&self) -> Self {
        Self(raw::scalar_inverse(&self.0))
    }

    pub(super) const fn inner(&self) -> &blst_scalar {
        &self.0
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar(..)")
    }
}
